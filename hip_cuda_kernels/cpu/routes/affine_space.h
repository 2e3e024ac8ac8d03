// Words that are linear over GF(2) in the seed, along an affine space of seeds in Gray-code order: one xor a word and seed.
#pragma once
#include "probe_lanes.h"

namespace {

// The lanes hold the words of one seed at all draws, unlike everywhere else.
u32 affine_space(const SpaceWalk &walk, u64 from, u64 to, u32 *out) {
    u32 *end = out;
    for (u64 i = from; i < to; ++i) {
        const u32 *basis = walk.basis + (u64)(i ? __builtin_ctzll(i) : walk.dimensions) * walk.lanes;
        u32 matched = 0;
        for (u32 at = 0; at < walk.lanes; at += native_lanes) {
            const Words<1> word = load<1>(walk.words + at) ^ load<1>(basis + at);
            store(walk.words + at, word);
            const Words<1> test = filtered(word, walk.filter) + load<1>(walk.offsets + at);
            const Vector32 missed = (Vector32)((Signed32)test.v[0] > (Signed32)load<1>(walk.lims + at).v[0]);
            matched += (u32)__builtin_popcount(~signs(missed) & every_lane);
        }
        if (matched >= walk.needed) *end++ = (u32)(i - from);
    }
    return (u32)(end - out);
}

}  // namespace
