// gforth's random.fs: a 64-bit linear congruential generator whose whole state is the word, seeded directly.
#pragma once
#include "lcg_jump.h"

template <class W> struct GforthRandom {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef GforthRandom Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide state;

    HD void seed(W low, u32 high) { state = join_seed(low, high); }
    HD Wide next_wide() {
        state = state * multiplier() + 1ull;
        return state;
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) { apply(lcg_jump({multiplier(), 1}, count)); }
    HD void back() {
        const u64 inverse = odd_inverse(multiplier());
        apply({inverse, 0 - inverse});
    }

  private:
    HD static constexpr u64 multiplier() { return 0x10450405ull; }
    HD void apply(LcgStep step) { state = state * step.multiplier + step.increment; }
};
