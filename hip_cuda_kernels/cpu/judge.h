// Who decides on an alignment that the sieve's filters leave, where the filters' call alone does not tell the draws.
#pragma once
#include "host.h"

namespace mimicry {

struct Judge {
    virtual ~Judge() = default;
    // Fill in the hit of an alignment of the searched task, or say that it is none.
    virtual bool is_hit(u32 vector, u64 seed, u32 start, u32 gap, Hit &hit) = 0;
};

// The sieve with a judge in place of the call's own count.
Found run_sieve(const Kernels &kernels, const Search &search, Judge &judge);

}  // namespace mimicry
