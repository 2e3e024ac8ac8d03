// The 128-bit xorshift of Vigna's xorshift128+ (2014), one step forward or back: a shift left, two right, of two 64-bit words.
#pragma once
#include "device.h"

template <class W, int left, int right, int last> struct Xorshift128Plus {
    typedef typename wide_of<W>::type Wide;
    Wide older, newer;

    HD void step() {
        Wide x = older ^ (older << left);
        older = newer;
        newer = x ^ (x >> right) ^ newer ^ (newer >> last);
    }
    HD void back() {
        Wide x = newer ^ older ^ (older >> last);
        for (int by = right; by < 64; by *= 2) x = x ^ (x >> by);  // (1 + s)^-1 = (1 + s)(1 + s^2)(1 + s^4)...
        for (int by = left; by < 64; by *= 2) x = x ^ (x << by);
        newer = older;
        older = x;
    }
    HD Wide sum() const { return older + newer; }
};
