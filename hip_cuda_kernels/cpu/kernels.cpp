// The passes over lane buffers, compiled once for every instruction set (MIMICRY_ISA names it).
//
// All of it has internal linkage, and nothing of the standard library is used: a copy of an inline function compiled with AVX-512
// could otherwise win at link time and crash an older processor.
#include "kernels.h"
#include "lanes.h"

#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

namespace {
using namespace mimicry;

// The passes run so many vectors abreast.
const int abreast = 8;
typedef Words<abreast> Row;
const u32 step = abreast * native_lanes;

void count_up(u32 *seeds, u32 lanes, u32 low) {
    Row lane;
    for (int i = 0; i < abreast; ++i)
        for (int j = 0; j < native_lanes; ++j) lane.v[i][j] = (u32)(i * native_lanes + j);
    for (u32 at = 0; at < lanes; at += step) store(seeds + at, lane + (low + at));
}

void filter_in_place(u32 *words, u64 count, const Filter &filter) {
    const Filter local = filter;
    for (u64 at = 0; at < count; at += step) store(words + at, filtered(load<abreast>(words + at), local));
}

void fold_rows(u32 *q, u32 rows, u32 lanes, const Fold &fold) {
    const Fold by = fold;
    for (u32 row = 0; row < rows; ++row)
        for (u32 at = 0; at < lanes; at += step) {
            const u32 *from = q + (u64)2 * row * lanes + at;
            const Row low = load<abreast>(from) >> (int)by.low_shift, high = load<abreast>(from + lanes) >> (int)by.high_shift;
            store(q + (u64)row * lanes + at, high * by.high_scale + low * by.low_scale);
        }
}

Row high_product(const Row &a, u32 b) { return hi32(multiply_wide(a, b)); }

// (high:low) / 2^32 modulo odd: below 2^32 for any high, below odd when high is.
HD Row reduce(const Row &high, const Row &low, const Divisor &by) {
    Row take = high_product(low * by.inverse, by.odd);
    return high - take + (above_mask(take, high) & by.odd);
}

HD void shift_right(Row &high, Row &low, u32 by) {
    if (by == 0) return;
    low = (low >> (int)by) | (high << (int)(32 - by));
    high = high >> (int)by;
}

HD Row residue(Row high, Row low, const Divisor &by) {
    shift_right(high, low, by.shift);
    if (by.odd == 1) return by.zeros == 32 ? low : low & ((1u << by.zeros) - 1u);
    Row rest = low & ((1u << by.zeros) - 1u);
    shift_right(high, low, by.zeros);
    auto product = multiply_wide(reduce(high, low, by), by.square);
    return (reduce(hi32(product), lo32(product), by) << (int)by.zeros) | rest;
}

void residues(u32 *q, u32 rows, u32 lanes, const Divisor &by) {
    for (u32 row = 0; row < rows; ++row)
        for (u32 at = 0; at < lanes; at += step) {
            const u32 *from = q + (u64)2 * row * lanes + at;
            store(q + (u64)row * lanes + at, residue(load<abreast>(from + lanes), load<abreast>(from), by));
        }
}

// rejects[lane] = the rows for which `rejected`, a mask for every lane, is set; returns whether there are any.
template <class Rejected> HD bool count_rejected(u32 rows, u32 lanes, u32 *rejects, Rejected rejected) {
    bool found = false;
    for (u32 at = 0; at < lanes; at += step) {
        Row count(0u);
        for (u32 row = 0; row < rows; ++row) count = count - rejected(row, at);
        store(rejects + at, count);
        for (int i = 0; i < abreast; ++i) found |= any(Vector32{} - count.v[i]);
    }
    return found;
}

bool rejections(const u32 *words, u32 rows, u32 lanes, const Accept &accept, u32 *rejects) {
    const Accept by = accept;
    return count_rejected(rows, lanes, rejects, [=](u32 row, u32 at) {
        return above_mask(load<abreast>(words + (u64)row * lanes + at) * by.multiplier + by.addend, Row(by.max));
    });
}

// x * factor modulo 2^64.
template <class Wide> HD Wide product(const Wide &x, const Wide &factor) {
    return low_product(x, factor) + ((low_product(x >> 32, factor) + low_product(x, factor >> 32)) << 32);
}

bool wide_rejections(const u32 *words, u32 rows, u32 lanes, const Call &call, u32 *rejects) {
    typedef wide_of<Row>::type Wide;
    const Wide factor(call.multiplier), max(call.accept_max);
    const u64 addend = call.addend;
    return count_rejected(rows, lanes, rejects, [=](u32 row, u32 at) {
        const u32 *from = words + (u64)2 * row * lanes + at;
        return lo32(above_mask(product(join(load<abreast>(from + lanes), load<abreast>(from)), factor) + addend, max));
    });
}

// Biased by 2^31, the unsigned test q + offset > lim is one signed comparison.
void compare(const u32 *q, u32 lanes, const Pair *pairs, u32 count, u32 *misses) {
    for (const Pair *pair = pairs; pair != pairs + count; ++pair) {
        const u32 *from = q + (u64)pair->row * lanes;
        const Vector32 offset = Vector32{} + (pair->offset + 0x80000000u), lim = Vector32{} + (pair->lim + 0x80000000u);
        for (u32 at = 0; at < lanes; at += step) {
            Row t = load<abreast>(from + at);
            _Pragma("GCC unroll 8") for (int i = 0; i < abreast; ++i) t.v[i] = (Vector32)((Signed32)(t.v[i] + offset) > (Signed32)lim);
            store(misses + at, t);
        }
        misses += lanes;
    }
}

typedef short Signed16 __attribute__((vector_size(vector_bytes)));

// The upper halves of two vectors' words in one: enough to refuse nearly every word that does not match.
HD Vector32 upper_halves(const Vector32 &a, const Vector32 &b) { return (a >> 16) | (b & 0xffff0000u); }

HD Vector32 both(u32 half) { return Vector32{} + (half << 16 | (half & 0xffffu)); }

// Biased by 2^15, (q >> 16) - (base >> 16) > lim is one signed comparison; base = -offset is the least q that matches.
struct Halves {
    Vector32 offset, lim;

    HD explicit Halves(const Pair &pair) {
        const u32 base = 0u - pair.offset, most = (u32)(((u64)(base & 0xffffu) + pair.lim) >> 16);
        offset = both(0x8000u - (base >> 16));
        lim = both((most < 0xffffu ? most : 0xffffu) + 0x8000u);
    }

    HD Vector32 missed(const Vector32 &halves) const {
        return (Vector32)((Signed16)((Signed16)halves + (Signed16)offset) > (Signed16)lim);
    }
};

HD Match *append_matches(const Row &words, const Pair &pair, u32 number, u32 first, Match *out) {
    const Vector32 offset = Vector32{} + (pair.offset + 0x80000000u), lim = Vector32{} + (pair.lim + 0x80000000u);
    const u32 every = native_lanes == 32 ? ~0u : (1u << native_lanes) - 1;
    for (int i = 0; i < abreast; ++i)
        for (u32 bits = ~signs((Vector32)((Signed32)(words.v[i] + offset) > (Signed32)lim)) & every; bits; bits &= bits - 1)
            *out++ = {number, first + (u32)(i * native_lanes) + (u32)__builtin_ctz(bits)};
    return out;
}

u32 matches(const u32 *q, u32 lanes, const Pair *pairs, u32 count, Match *out) {
    Match *end = out;
    for (u32 from = 0, to; from < count; from = to) {
        const u32 row = pairs[from].row;
        for (to = from + 1; to < count && pairs[to].row == row;) ++to;
        for (u32 at = 0; at < lanes; at += step) {
            const Row words = load<abreast>(q + (u64)row * lanes + at);
            Vector32 halves[abreast / 2];
            _Pragma("GCC unroll 4") for (int i = 0; i < abreast / 2; ++i) halves[i] = upper_halves(words.v[2 * i], words.v[2 * i + 1]);
            for (u32 pair = from; pair < to; ++pair) {
                const Halves test(pairs[pair]);
                Vector32 missed = test.missed(halves[0]);
                _Pragma("GCC unroll 4") for (int i = 1; i < abreast / 2; ++i) missed &= test.missed(halves[i]);
                if (any(~(missed & missed << 16))) end = append_matches(words, pairs[pair], pair, at, end);
            }
        }
    }
    return (u32)(end - out);
}

u32 *append(u32 bits, u32 first, u32 *out) {
    for (; bits; bits &= bits - 1) *out++ = first + (u32)__builtin_ctz(bits);
    return out;
}

u32 survivors(const u32 *misses, u32 lanes, const u32 *index, u32 combos, u32 depth, u32 missable, u32 *out) {
    const u32 every = native_lanes == 32 ? ~0u : (1u << native_lanes) - 1;
    u32 *end = out;
    for (u32 combo = 0; combo < combos; ++combo, index += depth)
        for (u32 at = 0; at < lanes; at += step) {
            Row left(missable);  // misses still allowed: negative when there were more
            for (u32 i = 0; i < depth; ++i) left = left + load<abreast>(misses + (u64)index[i] * lanes + at);
            Vector32 out_of_reach = left.v[0];
            _Pragma("GCC unroll 8") for (int i = 1; i < abreast; ++i) out_of_reach &= left.v[i];
            if (signs(out_of_reach) == every) continue;
            _Pragma("GCC unroll 8") for (int i = 0; i < abreast; ++i)
                end = append(~signs(left.v[i]) & every, combo * lanes + at + i * native_lanes, end);
        }
    return (u32)(end - out);
}

#define GROUP(name, count) PRODUCERS(name, MIMICRY_ISA),
const Producer *const producers[] = {
#include "groups.inc"
};

const Kernels kernels = {TEXT(MIMICRY_ISA), step, producers, count_up, filter_in_place, fold_rows, residues,
                         rejections, wide_rejections, compare, matches, survivors, JOIN(route_kernels_, MIMICRY_ISA)};

}  // namespace

namespace mimicry {
const Kernels *JOIN(kernels_, MIMICRY_ISA)() { return &kernels; }
}  // namespace mimicry
