// What one instruction set offers to the routes: passes over many seeds that leave few candidates.
#pragma once
#include "kernels.h"

namespace mimicry {

// The test that every hit passes. With m misses allowed, one of the first m + 1 draws of an alignment must match, so a seed is a
// candidate when the word at one of the places matches one of the pairs there: pairs[ends[i - 1]] up to pairs[ends[i]] for place i.
// A word above accept_max is drawn again and moves every later call, so it makes a candidate too.
struct Probe {
    Filter filter;
    u32 accept_max, places;
    const u32 *position, *ends;
    const Pair *pairs;
};

enum : u32 { scan_room = 4096 };  // words that a scan may write beyond its candidates

// Write the candidates among the `count` seeds from `low` on, rising, to `out`; return how many.
typedef u32 Scan(const Probe &probe, u32 low, u32 count, u32 *out);

// A generator whose words are sums, modulo 2^32, of the seed's Lehmer residues r_j = 16807^j * seed mod 2^31 - 1, j = 1 .. terms,
// and of the seed itself. Residues of seed + offset are sums of two residues that wrap once at most, so blocks of `span` seeds
// share tables of their offsets, and a term costs a comparison, an `and` and an addition.
struct LehmerSums {
    u32 terms, span, drop;    // a word is its sum >> drop
    const u32 *coefficients;  // [places][1 + terms], the seed's own first
    const u32 *carries;       // [places][terms]: a coefficient times the modulus
    const u32 *residues;      // [terms][span], of the offsets
    const u32 *sums;          // [places][span], of the offsets
    u32 *bases;               // [places], scratch
    u32 *rooms;               // [terms]: the modulus less the residue of the first seed; the scan moves them on
    const u32 *steps;         // [terms], of an offset of `span`
};

// A word that rises by `step` from one seed to the next, modulo 2^32, and the draw that it is compared with.
struct Progression {
    u32 first, step, offset, lim;
};

// What draws show of the low bits of a congruential state, seed << shift ^ flip: at draw i, state * multipliers[i] + increments[i] has
// zeros in the field when they agree.
struct ShownBits {
    u32 shift, flip, field, draws, missable;
    const u32 *multipliers, *increments;
};

// A walk over the seeds origin + span(basis) over GF(2), all of whose words at the draws of one alignment are linear in the seed.
// Step i adds basis vector ctz(i); step 0 the zero vector that follows the basis. `lanes` is the number of draws rounded up.
struct SpaceWalk {
    Filter filter;
    u32 lanes, dimensions, needed;
    u32 *words;                   // of the seed last visited
    const u32 *basis;             // [dimensions + 1][lanes]
    const u32 *offsets, *lims;    // of the draws, biased by 2^31
};
enum : u32 { space_lanes = 16 };  // lanes are a multiple of it

// A word near a draw: where one of the `count` differences q + offset is at most `lim`, the widest of the draws' own; and, as bits of a
// table, the upper halves of such words.
struct OrbitProbe {
    Filter filter;
    u32 count, lim;
    const u32 *offsets;
    const u32 *halves;
};
enum : u32 { half_words = 1u << 11 };  // of 32 bits, in `halves`

struct OrbitHit {
    u32 step, lane, q;
};

// From every state take `steps` steps; write the hits in that order. `out` has room for a hit a lane and step.
typedef u32 OrbitWalk(const OrbitProbe &probe, const u32 *states, u32 steps, OrbitHit *out);

struct RouteKernels {
    u32 orbit_lanes;  // states of an orbit that are walked at once
    OrbitWalk *xorshift32_orbit, *minstd16807_orbit, *minstd48271_orbit, *msvc_orbit;
    Scan *twister_chain;
    u32 (*lehmer_sums)(const LehmerSums &sums, const Probe &probe, u32 low, u32 count, u32 *out);
    // Write the low seeds among the `count` from `low` on that disagree with at most `missable` draws.
    u32 (*low_states)(const ShownBits &shown, u32 low, u32 count, u32 *out);
    // Write those of low, low + 1, ... to `out` at which one of the first `depth` progressions matches.
    u32 (*progressions)(const Progression *words, u32 depth, const Filter &filter, u32 low, u32 count, u32 *out);
    // Take the steps from .. to - 1; write those at which `needed` draws match, relative to `from`.
    u32 (*affine_space)(const SpaceWalk &walk, u64 from, u64 to, u32 *out);
};

}  // namespace mimicry
