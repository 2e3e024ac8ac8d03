// The host extension inside: the instruction sets, the exact scalar side, and the sieve driver that joins them.
#pragma once
#include "kernels.h"

#include <vector>

namespace mimicry {

// The instruction sets compiled in, best last; each entry is null where this processor lacks it.
struct Choice {
    const char *name;
    const Kernels *kernels;
};
const Choice *instruction_sets(u32 *count);

enum : u32 { kernel_room = 1 << 14 };  // filter words that a thread of the GPU kernels may keep

typedef void Walk(u64 seed, u64 forward, u64 back, u64 count, u64 *out);

// The exact side of a family: scalar code without filters, plus two ways of searching that only check others.
struct Scalar {
    const char *id;
    u32 word_bits, reach;
    void (*raw)(u64 seed, u64 skip, u64 count, u64 *out);
    Walk *walk;  // steps forward, then back, then gives words; null where the generator has no inverse step
    void (*values)(const Call &call, u64 seed, u64 start, u64 gap, u64 count, u64 *out);
    u32 (*count)(const Task &task, u32 vector, u64 seed, u32 start, u32 gap);
    // The bodies of the GPU kernels (sieve_kernel.h), run by one thread; they return how many entries the list would have.
    u32 (*filter)(const Task &task, u64 seed_lo, u64 seed_count, u32 calls, Hit *proposals, u32 room);
    u32 (*judge)(const Task &task, const Hit *proposals, u32 count, Hit *hits, u32 room);
    u64 (*naive)(const Task &task, u64 seed, u64 seeds);  // the yardstick of the benchmarks; returns the number of hits
};

// A family by its place in the registry; u32 numbers below are such places.
u32 family_count();
const Scalar &scalar_of(u32 family);
const Producer &producer_of(const Kernels &kernels, u32 family);

struct Search {
    Task task;
    u32 family;
    const u32 *second_depth;  // draws compared in the second stage, per vector
    u64 seed_lo, seed_count, max_hits;
    const u32 *stop;  // null: cannot be stopped
    u32 stop_generation;
    u64 *progress;  // null: nobody looks
    const u32 *seeds = nullptr;  // where given: the seeds' low halves, seed_count of them; seed_lo has the high half alone
};

struct Found {
    std::vector<Hit> hits;
    u64 seeds_done = 0;
    bool stopped = false, overflow = false;
};

Found run_sieve(const Kernels &kernels, const Search &search);

// Searches of one family's same seeds, which differ in all else: every seed's words are made once. Each gets what it would get alone.
std::vector<Found> run_together(const Kernels &kernels, const std::vector<Search> &searches);

}  // namespace mimicry
