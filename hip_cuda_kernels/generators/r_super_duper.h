// R's Super-Duper (Reeds et al. 1984, after Marsaglia): a 32-bit Tausworthe generator xored with a multiplicative one modulo 2^32.
#pragma once
#include "device.h"
#include "lcg_jump.h"
#include "r_set_seed.h"

template <class W> struct RSuperDuper {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef RSuperDuper Beyond;
    W shifted, product;

    HD void seed(W low, u32) {
        shifted = r_nonzero(r_state_word(low, 0));
        product = r_state_word(low, 1) | 1u;
    }
    HD W next() {
        shifted = shifted ^ (shifted >> 15);
        shifted = shifted ^ (shifted << 17);
        product = product * 69069u;
        return shifted ^ product;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
    HD void back() {
        shifted = shifted ^ (shifted << 17);
        shifted = shifted ^ (shifted >> 15) ^ (shifted >> 30);
        product = product * (u32)odd_inverse(69069u);
    }
};
