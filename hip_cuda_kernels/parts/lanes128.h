// 128-bit numbers in lanes, and linear congruential steps and jumps modulo 2^128.
#pragma once
#include "device.h"

template <class W> struct Lanes128 {
    typedef typename wide_of<W>::type Wide;
    Wide high, low;
};

template <class W> HD Lanes128<W> lanes128(u64 high, u64 low) {
    typedef typename wide_of<W>::type Wide;
    return {Wide(high), Wide(low)};
}

template <class W> HD Lanes128<W> operator+(const Lanes128<W> &a, const Lanes128<W> &b) {
    auto low = a.low + b.low;
    return {a.high + b.high + (above_mask(a.low, low) & 1ull), low};
}

template <class W> HD Lanes128<W> operator*(const Lanes128<W> &a, const Lanes128<W> &b) {
    return {high_product64(a.low, b.low) + a.high * b.low + a.low * b.high, a.low * b.low};
}

// The same number, known to all lanes, in each of them.
template <class W> HD Lanes128<W> in_lanes(const Lanes128<u32> &x) { return lanes128<W>(x.high, x.low); }

// `count` steps of x -> x * multiplier + increment are x * power + increment * sum: the increment may differ from lane to lane.
struct Jump128 {
    Lanes128<u32> power, sum;
};

HD Jump128 jump128(Lanes128<u32> multiplier, u64 count) {
    const Lanes128<u32> one = {0, 1};
    Jump128 all = {one, {0, 0}};
    Lanes128<u32> sum = one;
    for (; count; count >>= 1) {
        if (count & 1) all = {all.power * multiplier, all.sum * multiplier + sum};
        sum = (multiplier + one) * sum;
        multiplier = multiplier * multiplier;
    }
    return all;
}
