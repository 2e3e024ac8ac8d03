// PCG with the default increment (O'Neill 2014): one seed, no stream; the state before each step passes through a permutation.
#pragma once
#include "device.h"
#include "lcg_jump.h"

// 64-bit state, seeded as pcg-cpp does: one step from the seed after adding the increment.
template <class W> struct PcgOneseq64State {
    typedef typename wide_of<W>::type Wide;
    static constexpr u64 multiplier = 6364136223846793005ull, increment = 1442695040888963407ull;
    Wide state;

    HD void seed(W low, u32 high) { state = (join_seed(low, high) + increment) * multiplier + increment; }
    HD Wide step() {
        Wide old = state;
        state = state * multiplier + increment;
        return old;
    }
    HD void skip(u32 count) {
        const LcgStep jump = lcg_jump({multiplier, increment}, count);
        state = state * jump.multiplier + jump.increment;
    }
    HD void back() { state = (state - increment) * odd_inverse(multiplier); }
};

// pcg32_oneseq: xorshift high, rotate at random.
template <class W> struct Pcg32Oneseq : PcgOneseq64State<W> {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Pcg32Oneseq Beyond;
    HD W next() {
        auto old = this->step();
        return rotate_right_each(lo32(((old >> 18) ^ old) >> 27), W(hi32(old) >> 27));
    }
};

// pcg64_oneseq_once_insecure: random xorshift, multiply, xorshift; every word once.
template <class W> struct Pcg64RxsMXs : PcgOneseq64State<W> {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef Pcg64RxsMXs Beyond;
    typedef typename wide_of<W>::type Wide;
    HD Wide next_wide() {
        Wide word = this->step();
        word = (word ^ shift_right_each(word, Wide((word >> 59) + 5ull))) * 12605985483714917081ull;
        return word ^ (word >> 43);
    }
    HD W next() { return hi32(next_wide()); }
};

// pcg32_oneseq_once_insecure: the same in 32 bits.
template <class W> struct Pcg32RxsMXs {
    enum : u32 { word_bits = 32, reach = unlimited, multiplier = 747796405u, increment = 2891336453u };
    typedef Pcg32RxsMXs Beyond;
    W state;

    HD void seed(W low, u32) { state = (low + increment) * multiplier + increment; }
    HD W next() {
        W word = state;
        state = state * multiplier + increment;
        word = (word ^ shift_right_each(word, W((word >> 28) + 4u))) * 277803737u;
        return word ^ (word >> 22);
    }
    HD void skip(u32 count) {
        const LcgStep jump = lcg_jump({multiplier, increment}, count);
        state = state * (u32)jump.multiplier + (u32)jump.increment;
    }
    HD void back() { state = (state - increment) * (u32)odd_inverse(multiplier); }
};

// pcg32_fast, multiplicative (an increment of 0): xorshift high, shift at random. The seed's low two bits are set.
template <class W> struct Pcg32Fast {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Pcg32Fast Beyond;
    static constexpr u64 multiplier = 6364136223846793005ull;
    typename wide_of<W>::type state;

    HD void seed(W low, u32 high) { state = join_seed(low, high) | 3ull; }
    HD W next() {
        auto old = state;
        state = state * multiplier;
        return lo32(shift_right_each(old ^ (old >> 22), (old >> 61) + 22ull));
    }
    HD void skip(u32 count) { state = state * lcg_jump({multiplier, 0}, count).multiplier; }
    HD void back() { state = state * odd_inverse(multiplier); }
};
