// nextInt() of java.util.SplittableRandom: splitmix64's Weyl sequence through a mixer of its own, whose upper half is the word.
#pragma once
#include "device.h"

template <class W> struct Splittable32 {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Splittable32 Beyond;
    typename wide_of<W>::type state;

    HD void seed(W low, u32 high) { state = join_seed(low, high); }
    HD W next() {
        state = state + 0x9e3779b97f4a7c15ull;
        auto z = (state ^ (state >> 33)) * 0x62a9d9ed799705f5ull;
        return hi32((z ^ (z >> 28)) * 0xcb24d0a5c88c35b3ull);
    }
    HD void back() { state = state - 0x9e3779b97f4a7c15ull; }
    HD void skip(u32 count) { state = state + 0x9e3779b97f4a7c15ull * count; }
};
