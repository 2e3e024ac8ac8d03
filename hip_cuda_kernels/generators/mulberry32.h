// mulberry32 (T. Ettinger 2017): a 32-bit Weyl sequence through a mixer, the most copied seedable generator of JavaScript.
#pragma once
#include "device.h"

template <class W> struct Mulberry32 {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Mulberry32 Beyond;
    W state;

    HD void seed(W low, u32) { state = low; }
    HD W next() {
        state = state + 0x6d2b79f5u;
        W x = (state ^ (state >> 15)) * (state | 1u);
        x = x ^ (x + (x ^ (x >> 7)) * (x | 61u));
        return x ^ (x >> 14);
    }
    HD void back() { state = state - 0x6d2b79f5u; }
    HD void skip(u32 count) { state = state + 0x6d2b79f5u * count; }
};
