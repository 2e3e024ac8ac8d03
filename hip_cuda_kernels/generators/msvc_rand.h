// rand() of the Microsoft C runtime: a 32-bit linear congruential generator that shows bits 16 to 30. The seed's top bit changes nothing.
#pragma once
#include "device.h"
#include "lcg_jump.h"

template <class W> struct MsvcRand {
    enum : u32 { word_bits = 15, reach = unlimited };
    typedef MsvcRand Beyond;
    W state;

    HD void seed(W low, u32) { state = low; }
    HD W next() {
        state = state * 214013u + 2531011u;
        return (state >> 16) & 0x7fffu;
    }
    HD void skip(u32 count) {
        const LcgStep jump = lcg_jump({214013u, 2531011u}, count);
        state = state * (u32)jump.multiplier + (u32)jump.increment;
    }
    HD void back() { state = (state - 2531011u) * (u32)odd_inverse(214013u); }
};
