// The GPU kernel: one thread a seed, the same search as everywhere. gpu.py names the generator and the room for filter words:
//   typedef Xorshift32<u32> Generator;   enum { room = 64 };
#pragma once
#include "sieve.h"

MIMICRY_KERNEL sieve(const u64 *numbers, double unit, const u32 *arrays, u64 seed_lo, u64 seed_count, u32 calls, u32 max_hits,
                     u32 *found, Hit *hits) {
    const Task task = unpack_task(numbers, unit, arrays);
    u32 q[room];
    for (u64 i = MIMICRY_THREAD_INDEX; i < seed_count; i += MIMICRY_THREAD_COUNT) {
        const u64 seed = seed_lo + i;
        sieve_seed<Generator>(task, seed, q, calls, [&](u32 vector, u32 matched, u32 start, u32 gap) {
            const u32 place = MIMICRY_FETCH_ADD(found, 1u);
            if (place < max_hits) hits[place] = {(unsigned short)vector, (unsigned short)matched, start, gap, 0, seed};
        });
    }
}
