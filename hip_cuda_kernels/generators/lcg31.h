// Multiplicative generators modulo 2^31 - 1 (Lehmer; Park and Miller 1988), seeded as C++ seeds std::linear_congruential_engine.
#pragma once
#include "device.h"

// x * multiplier modulo 2^31 - 1 for x below the modulus: the high bits of the product count once more, as 2^31 = 1.
template <class W> HD W times_mod31(W x, u32 multiplier) {
    auto product = multiply_wide(x, multiplier);
    W sum = (lo32(product) & 0x7fffffffu) + ((hi32(product) << 1) | (lo32(product) >> 31));
    return smaller(sum, W(sum - 0x7fffffffu));
}

// A 32-bit number modulo 2^31 - 1.
template <class W> HD W mod31(W x) {
    W sum = (x & 0x7fffffffu) + (x >> 31);
    return smaller(sum, W(sum - 0x7fffffffu));
}

// Words are 1 .. 2^31 - 2. A seed that is 0 modulo 2^31 - 1 becomes 1, as the C++ standard says.
template <class W, u32 multiplier> struct Lcg31 {
    enum : u32 { word_bits = 31, reach = unlimited };
    W x;

    HD void seed(W low, u32) {
        x = mod31(low);
        x = x | (equal_mask(x, W(0u)) & 1u);
    }
    HD W next() {
        x = times_mod31(x, multiplier);
        return x;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};

template <class W> struct Minstd16807 : Lcg31<W, 16807u> {
    typedef Minstd16807 Beyond;
};

template <class W> struct Minstd48271 : Lcg31<W, 48271u> {
    typedef Minstd48271 Beyond;
};
