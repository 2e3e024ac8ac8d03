// MT19937 seeded by init_genrand, short of word 227: 396 links of the seeding chain and the words that the probe looks at.
//
// A link is shift, xor, multiply and add: 4 vector operations for one vector of seeds, which is what bounds every search of this kind.
// So the chain is written vector by vector, unlike a pack's operators: no temporary but one is alive beside the chains, and with the
// two constants all registers are full. Measured, million seeds a second: with AVX2 8 chains 51, 12 chains 56, 13 chains 57, 14 chains 54;
// with AVX-512 on Zen 5 8 chains 111, 13 chains 140, 15 and 16 chains 146, 17 and more up to 29 102 to 113.
#pragma once
#include "mt19937.h"
#include "probe_lanes.h"

// Keep the compiler from moving what makes this value among its neighbours, where it would need another register.
#if defined(__x86_64__)
#define PINNED(vector) asm volatile("" : "+v"(vector))
#else
#define PINNED(vector)
#endif

namespace {

const int chains = vector_bytes == 64 ? 16 : 13;  // abreast
const int tested = 4;                             // vectors that are tested at a time, and chain rounds between two tests

HD void link_all(Words<chains> &word, Vector32 index) {
    _Pragma("GCC unroll 32") for (int i = 0; i < chains; ++i) {
        word.v[i] = mt_fill(word.v[i], 1812433253u);
        PINNED(word.v[i]);
    }
    _Pragma("GCC unroll 32") for (int i = 0; i < chains; ++i) {
        word.v[i] += index;
        PINNED(word.v[i]);
    }
}

HD Words<chains> word_397(u32 low) {
    Words<chains> word = counted<chains>(low);
    Vector32 index = Vector32{} + 1u;
    for (u32 i = 0; i < 396; ++i, index += 1u) link_all(word, index);
    return word;
}

HD u32 *test(const Probe &probe, const Words<tested> &seeds, const Words<tested> &far, u32 low, u32 *end) {
    Mt19937InitGenrand<Words<tested>> mt;
    mt.here = seeds;
    mt.far = far;
    mt.index = 0;
    Words<tested> missed(~0u);
    for (u32 i = 0; i < probe.places; ++i) {
        mt.skip(probe.position[i] - mt.index);
        look(probe, i, mt.next(), missed);
    }
    return append_passed(missed, low, end);
}

u32 twister_chain(const Probe &shared, u32 low, u32 count, u32 *out) {
    const Probe probe = shared;
    const u32 round = chains * native_lanes, group = tested * native_lanes;
    alignas(64) u32 far[tested * round];
    u32 *end = out;
    for (u32 at = 0; at < count; at += tested * round) {
        for (u32 i = 0; i < tested; ++i) store(far + i * round, word_397(low + at + i * round));
        for (u32 i = 0; i < tested * round; i += group)
            end = test(probe, counted<tested>(low + at + i), load<tested>(far + i), low + at + i, end);
    }
    return within(out, end, low, count);
}

}  // namespace
