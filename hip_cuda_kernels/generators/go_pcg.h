// Go's math/rand/v2 PCG: the 128-bit congruential generator with the DXSM output of its state after the step, from NewPCG(seed, 0).
#pragma once
#include "lcg128.h"

template <class W> struct GoPcg : Lcg128<W, Pcg64Multiplier> {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef GoPcg Beyond;
    typedef typename wide_of<W>::type Wide;

    HD void seed(W low, u32 high) {
        this->state = {join_seed(low, high), Wide(0ull)};
        this->increment = {Wide(0x5851f42d4c957f2dull), Wide(0x14057b7ef767814full)};
    }
    HD Wide next_wide() {
        this->step();
        Wide x = this->state.high;
        x = (x ^ (x >> 32)) * 0xda942042e4dd58b5ull;
        return (x ^ (x >> 48)) * (this->state.low | 1ull);
    }
    HD W next() { return hi32(next_wide()); }
};
