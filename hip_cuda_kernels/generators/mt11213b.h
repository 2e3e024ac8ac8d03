// MT11213B (Matsumoto, Nishimura): a small Mersenne twister of 351 words, seeded through Knuth's multiplier as Boost does.
#pragma once
#include "device.h"

template <class W> HD W mt11213b_link(W word, u32 index) { return (word ^ (word >> 30)) * 1812433253u + index; }

template <class W> HD W mt11213b_twist(W here, W after, W far) {
    W mixed = (here & 0xfff80000u) | (after & 0x7ffffu);
    return far ^ (mixed >> 1) ^ ((W(0u) - (after & 1u)) & 0xccab8ee7u);
}

template <class W> HD W mt11213b_temper(W x) {
    x = x ^ (x >> 11);
    x = x ^ ((x << 7) & 0x31b6ab00u);
    x = x ^ ((x << 15) & 0xffe50000u);
    return x ^ (x >> 17);
}

// The whole state, twisted word by word as it is used.
template <class W> struct Mt11213bState {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Mt11213bState Beyond;
    W mt[351];
    u32 at;

    HD void seed(W low, u32) {
        W word = low;
        mt[0] = word;
        for (u32 i = 1; i < 351; ++i) mt[i] = word = mt11213b_link(word, i);
        at = 0;
    }
    HD W twisted() {
        u32 after = at + 1 == 351 ? 0 : at + 1;
        u32 far = at + 175 < 351 ? at + 175 : at - 176;
        W word = mt11213b_twist(mt[at], mt[after], mt[far]);
        mt[at] = word;
        at = after;
        return word;
    }
    HD W next() { return mt11213b_temper(twisted()); }
    HD void skip(u32 count) {
        for (; count; --count) twisted();
    }
};

// The first 176 words need only state words i, i+1 and i+175: two points on the seeding chain.
template <class W> struct Mt11213b {
    enum : u32 { word_bits = 32, reach = 176 };
    typedef Mt11213bState<W> Beyond;
    W here, far;
    u32 index;

    HD void seed(W low, u32) {
        here = far = low;
        index = 0;
        for (u32 i = 1; i < 175; ++i) far = mt11213b_link(far, i);
    }
    HD W next() {
        W after = mt11213b_link(here, index + 1);
        far = mt11213b_link(far, index + 175);
        W word = mt11213b_twist(here, after, far);
        here = after;
        ++index;
        return mt11213b_temper(word);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
