// Multiplicative generators modulo 2^31 - 1 (Lehmer; Park and Miller 1988), seeded as C++ seeds std::linear_congruential_engine.
#pragma once
#include "device.h"
#include "mod31.h"

template <class W, u32 multiplier> struct Lcg31State {
    enum : u32 { word_bits = 31, reach = unlimited };
    W x;

    HD W next() {
        x = times_mod31(x, multiplier);
        return x;
    }
    HD void back() {
        constexpr u32 inverse = power_mod31(multiplier, 0x7ffffffdu);
        x = times_mod31(x, inverse);
    }
    HD void skip(u32 count) {
        if (count < 8) {
            for (; count; --count) next();
        } else {
            x = times_mod31(x, power_mod31(multiplier, count));
        }
    }
};

// Words are 1 .. 2^31 - 2. A seed that is 0 modulo 2^31 - 1 becomes 1, as the C++ standard says.
template <class W, u32 multiplier> struct Lcg31 : Lcg31State<W, multiplier> {
    HD void seed(W low, u32) {
        this->x = mod31(low);
        this->x = this->x | (equal_mask(this->x, W(0u)) & 1u);
    }
};

template <class W> struct Minstd16807 : Lcg31<W, 16807u> {
    typedef Minstd16807 Beyond;
};

template <class W> struct Minstd48271 : Lcg31<W, 48271u> {
    typedef Minstd48271 Beyond;
};

template <class W> struct Fishman18 : Lcg31<W, 62089911u> {
    typedef Fishman18 Beyond;
};

// ran0 of Numerical Recipes: the seed is xored with a mask. The mask itself as a seed leaves 0 for good, and GSL refuses it.
template <class W> struct Ran0 : Lcg31State<W, 16807u> {
    typedef Ran0 Beyond;
    HD void seed(W low, u32) { this->x = mod31(low ^ W(123459876u)); }
};
