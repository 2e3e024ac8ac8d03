// busybox ash's RANDOM: a linear congruential generator, a Galois register and a 64-bit xorshift, added; 15 bits are shown.
#pragma once
#include "device.h"

template <class W> struct BusyboxRandom {
    enum : u32 { word_bits = 15, reach = unlimited };
    typedef BusyboxRandom Beyond;
    W lcg, galois, x, y;

    HD void seed(W low, u32) {
        lcg = y = low;
        galois = x = low | (equal_mask(low, W(0u)) & 1u);
    }
    HD W next() {
        lcg = lcg * 1664525u + 1013904223u;
        galois = (galois << 1) ^ ((W(0u) - (galois >> 31)) & 0x8000000bu);
        shift(W(unlimited));
        shift(equal_mask(y, W(0u)) & ~above_mask(x, W(2u)));  // two states are left out, for a period that shares no factor
        return (galois - lcg + y) & 0x7fffu;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    // Marsaglia's xorshift of two words, in the lanes of `where`.
    HD void shift(W where) {
        const W mixed = x ^ (x << 2), fresh = y ^ (y >> 3) ^ mixed ^ (mixed >> 7);
        x = select(where, y, x);
        y = select(where, fresh, y);
    }
};
