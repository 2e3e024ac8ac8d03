// The raw words of one block of seeds, made once for all the streams that read them: seeding is most of the work of many generators.
#pragma once
#include "stream.h"

#include <algorithm>
#include <cstring>

namespace mimicry {

class SharedRows : public Source {
  public:
    SharedRows(const Kernels &kernels, u32 family)
        : kernels(kernels), producer(producer_of(kernels, family)), top_of_wide(fold_of(window, scalar_of(family).word_bits - 32)) {}

    // Take in what a stream reads; before the first block.
    void serve(Stream &stream, const std::vector<u32> &calls) {
        (stream.reads_wide() ? any_wide : any_narrow) = true;
        for (u32 position : stream.reads(calls)) positions.push_back(position);
        std::sort(positions.begin(), positions.end());
        positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
        row_of.assign(positions.back() + 1, 0);
        for (u32 row = 0; row < positions.size(); ++row) row_of[positions[row]] = row;
        stream.read_from(this);
    }

    void make(const u32 *seeds, u32 high, u32 lanes) {
        const u32 count = (u32)positions.size();
        const bool near = positions.back() < producer.reach;
        if (!any_wide) {
            u32 *to = narrow_rows.reserve((u64)count * lanes);
            (near ? producer.near : producer.beyond)(seeds, high, positions.data(), count, unfiltered, accept_all, lanes, to);
            return;
        }
        u32 *both = wide_rows.reserve((u64)2 * count * lanes);
        (near ? producer.near_wide : producer.beyond_wide)(seeds, high, positions.data(), count, lanes, both);
        if (!any_narrow) return;
        u32 *to = narrow_rows.reserve((u64)2 * count * lanes);
        std::memcpy(to, both, (u64)2 * count * lanes * 4);
        kernels.fold(to, count, lanes, top_of_wide);
    }

    bool narrow(const u32 *want, u32 count, const Filter &filter, const Accept &accept, u32 lanes, u32 *out) override {
        copy(narrow_rows.get(), want, count, lanes, out);
        if (&filter != &unfiltered) kernels.filter(out, (u64)count * lanes, filter);
        if (accept.max == ~0u) return false;
        // A stream that rejects reads every word up to its last one, so that they are the first rows.
        return kernels.rejections(narrow_rows.get(), want[count - 1] + 1, lanes, accept, rejected.reserve(lanes));
    }

    void wide(const u32 *want, u32 count, u32 lanes, u32 *out) override { copy(wide_rows.get(), want, count, 2 * lanes, out); }

  private:
    void copy(const u32 *rows, const u32 *want, u32 count, u64 words, u32 *out) const {
        for (u32 i = 0; i < count; ++i, out += words) std::memcpy(out, rows + row_of[want[i]] * words, words * 4);
    }

    const Kernels &kernels;
    const Producer &producer;
    const Fold top_of_wide;
    bool any_narrow = false, any_wide = false;
    std::vector<u32> positions, row_of;
    Buffer narrow_rows, wide_rows, rejected;
};

}  // namespace mimicry
