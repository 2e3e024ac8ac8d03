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
            store(q + (u64)row * lanes + at, residue(load<abreast>(from + lanes), load<abreast>(from), by) * by.spread);
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

const u32 quad = 4 * native_lanes;  // lanes whose bytes fill a vector; a step is two

// The upper halves of four vectors' words: those of the first and the third lane by lane, and those of the second and the fourth.
struct Halves {
    Vector32 even, odd;

    HD explicit Halves(const u32 *words) {
        const Words<4> q = load<4>(words);
        even = (q.v[0] >> 16) | (q.v[2] & 0xffff0000u);
        odd = (q.v[1] >> 16) | (q.v[3] & 0xffff0000u);
    }
};

// A bit for every byte of the four vectors' lanes, from masks of 16 bits: `low` where the byte is the lower one of two, else `high`.
HD Vector32 bytes_of(const Vector32 &even, const Vector32 &odd, u32 low, u32 high) { return (even & low) | (odd & high); }

HD Vector32 both(u32 half) { return Vector32{} + (half << 16 | (half & 0xffffu)); }

// A word matches where q - base <= lim, base = -offset; of the upper halves alone that is over-approximated. Biased by 2^15, it is one
// signed comparison.
struct Interval {
    u32 base, lim;

    HD Interval(u32 offset, u32 within) {
        const u32 first = 0u - offset;
        const u32 most = (u32)(((u64)(first & 0xffffu) + within) >> 16);
        base = (first >> 16) ^ 0x8000u;
        lim = (most < 0xffffu ? most : 0xffffu) ^ 0x8000u;
    }
};

HD Vector32 apart(const Vector32 &halves, const Vector32 &base) { return (Vector32)((Signed16)halves - (Signed16)base); }

HD Vector32 nearer(const Vector32 &a, const Vector32 &b) {
    return (Vector32)((Signed16)a < (Signed16)b ? (Signed16)a : (Signed16)b);
}

HD Vector32 beyond(const Vector32 &distance, const Vector32 &lim) { return (Vector32)((Signed16)distance > (Signed16)lim); }

// One test for all pairs of a row: the nearest of them is as near as the widest one asks. What is found is written without a branch.
u32 near(const u32 *q, u32 lanes, const Pair *pairs, u32 count, Near *out) {
    struct Block {
        u64 bits;
        u32 row, at;
    };
    const u32 kept = 256, every_block = 2;  // found blocks that are kept before they are written out
    Block blocks[kept + every_block];
    Near *end = out;
    u32 found = 0;
    const auto write = [&] {
        for (u32 i = 0; i < found; ++i)
            for (u64 bits = blocks[i].bits; bits; bits &= bits - 1)
                *end++ = {blocks[i].row, blocks[i].at + mark_lane((u32)__builtin_ctzll(bits))};
        found = 0;
    };
    for (u32 from = 0, to; from < count; from = to) {
        const u32 row = pairs[from].row;
        short widest = -0x8000;
        for (to = from; to < count && pairs[to].row == row; ++to) {
            const short lim = (short)Interval(pairs[to].offset, pairs[to].lim).lim;
            widest = lim > widest ? lim : widest;
        }
        const Vector32 lim = both((u32)widest), first = both(Interval(pairs[from].offset, pairs[from].lim).base);
        for (u32 at = 0; at < lanes; at += every_block * quad) {
            const u32 *words = q + (u64)row * lanes + at;
            const Halves halves[every_block] = {Halves(words), Halves(words + quad)};
            Vector32 even[every_block], odd[every_block];
            for (u32 i = 0; i < every_block; ++i) even[i] = apart(halves[i].even, first), odd[i] = apart(halves[i].odd, first);
            for (u32 pair = from + 1; pair < to; ++pair) {
                const Vector32 base = both(Interval(pairs[pair].offset, pairs[pair].lim).base);
                for (u32 i = 0; i < every_block; ++i) {
                    even[i] = nearer(even[i], apart(halves[i].even, base));
                    odd[i] = nearer(odd[i], apart(halves[i].odd, base));
                }
            }
            for (u32 i = 0; i < every_block; ++i) {
                const Vector32 missed = bytes_of(beyond(even[i], lim), beyond(odd[i], lim), 0x00ff00ffu, 0xff00ff00u);
                blocks[found] = {byte_signs(~missed), row, at + i * quad};
                found += blocks[found].bits != 0;
            }
            if (found >= kept) write();
        }
    }
    write();
    return (u32)(end - out);
}

// Call use(place, first byte of its marks at these lanes) for every place, and look(words) before the places of a row.
template <class Look, class Use> HD void each_place(const u32 *q, u32 lanes, const Place *places, u32 count, Look look, Use use) {
    for (u32 from = 0, to; from < count; from = to) {
        const u32 row = places[from].row;
        for (to = from + 1; to < count && places[to].row == row;) ++to;
        for (u32 at = 0; at < lanes; at += quad) {
            const auto seen = look(q + (u64)row * lanes + at);
            for (u32 place = from; place < to; ++place) use(seen, places[place].target, (u64)place * lanes + at);
        }
    }
}

HD void store_bytes(unsigned char *to, const Vector32 &bytes) { *(Vector32 *)to = bytes; }
HD Vector32 load_bytes(const unsigned char *from) { return *(const Vector32 *)from; }

struct Nibbles {
    Vector32 of[nibbles];

    HD explicit Nibbles(const Halves &halves) {
        const u32 each = 0x0f0f0f0fu;
        const Vector32 upper = ((halves.even >> 8) & 0x00ff00ffu) | (halves.odd & 0xff00ff00u);
        of[0] = (upper >> 4) & each;
        of[1] = upper & each;
        of[2] = ((halves.even >> 4) & 0x000f000fu) | ((halves.odd << 4) & 0x0f000f00u);
    }
};

// A target's tables, or its intervals, made ready for the vectors of this instruction set.
struct Tables {
    Vector32 of[nibbles];

    HD explicit Tables(const Target &target) {
        for (u32 i = 0; i < nibbles; ++i) of[i] = sixteen(target.of_nibble[i]);
    }
    HD Vector32 marks(const Vector32 &first, const Vector32 &second, const Vector32 &third) const {
        return look_up(of[0], first) & look_up(of[1], second) & look_up(of[2], third);
    }
};

HD Vector32 missed_by(const Target &target, const Halves &halves) {
    Vector32 missed{};
    for (u32 v = 0; v < target.vectors; ++v) {
        const Interval interval(target.offset[v], target.lim[v]);
        const Vector32 base = both(interval.base), lim = both(interval.lim);
        const u32 bit = 0x00010001u << v;
        missed |= bytes_of(beyond(apart(halves.even, base), lim), beyond(apart(halves.odd, base), lim), bit, bit << 8);
    }
    return missed;
}

HD u32 every_vector(const Target &target) { return 0x01010101u * ((1u << target.vectors) - 1u); }

void mark(const u32 *q, u32 lanes, const Target *targets, const Place *places, u32 count, unsigned char *marks) {
    const auto look = [](const u32 *words) { return Nibbles(Halves(words)); };
    each_place(q, lanes, places, count, look, [=](const Nibbles &word, u32 target, u64 at) {
        store_bytes(marks + at, Tables(targets[target]).marks(word.of[0], word.of[1], word.of[2]));
    });
}

void mark_between(const u32 *q, u32 lanes, const Target *targets, const Place *places, u32 count, unsigned char *marks) {
    const auto look = [](const u32 *words) { return Halves(words); };
    each_place(q, lanes, places, count, look, [=](const Halves &halves, u32 target, u64 at) {
        store_bytes(marks + at, ~missed_by(targets[target], halves) & every_vector(targets[target]));
    });
}

u32 last_row(const Window *windows, u32 count) {
    u32 last = 0;
    for (u32 i = 0; i < count; ++i) last = windows[i].first + windows[i].rows > last ? windows[i].first + windows[i].rows : last;
    return last;
}

void mark_windows(const u32 *q, u32 lanes, const Target *targets, const Window *windows, u32 count, unsigned char *room, unsigned char *marks) {
    const u32 rows = last_row(windows, count);
    for (u32 at = 0; at < lanes; at += quad) {
        for (u32 row = 0; row < rows; ++row) {
            const Nibbles word{Halves(q + (u64)row * lanes + at)};
            for (u32 i = 0; i < nibbles; ++i) store_bytes(room + (u64)(row * nibbles + i) * vector_bytes, word.of[i]);
        }
        for (u32 draw = 0; draw < count; ++draw) {
            const Tables tables(targets[draw]);
            const unsigned char *from = room + (u64)windows[draw].first * nibbles * vector_bytes;
            Vector32 found{};
            for (u32 i = 0; i < windows[draw].rows; ++i, from += nibbles * vector_bytes)
                found |= tables.marks(load_bytes(from), load_bytes(from + vector_bytes), load_bytes(from + 2 * vector_bytes));
            store_bytes(marks + (u64)draw * lanes + at, found);
        }
    }
}

void mark_windows_between(const u32 *q, u32 lanes, const Target *targets, const Window *windows, u32 count, unsigned char *, unsigned char *marks) {
    for (u32 at = 0; at < lanes; at += quad)
        for (u32 draw = 0; draw < count; ++draw) {
            Vector32 missed = ~Vector32{};
            for (u32 i = 0; i < windows[draw].rows; ++i)
                missed &= missed_by(targets[draw], Halves(q + (u64)(windows[draw].first + i) * lanes + at));
            store_bytes(marks + (u64)draw * lanes + at, ~missed & every_vector(targets[draw]));
        }
}

// Counts of marks for eight vectors in every byte, bit by bit: they begin so that `needed` marks carry out of the top, for good.
template <int bits> struct Counter {
    Vector32 digit[bits + 1], enough;

    HD explicit Counter(u32 needed) {
        enough = Vector32{};
        for (int i = 0; i < bits; ++i) digit[i] = Vector32{} - (((1u << bits) - needed) >> i & 1u);
    }
    HD void add(Vector32 carry) {
        for (int i = 0; i < bits; ++i) {
            const Vector32 next = digit[i] & carry;
            digit[i] ^= carry;
            carry = next;
        }
        enough |= carry;
    }
};

struct Every {  // all of them
    Vector32 enough;

    HD explicit Every(u32) { enough = ~Vector32{}; }
    HD void add(const Vector32 &marked) { enough &= marked; }
};

template <class Count>
u32 tally_by(const unsigned char *marks, u32 lanes, const u32 *index, u32 combos, u32 depth, u32 needed, Tally *out) {
    Tally *end = out;
    for (u32 combo = 0; combo < combos; ++combo, index += depth)
        for (u32 at = 0; at < lanes; at += 2 * quad) {
            Count count[2] = {Count(needed), Count(needed)};
            for (u32 i = 0; i < depth; ++i) {
                const Vector32 *from = (const Vector32 *)(marks + (u64)index[i] * lanes + at);
                count[0].add(from[0]);
                count[1].add(from[1]);
            }
            if (!some(count[0].enough | count[1].enough)) continue;
            for (u32 half = 0; half < 2; ++half) {
                const Bytes vectors = (Bytes)count[half].enough;
                for (u64 bits = byte_signs((Vector32)(vectors != 0)); bits; bits &= bits - 1) {
                    const u32 byte = (u32)__builtin_ctzll(bits);
                    *end++ = {combo * lanes + at + half * quad + mark_lane(byte), vectors[byte]};
                }
            }
        }
    return (u32)(end - out);
}

u32 tally(const unsigned char *marks, u32 lanes, const u32 *index, u32 combos, u32 depth, u32 needed, Tally *out) {
    if (needed == depth) return tally_by<Every>(marks, lanes, index, combos, depth, needed, out);
    if (needed == 1) return tally_by<Counter<0>>(marks, lanes, index, combos, depth, needed, out);
    if (needed == 2) return tally_by<Counter<1>>(marks, lanes, index, combos, depth, needed, out);
    if (needed <= 4) return tally_by<Counter<2>>(marks, lanes, index, combos, depth, needed, out);
    if (needed <= 8) return tally_by<Counter<3>>(marks, lanes, index, combos, depth, needed, out);
    if (needed <= 16) return tally_by<Counter<4>>(marks, lanes, index, combos, depth, needed, out);
    if (needed <= 32) return tally_by<Counter<5>>(marks, lanes, index, combos, depth, needed, out);
    return tally_by<Counter<12>>(marks, lanes, index, combos, depth, needed, out);
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
                         rejections, wide_rejections, compare, near, mark, mark_between, mark_windows, mark_windows_between,
                         tally, survivors, JOIN(route_kernels_, MIMICRY_ISA)};

}  // namespace

namespace mimicry {
const Kernels *JOIN(kernels_, MIMICRY_ISA)() { return &kernels; }
}  // namespace mimicry
