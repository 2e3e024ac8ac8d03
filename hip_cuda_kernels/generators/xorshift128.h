// xorshift128 (the xor128 of Marsaglia 2003): shifts 11, 8, 19; the paper's y, z and w with the seed as x.
#pragma once
#include "device.h"
#include "unshift.h"

template <class W> struct Xorshift128 {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Xorshift128 Beyond;
    W x, y, z, w;

    HD void seed(W low, u32) {
        x = low;
        y = W(362436069u);
        z = W(521288629u);
        w = W(88675123u);
    }
    HD W next() {
        W t = x ^ (x << 11);
        x = y;
        y = z;
        z = w;
        w = w ^ (w >> 19) ^ t ^ (t >> 8);
        return w;
    }
    HD void back() {
        W t = without_right_shift(W(w ^ z ^ (z >> 19)), 8);
        w = z;
        z = y;
        y = x;
        x = without_left_shift(t, 11);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
