// rand() of the Microsoft C runtime: a 32-bit linear congruential generator that shows bits 16 to 30. The seed's top bit changes nothing.
#pragma once
#include "device.h"

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
        for (; count; --count) next();
    }
};
