// new Random(seed) of .NET: Knuth's subtractive generator x[i] = x[i-55] - x[i-34] modulo 2^31 - 1 on 32-bit signed numbers.
//
// The published lag is 24; the runtime starts its second index at 21 (Numerical Recipes' ran3 has 31), which it keeps for compatibility.
#pragma once
#include "device.h"

template <class W> struct NetRandom {
    enum : u32 { word_bits = 31, reach = unlimited };
    typedef NetRandom Beyond;
    W ring[55];
    u32 at;

    // A negative seed counts as its absolute value, -2^31 as 2^31 - 1.
    HD void seed(W low, u32) {
        const W sign = W(0u) - (low >> 31);
        const W size = smaller(W((low ^ sign) - sign), W(0x7fffffffu));
        W previous = W(161803398u) - size, next = W(1u);
        ring[54] = previous;
        for (u32 i = 1; i < 55; ++i) {
            const u32 place = 21 * i % 55 - 1;
            ring[place] = next;
            next = wrapped(previous - next);
            previous = ring[place];
        }
        for (u32 round = 0; round < 4; ++round)
            for (u32 i = 0; i < 55; ++i) ring[i] = wrapped(ring[i] - ring[(i + 31) % 55]);
        at = 0;
    }
    HD W next() {
        W word = ring[at] - ring[(at + 21) % 55];
        word = wrapped(word - (equal_mask(word, W(0x7fffffffu)) & 1u));
        ring[at] = word;
        at = (at + 1) % 55;
        return word;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    HD static W wrapped(W x) { return x + ((W(0u) - (x >> 31)) & 0x7fffffffu); }
};
