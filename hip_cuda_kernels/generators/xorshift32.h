// xorshift32 (Marsaglia 2003) with the shifts 13, 17, 5; the seed is the state. Seed 0 is its fixed point: every word is 0.
#pragma once
#include "device.h"
#include "unshift.h"

template <class W> struct Xorshift32 {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Xorshift32 Beyond;
    W x;

    HD void seed(W low, u32) { x = low; }
    HD W next() {
        x = x ^ (x << 13);
        x = x ^ (x >> 17);
        x = x ^ (x << 5);
        return x;
    }
    HD void back() {
        x = without_left_shift(x, 5);
        x = x ^ (x >> 17);
        x = without_left_shift(x, 13);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
