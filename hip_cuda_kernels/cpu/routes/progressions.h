// Words that are arithmetic progressions along the seeds, against draws.
#pragma once
#include "probe_lanes.h"

namespace {

u32 progressions(const Progression *words, u32 depth, const Filter &filter, u32 low, u32 count, u32 *out) {
    const int abreast = 8;
    const Filter local = filter;
    u32 *end = out;
    for (u32 at = 0; at < count; at += abreast * native_lanes) {
        const Words<abreast> seed = counted<abreast>(low + at);
        Words<abreast> missed(~0u);
        for (u32 i = 0; i < depth; ++i)
            compare_with(filtered(seed * words[i].step + words[i].first, local), words[i].offset, words[i].lim, missed);
        end = append_passed(missed, low + at, end);
    }
    return within(out, end, low, count);
}

}  // namespace
