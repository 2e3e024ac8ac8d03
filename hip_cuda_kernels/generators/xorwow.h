// xorwow (Marsaglia 2003): an xorshift of five words plus a Weyl sequence; the paper's numbers with the seed as x.
#pragma once
#include "device.h"
#include "unshift.h"

template <class W> struct Xorwow {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Xorwow Beyond;
    W x, y, z, w, v;
    u32 weyl;

    HD void seed(W low, u32) {
        x = low;
        y = W(362436069u);
        z = W(521288629u);
        w = W(88675123u);
        v = W(5783321u);
        weyl = 6615241;
    }
    HD W next() {
        W t = x ^ (x >> 2);
        x = y;
        y = z;
        z = w;
        w = v;
        v = v ^ (v << 4) ^ t ^ (t << 1);
        weyl += 362437;
        return v + weyl;
    }
    HD void back() {
        W t = without_left_shift(W(v ^ w ^ (w << 4)), 1);
        v = w;
        w = z;
        z = y;
        y = x;
        x = without_right_shift(t, 2);
        weyl -= 362437;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
