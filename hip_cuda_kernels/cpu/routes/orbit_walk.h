// Many states of one orbit walked at once, and the places where a word matches one of the draws.
#pragma once
#include "lcg31.h"
#include "msvc_rand.h"
#include "probe_lanes.h"
#include "xorshift32.h"

namespace {

const int walkers = 4;  // vectors abreast

template <template <class> class G> u32 orbit_walk(const OrbitProbe &probe, const u32 *states, u32 steps, OrbitHit *out) {
    typedef Words<walkers> Lanes;
    const Filter filter = probe.filter;
    OrbitHit *end = out;
    G<Lanes> g;
    g.seed(load<walkers>(states), 0);
    for (u32 step = 0; step < steps; ++step) {
        const Lanes q = filtered(g.next(), filter);
        Lanes nearest = q + probe.offsets[0];
        for (u32 i = 1; i < probe.count; ++i) nearest = smaller(nearest, q + probe.offsets[i]);
        const Lanes missed = above_mask(nearest, Lanes(probe.lim));
        if (all_missed(missed)) continue;
        for (int k = 0; k < walkers; ++k)
            for (u32 bits = ~signs(missed.v[k]) & every_lane; bits; bits &= bits - 1) {
                const u32 lane = (u32)__builtin_ctz(bits);
                *end++ = {step, (u32)k * native_lanes + lane, q.v[k][lane]};
            }
    }
    return (u32)(end - out);
}

}  // namespace
