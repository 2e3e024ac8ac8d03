// PCG32, XSH-RR 64/32 (O'Neill 2014), seeded as pcg32_srandom(seed, 54) of pcg_basic's demo: stream 54, increment 109.
#pragma once
#include "device.h"
#include "lcg_jump.h"

template <class W> struct Pcg32 {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Pcg32 Beyond;
    typename wide_of<W>::type state;

    HD void step() { state = state * 6364136223846793005ull + 109ull; }
    HD void seed(W low, u32 high) {
        state = join_seed(low, high) + 109ull;
        step();
    }
    HD W next() {
        auto old = state;
        step();
        return rotate_right_each(lo32(((old >> 18) ^ old) >> 27), W(hi32(old) >> 27));
    }
    HD void skip(u32 count) {
        if (count < 8) {
            for (; count; --count) step();
        } else {
            const LcgStep jump = lcg_jump({6364136223846793005ull, 109ull}, count);
            state = state * jump.multiplier + jump.increment;
        }
    }
    HD void back() { state = (state - 109ull) * odd_inverse(6364136223846793005ull); }
};
