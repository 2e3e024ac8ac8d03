// 128-bit integers as two 64-bit halves, one in each lane: sum, product, and the powers that congruential generators jump by.
#pragma once
#include "device.h"

template <class Wide> struct Wide128 {
    Wide high, low;
};
typedef Wide128<u64> Scalar128;

template <class Wide> HD Wide128<Wide> operator+(const Wide128<Wide> &a, const Wide128<Wide> &b) {
    Wide low = a.low + b.low;
    return {a.high + b.high - above_mask(a.low, low), low};  // a carry is a mask, -1
}

template <class Wide> HD Wide128<Wide> operator~(const Wide128<Wide> &a) { return {~a.high, ~a.low}; }

template <class Wide> HD Wide128<Wide> operator*(const Wide128<Wide> &a, const Scalar128 &b) {
    return {high_product64(a.low, Wide(b.low)) + a.high * b.low + a.low * b.high, a.low * b.low};
}

// n steps of x -> x * multiplier + c are x * power + c * sum, for any c.
struct Lcg128Jump {
    Scalar128 power, sum;
};

HD Lcg128Jump lcg128_jump(Scalar128 multiplier, u64 count) {
    const Scalar128 one = {0, 1};
    Lcg128Jump all = {one, {0, 0}}, step = {multiplier, one};
    for (; count; count >>= 1) {
        if (count & 1) all = {all.power * step.power, all.sum * step.power + step.sum};
        step = {step.power * step.power, (step.power + one) * step.sum};
    }
    return all;
}

// The inverse of an odd number modulo 2^128, by Newton's method: x -> x * (2 - odd * x).
HD Scalar128 odd_inverse128(Scalar128 odd) {
    Scalar128 x = odd;
    for (int i = 0; i < 7; ++i) x = x * (~(odd * x) + Scalar128{0, 3});
    return x;
}
