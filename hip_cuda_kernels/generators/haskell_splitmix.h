// Haskell's System.Random (random >= 1.2): SplitMix with a gamma of the seed's own; mkStdGen mixes the seed into state and gamma.
#pragma once
#include "device.h"

template <class W> struct HaskellSplitMix {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef HaskellSplitMix Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide state, gamma;

    HD void seed(W low, u32 high) {
        const Wide number = join_seed(low, high);
        state = mix(number);
        gamma = mix_gamma(number + 0x9e3779b97f4a7c15ull);
    }
    HD Wide next_wide() {
        state = state + gamma;
        return mix(state);
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) { state = state + gamma * (u64)count; }
    HD void back() { state = state - gamma; }

  private:
    // MurmurHash3's finalizer.
    HD static Wide mix(Wide z) {
        z = (z ^ (z >> 33)) * 0xff51afd7ed558ccdull;
        z = (z ^ (z >> 33)) * 0xc4ceb9fe1a85ec53ull;
        return z ^ (z >> 33);
    }
    // Stafford's variant 13, odd; a gamma with fewer than 24 changes from bit to bit is xored with alternating bits.
    HD static Wide mix_gamma(Wide z) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        z = (z ^ (z >> 31)) | 1ull;
        const Wide few = above_mask(Wide(24ull), bit_count(z ^ (z >> 1)));
        return z ^ (few & 0xaaaaaaaaaaaaaaaaull);
    }
    HD static Wide bit_count(Wide x) {
        x = x - ((x >> 1) & 0x5555555555555555ull);
        x = (x & 0x3333333333333333ull) + ((x >> 2) & 0x3333333333333333ull);
        x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
        return (x * 0x0101010101010101ull) >> 56;
    }
};
