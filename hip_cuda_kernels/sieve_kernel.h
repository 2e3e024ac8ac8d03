// The GPU kernels of one generator: `filter` gives every seed a thread and writes what it cannot refuse into one compact list;
// `judge` gives every entry of that list a thread and counts it exactly, so that no warp waits for one lane's long count.
#pragma once
#include "sieve.h"

// Append to a list that many threads share; beyond its end entries are only counted, and the host sees that.
HD void append(Hit *list, u32 room, u32 *used, Hit entry) {
    const u32 place = MIMICRY_FETCH_ADD(used, 1u);
    if (place < room) list[place] = entry;
}

template <class G, u32 words>
HD void filter_seeds(const Task &task, u64 seed_lo, u64 seed_count, u32 calls, Hit *proposals, u32 room, u32 *used) {
    u32 q[words];
    for (u64 i = MIMICRY_THREAD_INDEX; i < seed_count; i += MIMICRY_THREAD_COUNT)
        propose<G>(task, seed_lo + i, q, calls, [&](u32 vector, u32 start, u32 gap) {
            append(proposals, room, used, {(unsigned short)vector, 0, start, gap, 0, seed_lo + i});
        });
}

template <class G> HD void judge_proposals(const Task &task, const Hit *proposals, u32 count, Hit *hits, u32 room, u32 *used) {
    for (u64 i = MIMICRY_THREAD_INDEX; i < count; i += MIMICRY_THREAD_COUNT) {
        const Hit at = proposals[i];
        judge<G>(task, at.seed, at.vector, at.start, at.gap, [&](u32 vector, u32 matched, u32 start, u32 gap) {
            append(hits, room, used, {(unsigned short)vector, (unsigned short)matched, start, gap, 0, at.seed});
        });
    }
}

// name_filter and name_judge for a generator; `words` is how many filter words a thread keeps.
#define MIMICRY_SIEVE(name, Generator, words)                                                                                        \
    MIMICRY_KERNEL name##_filter(const u64 *numbers, double unit, const u32 *arrays, u64 seed_lo, u64 seed_count, u32 calls,        \
                                 Hit *proposals, u32 room, u32 *used) {                                                             \
        filter_seeds<Generator, words>(unpack_task(numbers, unit, arrays), seed_lo, seed_count, calls, proposals, room, used);      \
    }                                                                                                                               \
    MIMICRY_KERNEL name##_judge(const u64 *numbers, double unit, const u32 *arrays, const Hit *proposals, u32 count, Hit *hits,     \
                                u32 room, u32 *used) {                                                                              \
        judge_proposals<Generator>(unpack_task(numbers, unit, arrays), proposals, count, hits, room, used);                         \
    }
