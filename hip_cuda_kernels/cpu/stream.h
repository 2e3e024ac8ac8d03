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

// Turns seeds into rows of filter words: row i belongs to mapping call calls[i], or to call i when the mapping can reject.
class Stream {
  public:
    Stream(const Kernels &kernels, const Search &search)
        : kernels(kernels), call(search.task.call), filter(search.task.filter), producer(producer_of(kernels, search.family)),
          divisor(divisor_of(call)) {
        const u32 word_bits = scalar_of(search.family).word_bits;
        rejecting = word_bits <= 32 && call.accept_max < (1ull << word_bits) - 1;
        if (rejecting) reject_rate = 1 - (call.accept_max + 1) / std::ldexp(1.0, (int)word_bits);
        unit = std::lcm(producer.unit, kernels.unit);
    }

    u32 unit;
    bool rejecting = false;

    // The rows that `calls` (rising) need; with rejections that is every word up to the last, and some to spare.
    u64 rows_for(u32 first_calls, u32 last_call) const {
        if (!rejecting) return (u64)first_calls * (filter.reduce ? 2 : 1);
        const double calls = last_call + 1.0, lost = calls * reject_rate / (1 - reject_rate);
        return (u64)(calls + lost + 4 * std::sqrt(lost / (1 - reject_rate)) + 2);
    }

    const u32 *rows(const u32 *seeds, u32 high, const std::vector<u32> &calls, u32 lanes) {
        short_lanes.clear();
        return rejecting ? accepted_rows(seeds, high, calls.back() + 1, lanes) : wanted_rows(seeds, high, calls, lanes);
    }

    std::vector<u32> short_lanes;  // lanes (rising) that rejected so much that their rows are not whole

    bool is_short(u32 lane) const {
        return !short_lanes.empty() && std::binary_search(short_lanes.begin(), short_lanes.end(), lane);
    }

  private:
    const u32 *wanted_rows(const u32 *seeds, u32 high, const std::vector<u32> &calls, u32 lanes) {
        const u32 count = (u32)calls.size();
        want.resize(count);
        for (u32 i = 0; i < count; ++i) want[i] = calls[i] * call.words;
        u32 *q = buffer.reserve(rows_for(count, calls.back()) * lanes);
        if (filter.reduce) {
            producer.whole(seeds, high, want.data(), count, filter, lanes, q);
            kernels.residues(q, count, lanes, divisor);
        } else {
            produce(seeds, high, want.back() + 1, count, filter, lanes, q);
        }
        return q;
    }

    const u32 *accepted_rows(const u32 *seeds, u32 high, u32 calls, u32 lanes) {
        const u32 words = (u32)rows_for(0, calls - 1);
        for (u32 i = (u32)want.size(); i < words; ++i) want.push_back(i);
        u32 *q = buffer.reserve((u64)words * lanes);
        produce(seeds, high, words, words, unfiltered, lanes, q);
        if (kernels.rejections(q, words, lanes, (u32)call.accept_max, rejects.reserve(lanes)))
            for (u32 lane = 0; lane < lanes; ++lane)
                if (u32 lost = rejects.get()[lane]) {
                    close_up(q + lane, words, lanes);
                    if (words - lost < calls) short_lanes.push_back(lane);
                }
        kernels.filter(q, (u64)calls * lanes, filter);
        return q;
    }

    void produce(const u32 *seeds, u32 high, u32 words, u32 count, const Filter &with, u32 lanes, u32 *q) {
        (words <= producer.reach ? producer.near : producer.beyond)(seeds, high, want.data(), count, with, lanes, q);
    }

    void close_up(u32 *column, u32 words, u32 lanes) const {
        const u32 accept_max = (u32)call.accept_max;
        u32 *to = column;
        for (u32 i = 0; i < words; ++i, column += lanes) {
            const u32 word = *column;
            *to = word;
            to += word <= accept_max ? lanes : 0;
        }
    }

    static constexpr Filter unfiltered = {0, 0, 0, 1};
    const Kernels &kernels;
    const Call &call;
    const Filter &filter;
    const Producer &producer;
    const Divisor divisor;
    double reject_rate = 0;
    std::vector<u32> want;
    Buffer buffer, rejects;
};

}  // namespace mimicry
