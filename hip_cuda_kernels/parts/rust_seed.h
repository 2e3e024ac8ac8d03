// seed_from_u64 of Rust's rand_core 0.6: PCG32 numbers, the state stepped before each, fill a generator's seed bytes in order.
#pragma once
#include "device.h"

template <class W> struct RustSeed {
    typedef typename wide_of<W>::type Wide;
    Wide state;

    HD RustSeed(W low, u32 high) { state = join_seed(low, high); }
    HD W next() {
        state = state * 6364136223846793005ull + 11634580027462260723ull;
        return rotate_right_each(lo32(((state >> 18) ^ state) >> 27), W(hi32(state) >> 27));
    }
    HD Wide next_wide() {
        const W low = next();
        return join(next(), low);
    }
};
