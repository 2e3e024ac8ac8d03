// Inverses of the xorshift steps: x from x ^ (x << by) and from x ^ (x >> by), by squaring the shift.
#pragma once
#include "device.h"

template <class W> HD W without_left_shift(W x, int by) {
    for (; by < 32; by *= 2) x = x ^ (x << by);
    return x;
}

template <class W> HD W without_right_shift(W x, int by) {
    for (; by < 32; by *= 2) x = x ^ (x >> by);
    return x;
}
