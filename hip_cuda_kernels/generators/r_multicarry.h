// R's Marsaglia-Multicarry: two 16-bit multiply-with-carry generators, the lower one's half xored under the shifted upper one.
#pragma once
#include "device.h"
#include "r_set_seed.h"

template <class W> struct RMulticarry {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef RMulticarry Beyond;
    W upper, lower;

    HD void seed(W low, u32) {
        upper = r_nonzero(r_state_word(low, 0));
        lower = r_nonzero(r_state_word(low, 1));
    }
    HD W next() {
        upper = (upper & 0xffffu) * 36969u + (upper >> 16);
        lower = (lower & 0xffffu) * 18000u + (lower >> 16);
        return (upper << 16) ^ (lower & 0xffffu);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
