// glibc's random() and its kind: words as sums of Lehmer residues of the seed, without the generator's own warm-up.
#pragma once
#include "probe_lanes.h"

namespace {

const u32 lehmer_modulus = 0x7fffffffu;
const int summed = 12;  // vectors abreast

// The constant part of every place's sum for the block of seeds that begins at `seed`, as if every residue wrapped.
HD void sum_bases(const LehmerSums &s, u32 places, u32 seed) {
    for (u32 i = 0; i < places; ++i) {
        const u32 *coefficient = s.coefficients + i * (1 + s.terms);
        u32 sum = coefficient[0] * seed;
        for (u32 j = 0; j < s.terms; ++j) sum -= coefficient[1 + j] * s.rooms[j];
        s.bases[i] = sum;
    }
}

// A residue that does not wrap gives its carry back.
HD Words<summed> sum_of(const LehmerSums &s, u32 place, u32 offset) {
    const u32 *carry = s.carries + place * s.terms;
    Words<summed> sum = load<summed>(s.sums + place * s.span + offset) + s.bases[place];
    for (u32 j = 0; j < s.terms; ++j) {
        const Vector32 room = Vector32{} + s.rooms[j], back = Vector32{} + carry[j];
        const Words<summed> residue = load<summed>(s.residues + j * s.span + offset);
        _Pragma("GCC unroll 16") for (int k = 0; k < summed; ++k)
            sum.v[k] += (Vector32)((Signed32)room > (Signed32)residue.v[k]) & back;
    }
    return sum;
}

HD void move_on(const LehmerSums &s) {
    for (u32 j = 0; j < s.terms; ++j) {
        const u32 less = s.rooms[j] - s.steps[j] - 1;
        s.rooms[j] = ::smaller(less, less + lehmer_modulus) + 1;
    }
}

u32 lehmer_sums(const LehmerSums &sums, const Probe &probe, u32 low, u32 count, u32 *out) {
    u32 *end = out;
    for (u32 at = 0; at < count; at += sums.span, move_on(sums)) {
        sum_bases(sums, probe.places, low + at);
        for (u32 offset = 0; offset < sums.span; offset += summed * native_lanes) {
            Words<summed> missed(~0u);
            for (u32 i = 0; i < probe.places; ++i) look(probe, i, sum_of(sums, i, offset) >> (int)sums.drop, missed);
            end = append_passed(missed, low + at + offset, end);
        }
    }
    return within(out, end, low, count);
}

}  // namespace
