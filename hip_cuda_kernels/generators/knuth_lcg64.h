// rand() of musl and of newlib: Knuth's 64-bit linear congruential generator (MMIX's multiplier, increment 1), upper bits shown.
#pragma once
#include "device.h"
#include "lcg_jump.h"

template <class W> struct KnuthLcg64 {
    enum : u32 { word_bits = 31, reach = unlimited };
    typename wide_of<W>::type state;

    HD void step() { state = state * 6364136223846793005ull + 1ull; }
    HD void skip(u32 count) {
        const LcgStep jump = lcg_jump({6364136223846793005ull, 1}, count);
        state = state * jump.multiplier + jump.increment;
    }
    HD void back() { state = (state - 1ull) * odd_inverse(6364136223846793005ull); }
};

// srand(seed) of musl keeps seed - 1 as an unsigned int; a word is the top 31 bits.
template <class W> struct MuslRand : KnuthLcg64<W> {
    typedef MuslRand Beyond;
    HD void seed(W low, u32) { this->state = widen(W(low - 1u)); }
    HD W next() {
        this->step();
        return hi32(this->state) >> 1;
    }
};

// srand(seed) of newlib keeps the seed; a word is the upper half without its sign.
template <class W> struct NewlibRand : KnuthLcg64<W> {
    typedef NewlibRand Beyond;
    HD void seed(W low, u32) { this->state = widen(low); }
    HD W next() {
        this->step();
        return hi32(this->state) & 0x7fffffffu;
    }
};
