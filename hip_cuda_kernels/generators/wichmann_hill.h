// Wichmann and Hill 1982 (AS 183) as in R: three small Lehmer generators whose fractions are added; the integer part of the sum is dropped.
#pragma once
#include "device.h"
#include "r_set_seed.h"

// A word is floor(2^32 u) of R's double u. The sum is kept to 64 binary places, beside which R's rounding is coarse.
template <class W> struct WichmannHillR {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef WichmannHillR Beyond;
    W x, y, z;

    HD void seed(W low, u32) {
        x = r_nonzero(remainder<30269>(r_state_word(low, 0)));
        y = r_nonzero(remainder<30307>(r_state_word(low, 1)));
        z = r_nonzero(remainder<30323>(r_state_word(low, 2)));
    }
    HD W next() {
        step(171u, 172u, 170u);
        return hi32(fraction<30269>(x) + fraction<30307>(y) + fraction<30323>(z));
    }
    HD void skip(u32 count) {
        for (; count; --count) step(171u, 172u, 170u);
    }
    HD void back() { step(15046u, 19911u, 25507u); }  // the inverses of the multipliers

  private:
    HD void step(u32 a, u32 b, u32 c) {
        x = remainder<30269>(W(x * a));
        y = remainder<30307>(W(y * b));
        z = remainder<30323>(W(z * c));
    }
    // The quotient by a rounded reciprocal is at most one too small.
    template <u32 modulus> HD static W remainder(W value) {
        W rest = value - hi32(multiply_wide(value, (u32)(0x100000000ull / modulus))) * modulus;
        return smaller(rest, W(rest - modulus));
    }
    // 2^64 * value / modulus modulo 2^64, less than two too small: 2^64 / modulus to 16 places behind the point.
    template <u32 modulus> HD static typename wide_of<W>::type fraction(W value) {
        constexpr u64 whole = 0xffffffffffffffffull / modulus, rest = 0xffffffffffffffffull % modulus + 1;
        W tail = (value * (u32)((rest << 16) / modulus)) >> 16;
        return multiply_wide(value, (u32)whole) + widen(tail) + (widen(W(value * (u32)(whole >> 32))) << 32);
    }
};
