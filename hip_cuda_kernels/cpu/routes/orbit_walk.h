// Many states of one orbit walked at once, and the places where a word matches one of the draws.
#pragma once
#include "lcg31.h"
#include "msvc_rand.h"
#include "probe_lanes.h"
#include "xorshift32.h"

namespace {

const int walkers = 4;  // vectors abreast

#if defined(__AVX512F__)
HD Vector32 picked(Vector32 table, Vector32 at) { return (Vector32)_mm512_maskz_permutexvar_epi32(0xffff, (__m512i)at, (__m512i)table); }
HD Vector32 moved_up(Vector32 a, Vector32 by) { return (Vector32)_mm512_maskz_sllv_epi32(0xffff, (__m512i)a, (__m512i)by); }
const u32 fewest_cells = 4;  // draws: with fewer, comparisons cost less
#elif defined(__AVX2__)
HD Vector32 picked(Vector32 table, Vector32 at) { return (Vector32)_mm256_permutevar8x32_epi32((__m256i)table, (__m256i)at); }
HD Vector32 moved_up(Vector32 a, Vector32 by) { return (Vector32)_mm256_sllv_epi32((__m256i)a, (__m256i)by); }
const u32 fewest_cells = 4;
#else
HD Vector32 picked(Vector32 table, Vector32) { return table; }  // no instruction picks by lane here
HD Vector32 moved_up(Vector32 a, Vector32) { return a; }
const u32 fewest_cells = unlimited;
#endif

// The words' top bits, a bit for each cell of them in one vector: set where some draw has words, and read by the sign.
struct Cells {
    enum { word_bits = native_lanes == 16 ? 4 : native_lanes == 8 ? 3 : 2, bits = word_bits + 5 };
    Vector32 table = {};

    explicit Cells(const u32 *halves) {
        for (u32 i = 0; i < half_words; ++i) {
            const u32 cell = i >> (11 - bits);
            if (halves[i]) table[cell >> 5] |= 1u << (31 - (cell & 31));
        }
    }
    HD u32 near(const Vector32 &q) const { return signs(moved_up(picked(table, q >> (32 - word_bits)), (q >> (32 - bits)) & 31)) & every_lane; }
};

template <template <class> class G> u32 orbit_walk_by_cells(const OrbitProbe &probe, const u32 *states, u32 steps, OrbitHit *out) {
    typedef Words<walkers> Lanes;
    const Filter filter = probe.filter;
    const Cells cells(probe.halves);
    OrbitHit *end = out;
    G<Lanes> g;
    g.seed(load<walkers>(states), 0);
    for (u32 step = 0; step < steps; ++step) {
        const Lanes q = filtered(g.next(), filter);
        u64 bits = 0;  // of all lanes, so that a step has one branch that is hard to foretell
        _Pragma("GCC unroll 4") for (int k = 0; k < walkers; ++k) bits |= (u64)cells.near(q.v[k]) << (k * native_lanes);
        if (!bits) continue;
        u32 words[walkers * native_lanes];
        __builtin_memcpy(words, &q, sizeof words);
        do {
            const u32 lane = (u32)__builtin_ctzll(bits), word = words[lane];
            *end = {step, lane, word};
            end += probe.halves[word >> 21] >> (word >> 16 & 31) & 1;
        } while (bits &= bits - 1);
    }
    return (u32)(end - out);
}

template <template <class> class G> u32 orbit_walk(const OrbitProbe &probe, const u32 *states, u32 steps, OrbitHit *out) {
    if (probe.count >= fewest_cells) return orbit_walk_by_cells<G>(probe, states, steps, out);
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
