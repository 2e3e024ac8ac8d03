// The generators of npm's pure-rand (fast-check draws from them); a word is next() + 2^31, as its distributions take it.
#pragma once
#include "lcg_jump.h"
#include "xorshift128plus.h"

// Seeded alike: all ones and the seed's complement, the seed and zero.
template <class W> struct PureRandXorshift128Plus {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef PureRandXorshift128Plus Beyond;
    Xorshift128Plus<W, 23, 18, 5> state;

    HD void seed(W low, u32) { state = {join(W(~0u), ~low), join(low, W(0u))}; }
    HD W next() {
        W word = lo32(state.sum()) ^ 0x80000000u;
        state.step();
        return word;
    }
    HD void back() { state.back(); }
    HD void skip(u32 count) {
        for (; count; --count) state.step();
    }
};

template <class W> struct PureRandXoroshiro128Plus {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef PureRandXoroshiro128Plus Beyond;
    typename wide_of<W>::type s0, s1;

    HD void seed(W low, u32) {
        s0 = join(W(~0u), ~low);
        s1 = join(low, W(0u));
    }
    HD void step() {
        auto both = s0 ^ s1;
        s0 = rotate_left64(s0, 24) ^ both ^ (both << 16);
        s1 = rotate_left64(both, 37);
    }
    HD W next() {
        W word = lo32(s0 + s1) ^ 0x80000000u;
        step();
        return word;
    }
    HD void back() {
        auto both = rotate_left64(s1, 64 - 37);
        s0 = rotate_left64(s0 ^ both ^ (both << 16), 64 - 24);
        s1 = s0 ^ both;
    }
    HD void skip(u32 count) {
        for (; count; --count) step();
    }
};

// congruential32: Microsoft's 32-bit generator, 15 bits of each of three steps to a word.
template <class W> struct PureRandCongruential32 {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef PureRandCongruential32 Beyond;
    W state;

    HD void seed(W low, u32) { state = low; }
    HD W next() {
        W word = W(0u);
        for (u32 i = 0; i < 3; ++i) {
            state = state * 214013u + 2531011u;
            word = (word << 15) | ((state >> 16) & 0x7fffu);
        }
        return word ^ 0x80000000u;
    }
    HD void skip(u32 count) { apply(lcg_jump({214013, 2531011}, 3 * (u64)count)); }
    HD void back() {
        const u64 inverse = odd_inverse(214013);
        apply(lcg_jump({inverse, (0 - 2531011ull) * inverse}, 3));
    }

  private:
    HD void apply(LcgStep step) { state = state * (u32)step.multiplier + (u32)step.increment; }
};
