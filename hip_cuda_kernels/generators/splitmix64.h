// SplitMix64 (Steele, Lea, Flood 2014), java.util.SplittableRandom's nextLong: a Weyl sequence through a 64-bit mixer.
#pragma once
#include "device.h"

template <class W> struct SplitMix64 {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef SplitMix64 Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide state;

    HD void seed(W low, u32 high) { state = join_seed(low, high); }
    HD Wide next_wide() {
        state = state + 0x9e3779b97f4a7c15ull;
        Wide z = state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
    }
    HD W next() { return hi32(next_wide()); }
    HD void back() { state = state - 0x9e3779b97f4a7c15ull; }
    HD void skip(u32 count) { state = state + 0x9e3779b97f4a7c15ull * count; }
};
