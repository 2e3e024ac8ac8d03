// PCG64, XSL-RR 128/64 (O'Neill 2014), as numpy.random.PCG64 seeds it: NumPy's default generator.
#pragma once
#include "lcg128.h"

template <class W> struct Pcg64 : Lcg128<W, Pcg64Multiplier> {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef Pcg64 Beyond;

    HD typename wide_of<W>::type next_wide() {
        this->step();
        return rotate_right_each(this->state.high ^ this->state.low, this->state.high >> 58);
    }
    HD W next() { return hi32(next_wide()); }
};
