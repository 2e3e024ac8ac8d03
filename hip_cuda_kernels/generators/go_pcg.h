// Go's math/rand/v2 PCG: a 128-bit linear congruential generator with the DXSM output (O'Neill), seeded NewPCG(seed, 0).
#pragma once
#include "device.h"
#include "lanes128.h"

template <class W> struct GoPcg {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef GoPcg Beyond;
    typedef typename wide_of<W>::type Wide;
    Lanes128<W> state;

    HD void seed(W low, u32 high) { state = {join_seed(low, high), Wide(0ull)}; }
    HD Wide next_wide() {
        state = state * in_lanes<W>(multiplier()) + in_lanes<W>(increment());
        Wide x = state.high ^ (state.high >> 32);
        x = x * 0xda942042e4dd58b5ull;
        x = x ^ (x >> 48);
        return x * (state.low | 1ull);
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        const Jump128 jump = jump128(multiplier(), count);
        state = state * in_lanes<W>(jump.power) + in_lanes<W>(increment() * jump.sum);
    }

  private:
    HD Lanes128<u32> multiplier() { return {0x2360ed051fc65da4ull, 0x4385df649fccf645ull}; }
    HD Lanes128<u32> increment() { return {0x5851f42d4c957f2dull, 0x14057b7ef767814full}; }
};
