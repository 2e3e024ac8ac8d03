// From seeds to rows of filter words: produced by one family, rejections closed up, scaled or reduced for the comparisons.
#pragma once
#include "host.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>

namespace mimicry {

class Buffer {  // grows, stays aligned for every vector width
  public:
    u32 *reserve(u64 words) {
        if (words > size) {
            size = (words + 15) & ~15ull;
            data.reset((u32 *)std::aligned_alloc(64, size * 4));
            if (!data) throw std::bad_alloc();
        }
        return data.get();
    }
    u32 *get() const { return data.get(); }

  private:
    std::unique_ptr<u32, void (*)(void *)> data{nullptr, std::free};
    u64 size = 0;
};

inline u32 inverse(u32 odd) {  // modulo 2^32, by Newton
    u32 x = odd;
    for (int i = 0; i < 5; ++i) x *= 2 - odd * x;
    return x;
}

inline Divisor divisor_of(const Call &call, const Filter &filter) {
    const u32 zeros = (u32)__builtin_ctzll(call.range), odd = (u32)(call.range >> zeros);
    const u64 once = (1ull << 32) % odd;
    return {call.shift, zeros, odd, inverse(odd), (u32)(once * once % odd), filter.multiplier};
}

inline u32 round_up(u64 x, u32 unit) { return (u32)((x + unit - 1) / unit * unit); }

// Two rows become one word: 32 bits of a wide word from bit `at` on, or the top 16 bits of two words.
inline Fold fold_of(u32 view, u32 at) {
    if (view == tops) return {at, 1, at, 1u << 16};
    if (at >= 32) return {at - 32, 1, 0, 0};
    return {0, at ? 1u << (32 - at) : 0, at, 1};
}

// Where the raw words of a block of seeds come from, if not from their producer: the two forms of Producer, and no seeding.
struct Source {
    virtual ~Source() = default;
    virtual bool narrow(const u32 *want, u32 count, const Filter &filter, const Accept &accept, u32 lanes, u32 *out) = 0;
    virtual void wide(const u32 *want, u32 count, u32 lanes, u32 *out) = 0;
};

// Turns seeds into rows of filter words, one row for every wanted call.
//
// A word of the call's view is made as one row, or as two that are folded into one: before the test for rejection where the word has
// 32 bits, after it where it has 64. Where calls can reject, every word up to the last one is made, the accepted ones are moved
// together, and the wanted ones picked. Where few blocks of lanes can hold a rejected word, a block is first made as if there were none.
class Stream {
  public:
    Stream(const Kernels &kernels, const Search &search)
        : kernels(kernels), call(search.task.call), filter(search.task.filter), producer(producer_of(kernels, search.family)),
          word_bits(scalar_of(search.family).word_bits), long_word(call.view == pairs || (call.view == whole && word_bits > 32)),
          shape(shape_of()), fold(fold_of(call.view, long_word ? filter.at : call.at)), divisor(divisor_of(call, filter)),
          accept{(u32)(call.multiplier >> 32), (u32)(call.addend >> 32), (u32)(call.accept_max >> 32)} {
        if (can_reject(call)) reject_rate = 1 - std::ldexp((double)call.accept_max, -64);
        unit = std::lcm(producer.unit, kernels.unit);
    }

    u32 unit;

    void read_from(Source *other) { source = other; }

    // Whether it reads words whole, and the positions of all words that the rows of these calls may be made of.
    bool reads_wide() const { return shape == halves_of_wide; }

    std::vector<u32> reads(const std::vector<u32> &calls) {
        const u32 each = shape == two_words ? 2 : 1;
        std::vector<u32> positions;
        if (dense()) {
            const u32 words = (u32)words_to(calls.back() * call.words), raw_words = call.view == halves ? (words + 1) / 2 : words * each;
            positions.assign(up_to(raw_words), up_to(raw_words) + raw_words);
        } else {
            for (u32 at : calls)
                for (u32 i = 0; i < each; ++i) positions.push_back(at * call.words * each + i);
        }
        return positions;
    }

    // The rows that are in use at once for `calls` calls up to `last_call`, as a rule.
    u64 rows_for(u32 calls, u32 last_call) const {
        if (shape == one_row && reject_rate * last_call * typical_lanes < few) return calls;
        return (dense() ? words_to(last_call * call.words) : calls) * (shape == one_row ? 1 : 2);
    }

    const u32 *rows(const u32 *seeds, u32 high, const std::vector<u32> &calls, u32 lanes) {
        short_lanes.clear();
        wanted.resize(calls.size());
        for (size_t i = 0; i < calls.size(); ++i) wanted[i] = calls[i] * call.words;
        const u32 count = (u32)calls.size(), last = wanted.back(), words = dense() ? (u32)words_to(last) : count;
        const Block to{seeds, high, lanes, buffer.reserve((u64)(words + 1) * lanes * (shape == one_row ? 1 : 2))};
        if (shape == one_row && reject_rate * last * lanes < few && !produce(to, wanted.data(), count, filter, accept)) return to.q;
        gather(to, dense() ? up_to(words) : wanted.data(), words);
        if (can_reject(call)) move_accepted(to, words, last + 1);
        if (dense()) pick(to, count);
        finish(to, count);
        return to.q;
    }

    std::vector<u32> short_lanes;  // lanes (rising) that rejected so much that their rows are not whole

    bool is_short(u32 lane) const {
        return !short_lanes.empty() && std::binary_search(short_lanes.begin(), short_lanes.end(), lane);
    }

  private:
    struct Block {
        const u32 *seeds;
        u32 high, lanes, *q;
    };
    enum Shape { one_row, halves_of_wide, two_words };  // what a word of the view is made of

    static constexpr double few = 0.25, typical_lanes = 512;  // rejected words that a block may be expected to hold

    Shape shape_of() const {
        if (call.view == pairs || call.view == tops) return two_words;
        if (call.view == halves) return halves_of_wide;
        if (call.view == window) return call.at == word_bits - 32 ? one_row : halves_of_wide;
        return word_bits > 32 && (can_reject(call) || filter.reduce || filter.at != word_bits - 32) ? halves_of_wide : one_row;
    }

    bool dense() const { return can_reject(call) || call.view == halves; }
    u32 rows_each() const { return long_word && shape != one_row ? 2 : 1; }

    // Words up to the accepted word `last`, with some in reserve.
    u64 words_to(u32 last) const {
        const double words = last + 1.0, lost = words * reject_rate / (1 - reject_rate);
        return (u64)(words + lost + 4 * std::sqrt(lost / (1 - reject_rate)) + (reject_rate > 0));
    }

    bool produce(const Block &to, const u32 *positions, u32 count, const Filter &with, const Accept &test) {
        if (source) return source->narrow(positions, count, with, test, to.lanes, to.q);
        const bool near = positions[count - 1] < producer.reach;
        return (near ? producer.near : producer.beyond)(to.seeds, to.high, positions, count, with, test, to.lanes, to.q);
    }

    void produce_wide(const Block &to, const u32 *positions, u32 count) {
        if (source) return source->wide(positions, count, to.lanes, to.q);
        const bool near = positions[count - 1] < producer.reach;
        (near ? producer.near_wide : producer.beyond_wide)(to.seeds, to.high, positions, count, to.lanes, to.q);
    }

    // The words at `positions` of the view, unfiltered; folded where that makes their 32 bits.
    void gather(const Block &to, const u32 *positions, u32 count) {
        if (shape == one_row) {
            produce(to, positions, count, unfiltered, accept_all);
        } else if (shape == two_words) {
            raw.resize(2 * count);
            for (u32 i = 0; i < count; ++i) raw[2 * i + 1] = (raw[2 * i] = 2 * positions[i]) + 1;
            produce(to, raw.data(), 2 * count, unfiltered, accept_all);
        } else {
            const u32 whole_words = call.view == halves ? (count + 1) / 2 : count;
            produce_wide(to, positions, whole_words);
        }
        if (call.view == window || call.view == tops)
            if (shape != one_row) kernels.fold(to.q, count, to.lanes, fold);
    }

    const u32 *up_to(u32 count) {
        while (all.size() < count) all.push_back((u32)all.size());
        return all.data();
    }

    // Move every lane's accepted words together; those that have fewer than `needed` are short.
    void move_accepted(const Block &to, u32 words, u32 needed) {
        u32 *lost = rejected.reserve(to.lanes);
        if (long_word ? !kernels.wide_rejections(to.q, words, to.lanes, call, lost) : !kernels.rejections(to.q, words, to.lanes, accept, lost))
            return;
        for (u32 lane = 0; lane < to.lanes; ++lane)
            if (lost[lane]) {
                close_up(to.q + lane, words, to.lanes);
                if (words - lost[lane] < needed) short_lanes.push_back(lane);
            }
    }

    void close_up(u32 *column, u32 words, u32 lanes) const {
        const u64 next = (u64)lanes * rows_each();
        u32 *to = column;
        for (u32 i = 0; i < words; ++i, column += next) {
            const u32 low = column[0], above = long_word ? column[lanes] : 0;
            to[0] = low;
            if (long_word) to[lanes] = above;
            to += rejects(call, (u64)above << 32 | low) ? 0 : next;
        }
    }

    void pick(const Block &to, u32 count) const {
        const u64 size = (u64)to.lanes * rows_each();
        for (u32 i = 0; i < count; ++i)
            if (wanted[i] != i) std::memcpy(to.q + i * size, to.q + wanted[i] * size, size * 4);
    }

    void finish(const Block &to, u32 count) const {
        if (long_word && filter.reduce) return kernels.residues(to.q, count, to.lanes, divisor);
        if (long_word) kernels.fold(to.q, count, to.lanes, fold);
        kernels.filter(to.q, (u64)count * to.lanes, filter);
    }

    const Kernels &kernels;
    const Call &call;
    const Filter &filter;
    const Producer &producer;
    const u32 word_bits;
    const bool long_word;  // the view's words have more than 32 bits
    const Shape shape;
    const Fold fold;
    const Divisor divisor;
    const Accept accept;
    double reject_rate = 0;
    Source *source = nullptr;  // null: the producer
    std::vector<u32> wanted, raw, all;
    Buffer buffer, rejected;
};

}  // namespace mimicry
