// Quotients and remainders by a constant without division (Barrett 1986): multiply by the reciprocal, put right by at most one.
#pragma once
#include "device.h"

// x / modulus of a 32-bit number.
template <u32 modulus, class W> HD W quotient32(W x) {
    W quotient = hi32(multiply_wide(x, 0xffffffffu / modulus));
    return quotient + (above_mask(W(x - quotient * modulus), W(modulus - 1)) & 1u);
}

// x % modulus of a 32-bit number, modulus <= 2^31.
template <u32 modulus, class W> HD W remainder32(W x) {
    W rest = x - hi32(multiply_wide(x, 0xffffffffu / modulus)) * modulus;
    return smaller(rest, W(rest - modulus));
}

// x % modulus of a 64-bit number, modulus <= 2^31: the rest is below 2^32, so the low halves suffice for it.
template <u32 modulus, class Wide> HD auto remainder64(Wide x) {
    auto rest = lo32(x) - lo32(high_product64(x, Wide(~0ull / modulus))) * modulus;
    return smaller(rest, rest - modulus);
}

// x * multiplier % modulus.
template <u32 modulus, class W> HD W times_mod(W x, u32 multiplier) {
    return remainder64<modulus>(multiply_wide(x, multiplier));
}
