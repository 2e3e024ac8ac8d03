// From seeds to rows of filter words: produced by one family, rejections closed up, scaled or reduced for the comparisons.
#pragma once
#include "host.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
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

inline Divisor divisor_of(const Call &call) {
    const u32 zeros = (u32)__builtin_ctzll(call.range), odd = (u32)(call.range >> zeros);
    const u64 once = (1ull << 32) % odd;
    return {call.shift, zeros, odd, inverse(odd), (u32)(once * once % odd)};
}

inline u32 round_up(u64 x, u32 unit) { return (u32)((x + unit - 1) / unit * unit); }

// Two rows become one word: 32 bits of a wide word from bit `at` on, or the top 16 bits of two words.
inline Fold fold_of(u32 view, u32 at) {
    if (view == tops) return {at, 1, at, 1u << 16};
    if (at >= 32) return {at - 32, 1, 0, 0};
    return {0, at ? 1u << (32 - at) : 0, at, 1};
}

// Turns seeds into rows of filter words, one for every wanted call or, where `dense`, for every word up to the last one.
//
// A word of the call's view is made as one row, or as two that are folded into one: before the test for rejection where the word has
// 32 bits, after it where it has 64. Where few blocks of lanes can hold a rejected word, a block is first made as if there were none.
class Stream {
  public:
    Stream(const Kernels &kernels, const Search &search)
        : dense(can_reject(search.task.call) || search.task.call.view == halves), kernels(kernels), call(search.task.call),
          filter(search.task.filter), producer(producer_of(kernels, search.family)), long_word(is_long(scalar_of(search.family).word_bits)),
          shape(shape_of(scalar_of(search.family).word_bits)), fold(fold_of(call.view, long_word ? filter.at : call.at)),
          divisor(divisor_of(call)), accept(long_word ? accept_all : upper_halves(call)) {
        if (can_reject(call)) reject_rate = 1 - std::ldexp((double)call.accept_max, -64);
        unit = std::lcm(producer.unit, kernels.unit);
    }

    u32 unit;
    const bool dense;

    u32 row_of(u32 wanted_call, u32 place) const { return dense ? wanted_call * call.words : place; }

    // The rows that `calls` calls up to `last_call` take.
    u64 rows_for(u32 calls, u32 last_call) const { return (dense ? words_to(last_call) + 1 : calls) * (shape == one_row ? 1 : 2); }

    const u32 *rows(const u32 *seeds, u32 high, const std::vector<u32> &calls, u32 lanes) {
        short_lanes.clear();
        u32 *q = buffer.reserve(rows_for((u32)calls.size(), calls.back()) * lanes);
        const u32 words = calls.back() * call.words + 1;
        if (!dense) {
            want.resize(calls.size());
            for (size_t i = 0; i < calls.size(); ++i) want[i] = calls[i] * call.words;
        }
        const Block block{seeds, high, lanes, q};
        if (!can_reject(call))
            make(block, dense ? words : (u32)calls.size());
        else if (reject_rate * words * lanes > few || make(block, words))
            make_accepted(block, words);
        return q;
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
    enum Shape { one_row, halves_of_wide, two_words };  // what a raw word or two of them make

    static constexpr double few = 0.25;  // rejected words that a block may be expected to hold

    static Accept upper_halves(const Call &call) {
        return {(u32)(call.multiplier >> 32), (u32)(call.addend >> 32), (u32)(call.accept_max >> 32)};
    }

    bool is_long(u32 word_bits) const { return call.view == pairs || (call.view == whole && word_bits > 32); }

    Shape shape_of(u32 word_bits) const {
        if (call.view == pairs || call.view == tops) return two_words;
        if (call.view == halves) return halves_of_wide;
        if (call.view == window) return call.at == word_bits - 32 ? one_row : halves_of_wide;
        return word_bits > 32 && (can_reject(call) || filter.reduce || filter.at != word_bits - 32) ? halves_of_wide : one_row;
    }

    // Words up to the last one that is accepted, with some in reserve.
    u64 words_to(u32 last_call) const {
        const double calls = (double)last_call * call.words + 1, lost = calls * reject_rate / (1 - reject_rate);
        return (u64)(calls + lost + 4 * std::sqrt(lost / (1 - reject_rate)) + 1);
    }

    // Make the filter words of `count` words as if each were accepted; returns whether one is not.
    bool make(const Block &to, u32 count) {
        bool found = gather(to, count, filter, accept);
        if (shape == one_row) return found;
        if (long_word && can_reject(call)) found = kernels.wide_rejections(to.q, count, to.lanes, call, rejected.reserve(to.lanes));
        return found || finish(to, count, accept);
    }

    void make_accepted(const Block &to, u32 calls) {
        const u32 words = (u32)words_to(calls - 1);
        gather(to, words, unfiltered, accept_all);
        u32 *lost = rejected.reserve(to.lanes);
        if (long_word ? kernels.wide_rejections(to.q, words, to.lanes, call, lost) : kernels.rejections(to.q, words, to.lanes, accept, lost))
            for (u32 lane = 0; lane < to.lanes; ++lane)
                if (lost[lane]) {
                    close_up(to.q + lane, words, to.lanes);
                    if (words - lost[lane] < calls) short_lanes.push_back(lane);
                }
        finish(to, calls, accept_all);
    }

    // The raw words of `count` words of the view, folded where that gives their 32 bits.
    bool gather(const Block &to, u32 count, const Filter &with, const Accept &test) {
        const u32 *positions = want_raw(count);
        const u32 raw = shape == two_words ? 2 * count : call.view == halves ? (count + 1) / 2 : count;
        const bool near = positions[raw - 1] < producer.reach;
        if (shape == one_row) return (near ? producer.near : producer.beyond)(to.seeds, to.high, positions, raw, with, test, to.lanes, to.q);
        if (shape == two_words)
            (near ? producer.near : producer.beyond)(to.seeds, to.high, positions, raw, unfiltered, accept_all, to.lanes, to.q);
        else
            (near ? producer.near_wide : producer.beyond_wide)(to.seeds, to.high, positions, raw, to.lanes, to.q);
        if (!long_word && call.view != halves) kernels.fold(to.q, count, to.lanes, fold);
        return false;
    }

    // The positions of the raw words that make `count` words of the view.
    const u32 *want_raw(u32 count) {
        while (dense && want.size() < count) want.push_back((u32)want.size());
        if (shape != two_words) return want.data();
        want_pairs.resize(2 * count);
        for (u32 i = 0; i < count; ++i) want_pairs[2 * i + 1] = (want_pairs[2 * i] = 2 * want[i]) + 1;
        return want_pairs.data();
    }

    bool finish(const Block &to, u32 count, const Accept &test) {
        if (long_word && shape != one_row) {
            if (filter.reduce)
                kernels.residues(to.q, count, to.lanes, divisor);
            else
                kernels.fold(to.q, count, to.lanes, fold);
        }
        return !(long_word && filter.reduce) && kernels.filter(to.q, (u64)count * to.lanes, filter, test);
    }

    // Move a lane's accepted words down over the rejected ones.
    void close_up(u32 *column, u32 words, u32 lanes) const {
        const u64 next = (u64)lanes * (long_word ? 2 : 1);
        u32 *to = column;
        for (u32 i = 0; i < words; ++i, column += next) {
            const u32 low = column[0], above = long_word ? column[lanes] : 0;
            to[0] = low;
            if (long_word) to[lanes] = above;
            to += rejects(call, (u64)above << 32 | low) ? 0 : next;
        }
    }

    const Kernels &kernels;
    const Call &call;
    const Filter &filter;
    const Producer &producer;
    const bool long_word;  // the test for rejection takes 64 bits
    const Shape shape;
    const Fold fold;
    const Divisor divisor;
    const Accept accept;
    double reject_rate = 0;
    std::vector<u32> want, want_pairs;
    Buffer buffer, rejected;
};

}  // namespace mimicry
