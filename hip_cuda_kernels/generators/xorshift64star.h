// xorshift64* (Vigna 2014) as QuickJS draws Math.random from it: the seed is the time in microseconds, a word the top 52 bits.
#pragma once
#include "device.h"

template <class W> struct Xorshift64StarQuickJs {
    enum : u32 { word_bits = 52, reach = unlimited };
    typedef Xorshift64StarQuickJs Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide state;

    HD void seed(W low, u32 high) {
        state = join_seed(low, high);
        state = state | (equal_mask(state, Wide(0ull)) & 1ull);
    }
    HD void step() {
        state = state ^ (state >> 12);
        state = state ^ (state << 25);
        state = state ^ (state >> 27);
    }
    HD Wide product() {
        step();
        return state * 0x2545f4914f6cdd1dull;
    }
    HD Wide next_wide() { return product() >> 12; }
    HD W next() { return hi32(product()); }
    HD void back() {
        for (int by = 27; by < 64; by *= 2) state = state ^ (state >> by);
        for (int by = 25; by < 64; by *= 2) state = state ^ (state << by);
        for (int by = 12; by < 64; by *= 2) state = state ^ (state >> by);
    }
    HD void skip(u32 count) {
        for (; count; --count) step();
    }
};
