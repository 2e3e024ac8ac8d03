// PCG64DXSM, the 128-bit generator with a 64-bit multiplier and the double-xorshift-multiply output, as numpy.random.PCG64DXSM.
#pragma once
#include "lcg128.h"

struct Pcg64DxsmMultiplier {
    static HD Scalar128 value() { return {0, 0xda942042e4dd58b5ull}; }
};

template <class W> struct Pcg64Dxsm : Lcg128<W, Pcg64DxsmMultiplier> {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef Pcg64Dxsm Beyond;

    HD typename wide_of<W>::type next_wide() {  // the word is made of the state before its step
        auto high = this->state.high, low = this->state.low | 1ull;
        this->step();
        high = (high ^ (high >> 32)) * 0xda942042e4dd58b5ull;
        return (high ^ (high >> 48)) * low;
    }
    HD W next() { return hi32(next_wide()); }
};
