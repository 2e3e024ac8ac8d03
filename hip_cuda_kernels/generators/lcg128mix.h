// The plain 128-bit congruential generator: the upper half of each state, as randomgen.LCG128Mix(seed, output="upper").
#pragma once
#include "device.h"
#include "lcg128.h"

template <class W> struct Lcg128Upper : Lcg128<W, Pcg64Multiplier> {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef Lcg128Upper Beyond;
    HD typename wide_of<W>::type next_wide() {
        this->step();
        return this->state.high;
    }
    HD W next() { return hi32(next_wide()); }
};
