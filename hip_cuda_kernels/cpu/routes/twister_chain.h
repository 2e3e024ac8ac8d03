// MT19937 seeded by init_genrand, short of word 227: 396 links of the seeding chain and the words that the probe looks at.
//
// A link is shift, xor, multiply and add: 4 vector operations for one vector of seeds, which is what bounds every search of this kind.
// The chain is written vector by vector, unlike a pack's operators, so that no temporary but one is alive beside the twelve vectors.
#pragma once
#include "mt19937.h"
#include "probe_lanes.h"

namespace {

const int chains = vector_bytes == 64 ? 24 : 12;  // abreast: all registers but four (measured with AVX2: 8 give 51, 12 58, 14 54 M/s)
const int tested = 4;                             // of them tested at a time

HD void link_all(Words<chains> &word, Vector32 &index) {
    _Pragma("GCC unroll 32") for (int i = 0; i < chains; ++i) word.v[i] = mt_fill(word.v[i], 1812433253u) + index;
    index += 1u;
}

HD Words<chains> word_397(u32 low) {
    Words<chains> word = counted<chains>(low);
    Vector32 index = Vector32{} + 1u;
    for (u32 i = 0; i < 396; i += 2) {
        link_all(word, index);
        link_all(word, index);
    }
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

u32 twister_chain(const Probe &probe, u32 low, u32 count, u32 *out) {
    u32 *end = out;
    for (u32 at = 0; at < count; at += chains * native_lanes) {
        const Words<chains> far = word_397(low + at);
        for (int i = 0; i < chains; i += tested) {
            const u32 first = low + at + (u32)(i * native_lanes);
            Words<tested> part;
            for (int k = 0; k < tested; ++k) part.v[k] = far.v[i + k];
            end = test(probe, counted<tested>(first), part, first, end);
        }
    }
    return within(out, end, low, count);
}

}  // namespace
