// One seed against every start and gap: the search that a GPU thread runs, and the exact count behind every reported hit.
#pragma once
#include "mappings.h"

// What is searched. Arrays are [vectors][width], or [vectors]; draws that are missing or impossible are left out of them.
struct Task {
    Call call;
    Filter filter;
    u32 vectors, width;
    const u32 *usable;     // draws that remain in each vector
    const u32 *threshold;  // matches that make a hit
    const u32 *depth;      // draws compared before the exact count
    const u32 *index;      // place of each draw in its vector
    const u32 *value;      // draw - lo
    const u32 *offset, *lim;  // the filter's constants
    u32 start_lo, start_count, gap_lo, gap_count;
};

// One reported alignment (the HIT record of host.py).
struct Hit {
    unsigned short vector, matched;
    u32 start, gap, pad;
    u64 seed;
};

// A call and a task as task.py packs them, the same for the host and a GPU: whole numbers, one double, one run of arrays.
enum : u32 { call_numbers = 14 };

HD Call unpack_call(const u64 *n, double unit) {
    return {(u32)n[0], (u32)n[1], (u32)n[2], (u32)n[3], (u32)n[4], (u32)n[5], (u32)n[6], (u32)n[7], (u32)n[8],
            n[9],      n[10],     n[11],     n[12],     n[13],     unit};
}

HD Task unpack_task(const u64 *numbers, double unit, const u32 *arrays) {
    const u64 *rest = numbers + call_numbers;
    const u32 vectors = (u32)rest[5], width = (u32)rest[6], table = vectors * width;
    const u32 *tables = arrays + 3 * vectors;
    return {unpack_call(numbers, unit),
            {(u32)rest[0], (u32)rest[1], (u32)rest[2], (u32)rest[3], (u32)rest[4]},
            vectors,
            width,
            arrays,
            arrays + vectors,
            arrays + 2 * vectors,
            tables,
            tables + table,
            tables + 2 * table,
            tables + 3 * table,
            (u32)rest[7],
            (u32)rest[8],
            (u32)rest[9],
            (u32)rest[10]};
}

// How many draws of a vector the seed reproduces; gives up with 0 once the threshold is out of reach.
template <class G> HD u32 exact_count(const Task &task, u32 vector, u64 seed, u32 start, u32 gap) {
    Reader<G> reader(task.call, seed);
    const u32 row = vector * task.width, usable = task.usable[vector], threshold = task.threshold[vector];
    u64 at = 0;
    u32 matched = 0;
    for (u32 i = 0; i < usable; ++i) {
        if (matched + (usable - i) < threshold) return 0;
        u64 call = start + (u64)task.index[row + i] * (gap + 1);
        reader.discard(call - at);
        matched += reader.draw() == task.value[row + i];
        at = call + 1;
    }
    return matched;
}

// Filtered matches among the first `depth` draws, with q the filter words of the calls from `start` on.
HD u32 filtered_count(const Task &task, u32 vector, const u32 *q, u32 gap) {
    const u32 row = vector * task.width;
    u32 matched = 0;
    for (u32 i = 0; i < task.depth[vector]; ++i)
        matched += q[task.index[row + i] * (gap + 1)] + task.offset[row + i] <= task.lim[row + i];
    return matched;
}

// Propose every (vector, start, gap) of one seed that the filter cannot refuse. `q` has room for the filter words of `calls`
// calls from start_lo on: as many as the last start, the widest gap and the deepest first stage need.
template <class G, class Propose> HD void propose(const Task &task, u64 seed, u32 *q, u32 calls, Propose proposed) {
    Reader<G> reader(task.call, seed);
    reader.discard(task.start_lo);
    for (u32 i = 0; i < calls; ++i) {
        q[i] = filter_word(task.call, task.filter, reader.accepted());
        reader.skip(task.call.words - 1);
    }
    for (u32 vector = 0; vector < task.vectors; ++vector) {
        if (task.usable[vector] < task.threshold[vector]) continue;
        const u32 missable = task.usable[vector] - task.threshold[vector];
        for (u32 start = 0; start < task.start_count; ++start)
            for (u32 gap = task.gap_lo; gap < task.gap_lo + task.gap_count; ++gap)
                if (filtered_count(task, vector, q + start, gap) + missable >= task.depth[vector])
                    proposed(vector, task.start_lo + start, gap);
    }
}

// Count a proposed alignment exactly and report it when it reaches its threshold.
template <class G, class Report> HD void judge(const Task &task, u64 seed, u32 vector, u32 start, u32 gap, Report report) {
    const u32 matched = exact_count<G>(task, vector, seed, start, gap);
    if (matched >= task.threshold[vector]) report(vector, matched, start, gap);
}
