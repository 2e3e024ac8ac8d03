// Rust's rand_xorshift: Marsaglia's xorshift128 whose four words seed_from_u64 fills.
#pragma once
#include "device.h"
#include "rust_seed.h"
#include "xorshift128.h"

template <class W> struct XorShiftRng : Xorshift128<W> {
    typedef XorShiftRng Beyond;

    HD void seed(W low, u32 high) {
        RustSeed<W> filler(low, high);
        const W x = filler.next(), y = filler.next(), z = filler.next(), w = filler.next();
        const W instead = equal_mask(x | y | z | w, W(0u)) & 0x0bad5eedu;  // the crate's own words in place of four zeros
        this->x = x | instead;
        this->y = y | instead;
        this->z = z | instead;
        this->w = w | instead;
    }
};
