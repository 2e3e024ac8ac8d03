// PCG32, XSH-RR 64/32 (O'Neill 2014), seeded as pcg32_srandom(seed, stream); an increment is 2 * stream + 1.
#pragma once
#include "device.h"
#include "lcg_jump.h"

template <class W, u64 increment> struct Pcg32Stream {
    enum : u32 { word_bits = 32, reach = unlimited };
    typename wide_of<W>::type state;

    HD void step() { state = state * 6364136223846793005ull + increment; }
    HD void seed(W low, u32 high) {
        state = join_seed(low, high) + increment;
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
            const LcgStep jump = lcg_jump({6364136223846793005ull, increment}, count);
            state = state * jump.multiplier + jump.increment;
        }
    }
    HD void back() { state = (state - increment) * odd_inverse(6364136223846793005ull); }
};

// Stream 54 of pcg_basic's demo.
template <class W> struct Pcg32 : Pcg32Stream<W, 109> {
    typedef Pcg32 Beyond;
};

// Godot's stream is 1442695040888963407, Knuth's increment.
template <class W> struct Pcg32Godot : Pcg32Stream<W, 2885390081777926815ull> {
    typedef Pcg32Godot Beyond;
};
