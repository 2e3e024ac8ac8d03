// glibc's rand_r(): three steps of a 32-bit linear congruential generator give 11, 10 and 10 bits of a word.
#pragma once
#include "device.h"
#include "lcg_jump.h"

template <class W> struct GlibcRandR {
    enum : u32 { word_bits = 31, reach = unlimited };
    typedef GlibcRandR Beyond;
    W state;

    HD void seed(W low, u32) { state = low; }
    HD W next() {
        W word = upper(0x7ffu);
        word = (word << 10) ^ upper(0x3ffu);
        return (word << 10) ^ upper(0x3ffu);
    }
    HD void skip(u32 count) { apply(lcg_jump({1103515245u, 12345u}, 3ull * count)); }
    HD void back() {
        const u64 inverse = odd_inverse(1103515245u);
        apply(lcg_jump({inverse, (0 - 12345ull) * inverse}, 3));
    }

  private:
    HD W upper(u32 mask) {
        state = state * 1103515245u + 12345u;
        return (state >> 16) & mask;
    }
    HD void apply(LcgStep step) { state = state * (u32)step.multiplier + (u32)step.increment; }
};
