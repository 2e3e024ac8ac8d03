// What one instruction set offers to the sieve driver: a word producer for every family and the passes over lane buffers.
//
// A lane buffer is [row][lanes] of 32-bit words, 64-byte aligned; `lanes` is a multiple of the unit of the family in use.
#pragma once
#include "sieve.h"

namespace mimicry {

// The test on words of up to 32 bits (Call::accept_max): its constants' upper halves.
struct Accept {
    u32 multiplier, addend, max;
};
const Accept accept_all = {1, 0, ~0u};
const Filter unfiltered = {0, 0, 0, 0, 1};

// Produce filter words for `lanes` seeds high:seeds[lane]; row i of `out` gets the word at position want[i], positions rising.
// Returns whether one of the words up to the last wanted one is not accepted.
typedef bool Produce(const u32 *seeds, u32 high, const u32 *want, u32 count, const Filter &filter, const Accept &accept, u32 lanes, u32 *out);

// Rows 2i, 2i+1 get the low and high half of the raw word at want[i].
typedef void ProduceWide(const u32 *seeds, u32 high, const u32 *want, u32 count, u32 lanes, u32 *out);

struct Producer {
    u32 unit;   // lanes that run abreast; every buffer is a multiple of it
    u32 reach;  // words that the near form can produce; the one beyond has no limit
    Produce *near, *beyond;
    ProduceWide *near_wide, *beyond_wide;  // null unless the family is wide
};

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define PRODUCERS(group, isa) JOIN(JOIN(producers_, group), JOIN(_, isa))

struct RouteKernels;  // routes/route_kernels.h

#ifdef MIMICRY_ISA
extern const RouteKernels JOIN(route_kernels_, MIMICRY_ISA);
#define GROUP(name, count) extern const Producer PRODUCERS(name, MIMICRY_ISA)[];
#include "groups.inc"
#undef GROUP
#endif

struct Pair {  // one draw compared at one buffer row
    u32 row, offset, lim;
};

struct Near {  // a lane at one row in which some pair of the row may match
    u32 row, lane;
};

// The words of 32 bits that match one draw of up to eight vectors, vector v's bit v. As a table, by each of a word's upper three
// nibbles: the vectors of a word are those that all three of its nibbles may have. As intervals, by its upper 16 bits.
enum : u32 { mark_bits = 8, nibbles = 3 };
struct Target {
    unsigned char of_nibble[nibbles][16];
    u32 vectors, offset[mark_bits], lim[mark_bits];
};

struct Place {  // where a draw is looked for
    u32 row, target;
};

struct Window {  // rows in one of which a draw is looked for
    u32 first, rows;
};

struct Tally {  // the vectors (bits) with enough matches at one lane of a combination
    u32 at, vectors;
};

struct Fold {  // (high >> high_shift) * high_scale + (low >> low_shift) * low_scale
    u32 high_shift, high_scale, low_shift, low_scale;
};

struct Divisor {  // constants that take a wide word's residue by two Montgomery steps in 32-bit lanes, and what it is multiplied by
    u32 shift, zeros, odd, inverse, square, spread;
};

struct Kernels {
    const char *isa;
    u32 unit;  // lanes that a pass takes at a time; every buffer is a multiple of it
    const Producer *const *producers;  // [group][place in the group]
    // seeds[lane] = low + lane.
    void (*count_up)(u32 *seeds, u32 lanes, u32 low);
    // Make filter words of raw words, in place.
    void (*filter)(u32 *words, u64 count, const Filter &filter);
    // Row i of q becomes one word of the low and high half in rows 2i, 2i+1: folded, or the residue.
    void (*fold)(u32 *q, u32 rows, u32 lanes, const Fold &fold);
    void (*residues)(u32 *q, u32 rows, u32 lanes, const Divisor &by);
    // rejects[lane] = how many words are not accepted, of one row each or of two; returns whether there are any.
    bool (*rejections)(const u32 *words, u32 rows, u32 lanes, const Accept &accept, u32 *rejects);
    bool (*wide_rejections)(const u32 *words, u32 rows, u32 lanes, const Call &call, u32 *rejects);
    // Row i of misses = -1 where pair i does not match, 0 where it does.
    void (*compare)(const u32 *q, u32 lanes, const Pair *pairs, u32 count, u32 *misses);
    // Append every row and lane at which some pair may match, by row; the pairs rise by their row. For matches that are rare.
    u32 (*near)(const u32 *q, u32 lanes, const Pair *pairs, u32 count, Near *out);
    // A byte for every place and lane, lanes in `mark_lane`'s order: the vectors whose draw may match there; places rise by their row.
    void (*mark)(const u32 *q, u32 lanes, const Target *targets, const Place *places, u32 count, unsigned char *marks);
    void (*mark_between)(const u32 *q, u32 lanes, const Target *targets, const Place *places, u32 count, unsigned char *marks);
    // The same for draws that match anywhere in their windows: a byte for every draw and lane. `room` holds the nibbles of
    // every row up to the last window's end, a vector of bytes each.
    void (*mark_windows)(const u32 *q, u32 lanes, const Target *targets, const Window *windows, u32 count, unsigned char *room, unsigned char *marks);
    void (*mark_windows_between)(const u32 *q, u32 lanes, const Target *targets, const Window *windows, u32 count, unsigned char *room, unsigned char *marks);
    // Append combo * lanes + lane with the vectors that `needed` or more of the `depth` places index[combo][] mark.
    u32 (*tally)(const unsigned char *marks, u32 lanes, const u32 *index, u32 combos, u32 depth, u32 needed, Tally *out);
    // Append combo * lanes + lane wherever at most `missable` of the `depth` rows index[combo][] of misses are set.
    u32 (*survivors)(const u32 *misses, u32 lanes, const u32 *index, u32 combos, u32 depth, u32 missable, u32 *out);
    const RouteKernels &routes;
};

}  // namespace mimicry
