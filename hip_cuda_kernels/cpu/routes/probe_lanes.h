// The probe of a route on a pack of words, and the lanes that pass it.
#pragma once
#include "lanes.h"
#include "route_kernels.h"

namespace {
using namespace mimicry;

template <int K> HD Words<K> counted(u32 low) {  // low, low + 1, ...
    Vector32 lane;
    for (int i = 0; i < native_lanes; ++i) lane[i] = (u32)i;
    Words<K> r;
    for (int i = 0; i < K; ++i) r.v[i] = lane + (low + (u32)(i * native_lanes));
    return r;
}

// `missed` keeps its bits where q does not match. Biased by 2^31, an unsigned comparison is one signed one.
template <int K> HD void compare_with(const Words<K> &q, u32 offset, u32 lim, Words<K> &missed) {
    const Vector32 by = Vector32{} + (offset + 0x80000000u), most = Vector32{} + (lim + 0x80000000u);
    _Pragma("GCC unroll 16") for (int k = 0; k < K; ++k) missed.v[k] &= (Vector32)((Signed32)(q.v[k] + by) > (Signed32)most);
}

template <int K> HD void look(const Probe &probe, u32 place, const Words<K> &word, Words<K> &missed) {
    const Words<K> q = filtered(word, probe.filter);
    for (u32 i = place ? probe.ends[place - 1] : 0; i < probe.ends[place]; ++i)
        compare_with(q, probe.pairs[i].offset, probe.pairs[i].lim, missed);
    if (!probe.rejecting) return;
    missed = missed & ~above_mask(word * probe.accept.multiplier + probe.accept.addend, Words<K>(probe.accept.max));
}

const u32 every_lane = (u32)((1ull << native_lanes) - 1);

template <int K> HD bool all_missed(const Words<K> &missed) {  // by the sign of each lane
    Vector32 all = missed.v[0];
    _Pragma("GCC unroll 16") for (int k = 1; k < K; ++k) all &= missed.v[k];
    return signs(all) == every_lane;
}

template <int K> HD u32 *append_passed(const Words<K> &missed, u32 low, u32 *end) {
    if (all_missed(missed)) return end;
    for (int k = 0; k < K; ++k)
        for (u32 bits = ~signs(missed.v[k]) & every_lane; bits; bits &= bits - 1)
            *end++ = low + (u32)(k * native_lanes) + (u32)__builtin_ctz(bits);
    return end;
}

// Lanes beyond the last seed ran along.
HD u32 within(const u32 *out, const u32 *end, u32 low, u32 count) {
    while (end != out && end[-1] - low >= count) --end;
    return (u32)(end - out);
}

}  // namespace
