// Math.random of JavaScriptCore (Safari, Bun): WeakRandom, xorshift128+ from a 32-bit seed, the low 53 bits of the sum.
#pragma once
#include "xorshift128plus.h"

template <class W> struct JscWeakRandom {
    enum : u32 { word_bits = 53, reach = unlimited };
    typedef JscWeakRandom Beyond;
    Xorshift128Plus<W, 23, 17, 26> state;

    HD void seed(W low, u32) {
        W nonzero = low | (equal_mask(low, W(0u)) & 1u);
        state = {widen(nonzero), widen(nonzero)};
        state.step();
    }
    HD typename wide_of<W>::type next_wide() {
        state.step();
        return state.sum() & 0x1fffffffffffffull;
    }
    HD W next() {
        state.step();
        return lo32(state.sum() >> 21);
    }
    HD void back() { state.back(); }
    HD void skip(u32 count) {
        for (; count; --count) state.step();
    }
};
