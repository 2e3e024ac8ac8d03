// Rust's rand_pcg from seed_from_u64: Lcg64Xsh32 (XSH-RR 64/32), Lcg128Xsl64 and Mcg128Xsl64 (XSL-RR 128/64), O'Neill 2014.
#pragma once
#include "device.h"
#include "lcg_jump.h"
#include "pcg64.h"
#include "rust_seed.h"

// State and increment both come from the seed, so the increment differs from lane to lane.
template <class W> struct RustPcg32 {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef RustPcg32 Beyond;
    typename wide_of<W>::type state, increment;

    HD void step() { state = state * 6364136223846793005ull + increment; }
    HD void seed(W low, u32 high) {
        RustSeed<W> filler(low, high);
        state = filler.next_wide();
        increment = filler.next_wide() | 1ull;
        state = state + increment;
        step();
    }
    HD W next() {
        const auto old = state;
        step();
        return rotate_right_each(lo32(((old >> 18) ^ old) >> 27), W(hi32(old) >> 27));
    }
    HD void skip(u32 count) {
        const LcgStep jump = lcg_jump({6364136223846793005ull, 1}, count);
        state = state * jump.multiplier + increment * jump.increment;
    }
    HD void back() { state = (state - increment) * odd_inverse(6364136223846793005ull); }
};

template <class W> struct RustPcg64 : Pcg64<W> {
    typedef RustPcg64 Beyond;

    HD void seed(W low, u32 high) {
        RustSeed<W> filler(low, high);
        this->state.low = filler.next_wide();
        this->state.high = filler.next_wide();
        this->increment.low = filler.next_wide() | 1ull;
        this->increment.high = filler.next_wide();
        this->state = this->state + this->increment;
        this->step();
    }
};

// Purely multiplicative: an odd state, no increment.
template <class W> struct RustPcg64Mcg {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef RustPcg64Mcg Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide128<Wide> state;

    HD void seed(W low, u32 high) {
        RustSeed<W> filler(low, high);
        state.low = filler.next_wide() | 1ull;
        state.high = filler.next_wide();
    }
    HD Wide next_wide() {
        state = state * Pcg64Multiplier::value();
        return rotate_right_each(state.high ^ state.low, state.high >> 58);
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) { state = state * lcg128_jump(Pcg64Multiplier::value(), count).power; }
    HD void back() { state = state * odd_inverse128(Pcg64Multiplier::value()); }
};
