// Low seeds of a congruential generator against the low bits that draws show.
#pragma once
#include "probe_lanes.h"

namespace {

u32 low_states(const ShownBits &shown, u32 low, u32 count, u32 *out) {
    const int abreast = 8;
    u32 *end = out;
    for (u32 at = 0; at < count; at += abreast * native_lanes) {
        const Words<abreast> state = (counted<abreast>(low + at) << (int)shown.shift) ^ shown.flip;
        Words<abreast> left(shown.missable);  // misses still allowed: negative when there were more
        for (u32 i = 0; i < shown.draws; ++i) {
            const Words<abreast> there = state * shown.multipliers[i] + shown.increments[i];
            _Pragma("GCC unroll 8") for (int k = 0; k < abreast; ++k)
                left.v[k] += (Vector32)((there.v[k] & shown.field) != 0u);
            if (all_missed(left)) break;
        }
        end = append_passed(left, low + at, end);
    }
    return within(out, end, low, count);
}

}  // namespace
