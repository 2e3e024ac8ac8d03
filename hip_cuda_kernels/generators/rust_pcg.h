// Rust's rand_pcg from seed_from_u64: Lcg64Xsh32 (XSH-RR 64/32), Lcg128Xsl64 and Mcg128Xsl64 (XSL-RR 128/64), O'Neill 2014.
#pragma once
#include "device.h"
#include "lanes128.h"
#include "lcg_jump.h"
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

HD Lanes128<u32> pcg128_multiplier() { return {0x2360ed051fc65da4ull, 0x4385df649fccf645ull}; }

template <class W> HD typename wide_of<W>::type xsl_rr(const Lanes128<W> &state) {
    return rotate_right_each(state.high ^ state.low, state.high >> 58);
}

template <class W> struct RustPcg64 {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef RustPcg64 Beyond;
    typedef typename wide_of<W>::type Wide;
    Lanes128<W> state, increment;

    HD void step() { state = state * in_lanes<W>(pcg128_multiplier()) + increment; }
    HD void seed(W low, u32 high) {
        RustSeed<W> filler(low, high);
        state.low = filler.next_wide();
        state.high = filler.next_wide();
        increment.low = filler.next_wide() | 1ull;
        increment.high = filler.next_wide();
        state = state + increment;
        step();
    }
    HD Wide next_wide() {
        step();
        return xsl_rr(state);
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        const Jump128 jump = jump128(pcg128_multiplier(), count);
        state = state * in_lanes<W>(jump.power) + increment * in_lanes<W>(jump.sum);
    }
};

template <class W> struct RustPcg64Mcg {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef RustPcg64Mcg Beyond;
    typedef typename wide_of<W>::type Wide;
    Lanes128<W> state;

    HD void seed(W low, u32 high) {
        RustSeed<W> filler(low, high);
        state.low = filler.next_wide() | 1ull;
        state.high = filler.next_wide();
    }
    HD Wide next_wide() {
        state = state * in_lanes<W>(pcg128_multiplier());
        return xsl_rr(state);
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) { state = state * in_lanes<W>(jump128(pcg128_multiplier(), count).power); }
};
