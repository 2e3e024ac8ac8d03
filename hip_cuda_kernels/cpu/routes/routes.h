// Routes: searches that leave few candidates by a generator's structure and hand them to the sieve, so every hit set is the sieve's.
//
// routes.py says where each is sound and what it costs; a route here trusts its caller in that.
#pragma once
#include "host.h"
#include "route_kernels.h"

#include <string>

namespace mimicry {

typedef Found Run(const Kernels &kernels, const Search &search);

Run *route_named(const std::string &name);  // null when there is none; "sieve" is the sieve itself

Run search_twister_chain, search_lehmer_sums, search_low_bits, search_gf2, search_orbit;
Run search_orbit_gaps;  // under varying gaps: the hits of run_variable_gaps

// Where a call draws again from some 32-bit word on (mod_reject's kind, on words of 32 bits): the last word that it accepts.
inline u32 last_accepted(const Call &call) { return (u32)(call.accept_max >> 32); }

// Gathers what the sieve says of a route's candidates.
class Sift {
  public:
    Sift(const Kernels &kernels, const Search &search) : kernels(kernels), search(search) {}

    Found found;

    // Search the seeds high:lows[i], rising. When the search is halted meanwhile, their hits do not count.
    void judge(u32 high, const u32 *lows, u64 count);
    // Count one alignment of a seed, which may lie outside the range, exactly.
    void judge(u32 vector, u64 seed, u32 start, u32 gap);
    void report(const Hit &hit);
    bool halted();
    void show_progress(u64 seeds) const;
    // For a search that does not take its seeds in order: all of them are done, or none.
    Found &&finish();

  private:
    void settle();

    const Kernels &kernels;
    const Search &search;
};

}  // namespace mimicry
