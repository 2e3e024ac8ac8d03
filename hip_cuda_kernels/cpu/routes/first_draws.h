// The probe of a task: which of the first draws are compared at which words (struct Probe), and the scan of a seed range with it.
#pragma once
#include "routes.h"

#include <algorithm>
#include <vector>

namespace mimicry {

class FirstDraws {
  public:
    explicit FirstDraws(const Task &task);

    Probe probe;  // its arrays live here
    std::vector<u32> positions;

  private:
    void collect(const Task &task, u32 vector);

    struct Compared {
        u32 position, offset, lim;
    };
    std::vector<Compared> compared;
    std::vector<u32> ends;
    std::vector<Pair> pairs;
};

// Scan the seeds in order, chunk by chunk, and sift what is left. `scan(low, count, out)` takes chunks that begin and end in one of
// the parts that `cut` (a power of two) divides the seeds into.
template <class ScanChunk> Found scan_in_order(const Kernels &kernels, const Search &search, u64 cut, ScanChunk scan) {
    const u64 chunk = 1u << 18;  // a few milliseconds, so that a stop is obeyed at once
    std::vector<u32> left(chunk + scan_room);
    Sift sift(kernels, search);
    while (sift.found.seeds_done < search.seed_count && !sift.halted()) {
        const u64 seed = search.seed_lo + sift.found.seeds_done, room = cut - seed % cut;
        const u32 count = (u32)std::min<u64>({chunk, room, search.seed_count - sift.found.seeds_done});
        sift.judge((u32)(seed >> 32), left.data(), scan((u32)seed, count, left.data()));
        if (!sift.halted()) sift.found.seeds_done += count;
        sift.show_progress(sift.found.seeds_done);
    }
    return std::move(sift.found);
}

}  // namespace mimicry
