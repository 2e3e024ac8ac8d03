// Arithmetic modulo the prime 2^31 - 1 without division: its high bits count once more, as 2^31 = 1.
#pragma once
#include "device.h"

// x * multiplier for numbers below 2^31.
template <class W, class Multiplier> HD W times_mod31(W x, Multiplier multiplier) {
    auto product = multiply_wide(x, multiplier);
    W sum = (lo32(product) & 0x7fffffffu) + ((hi32(product) << 1) | (lo32(product) >> 31));
    return smaller(sum, W(sum - 0x7fffffffu));
}

// a + b and a - b for numbers below the modulus.
template <class W> HD W plus_mod31(W a, W b) {
    W sum = a + b;
    return smaller(sum, W(sum - 0x7fffffffu));
}
template <class W> HD W minus_mod31(W a, W b) {
    W difference = a - b;
    return smaller(difference, W(difference + 0x7fffffffu));
}

// A 32-bit number modulo 2^31 - 1.
template <class W> HD W mod31(W x) {
    W sum = (x & 0x7fffffffu) + (x >> 31);
    return smaller(sum, W(sum - 0x7fffffffu));
}

// base^exponent, the same for all lanes: the multiplier of `exponent` steps, or with 2^31 - 3 (Fermat) of the inverse step.
HD constexpr u32 power_mod31(u32 base, u32 exponent) {
    u64 power = base, all = 1;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1) all = all * power % 0x7fffffffu;
        power = power * power % 0x7fffffffu;
    }
    return (u32)all;
}
