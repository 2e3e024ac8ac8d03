// Which draws a probe compares: of each vector and alignment as many as can be missed, and one more.
#include "first_draws.h"

#include <algorithm>
#include <tuple>

namespace mimicry {

FirstDraws::FirstDraws(const Task &task) {
    for (u32 vector = 0; vector < task.vectors; ++vector)
        if (task.usable[vector] >= task.threshold[vector]) collect(task, vector);
    const auto key = [](const Compared &c) { return std::tie(c.position, c.offset, c.lim); };
    std::sort(compared.begin(), compared.end(), [&](const Compared &a, const Compared &b) { return key(a) < key(b); });
    compared.erase(std::unique(compared.begin(), compared.end(), [&](const Compared &a, const Compared &b) { return key(a) == key(b); }),
                   compared.end());
    const Call &call = task.call;
    const bool rejecting = can_reject(call);
    // Where words can be rejected, all of them are looked at: each may move the later calls.
    u32 next = 0;
    for (u32 i = 0; i < compared.size(); ++i) {
        for (; rejecting && next < compared[i].position; ++next) positions.push_back(next), ends.push_back(i);
        if (positions.empty() || positions.back() != compared[i].position) positions.push_back(compared[i].position), ends.push_back(i);
        next = compared[i].position + 1;
        ends.back() = i + 1;
        pairs.push_back({(u32)positions.size() - 1, compared[i].offset, compared[i].lim});
    }
    probe.filter = task.filter;
    probe.accept = {(u32)(call.multiplier >> 32), (u32)(call.addend >> 32), (u32)(call.accept_max >> 32)};
    probe.rejecting = rejecting;
    probe.places = (u32)positions.size();
    probe.position = positions.data(), probe.ends = ends.data(), probe.pairs = pairs.data();
}

void FirstDraws::collect(const Task &task, u32 vector) {
    const u32 row = vector * task.width, depth = task.usable[vector] - task.threshold[vector] + 1;
    for (u32 start = task.start_lo; start < task.start_lo + task.start_count; ++start)
        for (u32 gap = task.gap_lo; gap < task.gap_lo + task.gap_count; ++gap)
            for (u32 i = row; i < row + depth; ++i) {
                const u32 call = start + task.index[i] * (gap + 1);
                compared.push_back({call * task.call.words, task.offset[i], task.lim[i]});
            }
}

}  // namespace mimicry
