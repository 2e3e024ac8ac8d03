// The sieve driver: one shared stream of words for all starts and gaps, a filter on the first draws (first_stage.h), a second one on
// the survivors packed by alignment, and an exact count for what is left.
//
// Nothing here depends on the generator or the instruction set. Filters only over-approximate, so the hit set is exact.
#include "first_stage.h"
#include "judge.h"
#include "shared_rows.h"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace {
using namespace mimicry;
typedef std::chrono::steady_clock Clock;

const u32 most_alignments = 4096;   // (start, gap) pairs that one pass keeps queues for,
const u32 most_queues = 1u << 16;   // with every vector
const u32 cache_bytes = 24 * 1024;  // what a block of lanes may fill: most of a first-level cache
const u32 most_lanes = 2048;
const u32 packing = 8;  // packed seeds that cost as much as one that is counted alone

// Seeds that passed the first stage, kept apart by vector and alignment so that a batch shares its positions.
class Queues {
  public:
    Queues(u64 queues, u32 batch) : batch(batch), filled(queues, 0) { seeds.reserve(queues * batch); }

    const u32 batch;

    bool push(u64 queue, u32 low) {  // true when the queue is now full
        at(queue)[filled[queue]] = low;
        return ++filled[queue] == batch;
    }
    u32 *at(u64 queue) { return seeds.get() + queue * batch; }
    u32 take(u64 queue) { return std::exchange(filled[queue], 0); }

  private:
    std::vector<u32> filled;
    Buffer seeds;
};

// All seeds against so many starts and gaps that their queues fit.
class Pass {
  public:
    Pass(const Kernels &kernels, const Search &search, Judge *other, Found &found)
        : kernels(kernels), search(search), task(search.task), scalar(scalar_of(search.family)), other(other),
          alignments(task.start_count * task.gap_count), found(found), first(kernels, search), second(kernels, search),
          queues((u64)task.vectors * alignments, round_up(64, second.unit)) {
        collect_calls();
        for (Octet &octet : octets_of(task, task.depth)) stages.push_back(stage_of(std::move(octet)));
        for (u32 i = 0; i < stages.size(); ++i) stages[i].single() ? singles.add(i, stages[i]) : counted.push_back(i);
        for (u32 i : counted) widest = std::max<u64>(widest, stages[i].places.size());
        drawn.resize(reach());
    }

    // Whether some vector can reach its threshold, and nothing ended the search.
    bool live() { return !stages.empty() && !halted(); }

    // The lanes of a block whose rows fill the cache.
    u32 fitting() const {
        const u64 lane_bytes = 4 * first.rows_for((u32)calls.size(), calls.back()) + widest;
        const u64 units = cache_bytes / (lane_bytes * first.unit);
        return first.unit * (u32)std::clamp<u64>(units, 1, std::max(1u, most_lanes / first.unit));
    }

    void settle(u32 lanes_of_block) {
        lanes = lanes_of_block;
        marks.reserve(widest * lanes / 4);
        tallies.resize(counted.empty() ? 0 : (u64)alignments * lanes);
        singles.settle(lanes);
    }

    void read_from(SharedRows &shared) { shared.serve(first, calls); }

    // Search a block of seeds, the first n of its lanes; survivors are queued.
    void block(const u32 *seeds, u32 high_half, u32 n) {
        block_seeds = seeds;
        high = high_half;
        const u32 *q = first.rows(seeds, high, calls, lanes);
        for (u32 lane : first.short_lanes)
            if (lane < n) count_everywhere(seeds[lane]);
        singles.each(kernels, q, lanes, n, [&](u32 number, u32 slot, u32 draw, u32 alignment, u32 lane) {
            const FirstStage &stage = stages[number];
            if (stage.depth() == 1 || stage.reached(alignment, slot, draw, q, lanes, lane)) enqueue(stage.vectors[slot], alignment, lane);
        });
        for (u32 i : counted) count_all(stages[i], q, n);
    }

    // Judge every survivor that is queued.
    void drain() {
        for (const FirstStage &stage : stages)
            for (u32 vector : stage.vectors)
                for (u32 a = 0; a < alignments; ++a) flush(vector, a);
    }

    bool halted() {
        if (search.stop && __atomic_load_n(search.stop, __ATOMIC_RELAXED) != search.stop_generation) found.stopped = true;
        return found.stopped || found.overflow;
    }

  private:
    template <class Use> void each_call(u32 vector, Use use) const {
        const u32 *index = task.index + (u64)vector * task.width;
        for (u32 a = 0; a < alignments; ++a)
            for (u32 i = 0; i < task.depth[vector]; ++i) use(start_of(a) + index[i] * (gap_of(a) + 1), i);
    }

    void collect_calls() {
        for (u32 v = 0; v < task.vectors; ++v)
            if (reachable(task, v)) each_call(v, [&](u32 call, u32) { calls.push_back(call); });
        std::sort(calls.begin(), calls.end());
        calls.erase(std::unique(calls.begin(), calls.end()), calls.end());
    }

    FirstStage stage_of(Octet &&octet) const {
        FirstStage stage{std::move(octet), {}, {}};
        const u32 depth = stage.depth();
        const auto place_of = [&](u32 call) { return (u64)(std::lower_bound(calls.begin(), calls.end(), call) - calls.begin()); };
        std::vector<u32> number_of(depth * calls.size(), unlimited);  // [row][draw]
        each_call(stage.vectors[0], [&](u32 call, u32 i) { number_of[place_of(call) * depth + i] = 0; });
        for (u64 at = 0; at < number_of.size(); ++at) {
            if (number_of[at] == unlimited) continue;
            number_of[at] = (u32)stage.places.size();
            stage.places.push_back({(u32)(at / depth), (u32)(at % depth)});
        }
        each_call(stage.vectors[0], [&](u32 call, u32 i) { stage.index.push_back(number_of[place_of(call) * depth + i]); });
        return stage;
    }

    u32 start_of(u32 alignment) const { return task.start_lo + alignment / task.gap_count; }
    u32 gap_of(u32 alignment) const { return task.gap_lo + alignment % task.gap_count; }

    void count_all(const FirstStage &stage, const u32 *q, u32 n) {
        unsigned char *bytes = (unsigned char *)marks.get();
        const auto mark = stage.by_nibbles() ? kernels.mark : kernels.mark_between;
        mark(q, lanes, stage.targets.data(), stage.places.data(), (u32)stage.places.size(), bytes);
        const u32 found = kernels.tally(bytes, lanes, stage.index.data(), alignments, stage.depth(), stage.needed(), tallies.data());
        for (u32 i = 0; i < found; ++i) {
            const u32 alignment = tallies[i].at / lanes, lane = tallies[i].at % lanes;
            for (u32 slots = tallies[i].vectors; slots && lane < n; slots &= slots - 1) {
                const u32 slot = (u32)__builtin_ctz(slots);
                if (stage.reached(alignment, slot, 0, q, lanes, lane)) enqueue(stage.vectors[slot], alignment, lane);
            }
        }
    }

    void enqueue(u32 vector, u32 alignment, u32 lane) {
        if (!first.is_short(lane) && queues.push(queue_of(vector, alignment), block_seeds[lane])) flush(vector, alignment);
    }

    u64 queue_of(u32 vector, u32 alignment) const { return (u64)vector * alignments + alignment; }

    // The second stage: the queued seeds of one alignment, packed, against more draws; what is left is counted exactly.
    void flush(u32 vector, u32 alignment) {
        u32 *seeds = queues.at(queue_of(vector, alignment));
        const u32 n = queues.take(queue_of(vector, alignment)), width = round_up(n, second.unit);
        if (n == 0 || halted()) return;
        const u32 start = start_of(alignment), gap = gap_of(alignment);
        if (n * packing <= width) return judge_all(vector, seeds, n, start, gap);
        std::fill(seeds + n, seeds + width, seeds[0]);
        for (u32 lane : deeper(vector, start, gap, seeds, width))
            if (lane < n) judge(vector, seeds[lane], start, gap);
    }

    const std::vector<u32> &deeper(u32 vector, u32 start, u32 gap, const u32 *seeds, u32 width) {
        const u32 depth = search.second_depth[vector], row = vector * task.width;
        second_calls.resize(depth);
        second_pairs.resize(depth);
        for (u32 i = 0; i < depth; ++i) {
            second_calls[i] = start + task.index[row + i] * (gap + 1);
            second_pairs[i] = {i, task.offset[row + i], task.lim[row + i]};
        }
        while (counting.size() < depth) counting.push_back((u32)counting.size());
        const u32 *q = second.rows(seeds, high, second_calls, width);
        u32 *missed = second_misses.reserve((u64)depth * width);
        kernels.compare(q, width, second_pairs.data(), depth, missed);
        left.resize(width);
        left.resize(kernels.survivors(missed, width, counting.data(), 1, depth, missable(task, vector), left.data()));
        if (!second.short_lanes.empty()) {
            left.insert(left.end(), second.short_lanes.begin(), second.short_lanes.end());
            std::sort(left.begin(), left.end());
            left.erase(std::unique(left.begin(), left.end()), left.end());
        }
        return left;
    }

    void judge_all(u32 vector, const u32 *seeds, u32 n, u32 start, u32 gap) {
        for (u32 i = 0; i < n; ++i) judge(vector, seeds[i], start, gap);
    }

    void judge(u32 vector, u32 low, u32 start, u32 gap) {
        const u64 seed = (u64)high << 32 | low;
        Hit hit{(unsigned short)vector, 0, start, gap, 0, seed};
        if (other ? !other->is_hit(vector, seed, start, gap, hit) : !reaches(vector, hit)) return;
        if (found.hits.size() < search.max_hits)
            found.hits.push_back(hit);
        else
            found.overflow = true;
    }

    bool reaches(u32 vector, Hit &hit) const {
        hit.matched = (unsigned short)scalar.count(task, vector, hit.seed, hit.start, hit.gap);
        return hit.matched >= task.threshold[vector];
    }

    // Every alignment of one seed, on its draws made once by the exact side.
    void count_everywhere(u32 low) {
        if (!other) scalar.values(task.call, (u64)high << 32 | low, 0, 0, drawn.size(), drawn.data());
        for (u32 vector = 0; vector < task.vectors; ++vector)
            for (u32 a = 0; a < alignments && reachable(task, vector) && !halted(); ++a)
                if (other || matches_enough(vector, start_of(a), gap_of(a))) judge(vector, low, start_of(a), gap_of(a));
    }

    bool matches_enough(u32 vector, u32 start, u32 gap) const {
        const u32 row = vector * task.width;
        u32 missed = 0;
        for (u32 i = row; i < row + task.usable[vector] && missed <= missable(task, vector); ++i)
            missed += drawn[start + (u64)task.index[i] * (gap + 1)] != task.value[i];
        return missed <= missable(task, vector);
    }

    // The calls up to the last draw of the longest alignment.
    u64 reach() const {
        u32 last = 0;
        for (u32 v = 0; v < task.vectors; ++v)
            if (reachable(task, v)) last = std::max(last, task.index[v * task.width + task.usable[v] - 1]);
        return task.start_lo + task.start_count + (u64)last * (task.gap_lo + task.gap_count);
    }

    const Kernels &kernels;
    const Search &search;
    const Task &task;
    const Scalar &scalar;
    Judge *const other;  // null: the task's own call judges
    const u32 alignments;
    Found &found;
    Stream first, second;
    Queues queues;
    u32 lanes = 0, high = 0;
    u64 widest = 0;  // places of a stage that marks
    const u32 *block_seeds = nullptr;
    std::vector<u32> calls;
    std::vector<u64> drawn;  // of one seed
    std::vector<FirstStage> stages;
    std::vector<u32> counted;  // the stages that do not look for single matches
    Singles singles;
    std::vector<Tally> tallies;
    Buffer marks;
    std::vector<u32> second_calls, counting, left;
    std::vector<Pair> second_pairs;
    Buffer second_misses;
};

// Draining pads short batches, so pauses between drains are at least this long and 20 times what the last one took.
const Clock::duration least_pause = std::chrono::milliseconds(50);

// One pass, or several that read their words from `shared`.
struct Passes {
    std::vector<std::unique_ptr<Pass>> all;
    std::vector<u64> done;  // seeds of each pass behind which every survivor is judged
    SharedRows *shared = nullptr;

    bool live() const {
        return std::any_of(all.begin(), all.end(), [](const auto &pass) { return pass->live(); });
    }

    void drain(u64 fed) {
        for (size_t i = 0; i < all.size(); ++i) {
            all[i]->drain();
            if (!all[i]->halted()) done[i] = fed;
        }
    }
};

// Search seeds [lo, lo + count) block by block, each through every pass.
void feed(const Kernels &kernels, const Search &search, Passes &passes, u64 lo, u64 count, u64 done_before) {
    passes.done.assign(passes.all.size(), 0);
    u32 lanes = most_lanes;
    for (const auto &pass : passes.all)
        if (pass->live()) lanes = std::min(lanes, pass->fitting());
    for (const auto &pass : passes.all) pass->settle(lanes);
    Buffer room;
    u32 *seeds = room.reserve(lanes);
    u64 fed = 0, blocks = 0;
    auto due = Clock::now() + least_pause;
    while (fed < count && passes.live()) {
        const u64 seed = lo + fed, to_boundary = (1ull << 32) - (seed & 0xffffffffu);
        const u32 n = (u32)std::min({(u64)lanes, count - fed, to_boundary}), high = (u32)(seed >> 32);
        kernels.count_up(seeds, lanes, (u32)seed);  // lanes from n on are ignored
        if (search.seeds) std::copy_n(search.seeds + (seed - search.seed_lo), n, seeds);
        if (passes.shared) passes.shared->make(seeds, high, lanes);
        for (const auto &pass : passes.all)
            if (pass->live()) pass->block(seeds, high, n);
        fed += n;
        if (n == to_boundary || fed == count || (++blocks % 64 == 0 && Clock::now() > due)) {
            const auto begin = Clock::now();
            passes.drain(fed);
            due = Clock::now() + std::max<Clock::duration>(least_pause, 20 * (Clock::now() - begin));
        }
        if (search.progress && passes.live()) __atomic_store_n(search.progress, done_before + fed, __ATOMIC_RELAXED);
    }
    for (size_t i = 0; i < passes.all.size(); ++i)
        if (!passes.all[i]->halted()) passes.done[i] = count;
}

bool earlier(const Hit &a, const Hit &b) {
    return std::tie(a.seed, a.start, a.gap, a.vector) < std::tie(b.seed, b.start, b.gap, b.vector);
}

// After a stop only whole seeds count, so that a search resumed at seeds_done finds each hit once.
void settle(Found &found, u64 seed_lo) {
    auto beyond = [&](const Hit &hit) { return hit.seed - seed_lo >= found.seeds_done; };
    if (found.stopped) found.hits.erase(std::remove_if(found.hits.begin(), found.hits.end(), beyond), found.hits.end());
    std::sort(found.hits.begin(), found.hits.end(), earlier);
}

// The task in parts that one pass can take.
std::vector<Task> split(const Task &task) {
    const u32 room = std::max(1u, std::min(most_alignments, most_queues / task.vectors));
    const u32 gaps = std::min(task.gap_count, room), starts = std::min(task.start_count, room / gaps);
    std::vector<Task> parts;
    for (u32 start = 0; start < task.start_count; start += starts)
        for (u32 gap = 0; gap < task.gap_count; gap += gaps) {
            Task part = task;
            part.start_lo += start;
            part.start_count = std::min(starts, task.start_count - start);
            part.gap_lo += gap;
            part.gap_count = std::min(gaps, task.gap_count - gap);
            parts.push_back(part);
        }
    return parts;
}

Found run(const Kernels &kernels, const Search &search, Judge *judge) {
    Found found;
    const std::vector<Task> parts = split(search.task);
    const u64 alignments = (u64)search.task.start_count * search.task.gap_count;
    // Several passes share a chunk of seeds, short enough that a stop loses little.
    const u64 chunk = parts.size() == 1 ? search.seed_count : std::clamp<u64>((1u << 28) / alignments, 1024, 65536);
    while (found.seeds_done < search.seed_count && !found.stopped && !found.overflow) {
        const u64 lo = search.seed_lo + found.seeds_done, count = std::min(chunk, search.seed_count - found.seeds_done);
        u64 done = count;
        for (size_t i = 0; i < parts.size() && !found.stopped && !found.overflow; ++i) {
            Search part = search;
            part.task = parts[i];
            if (parts.size() > 1) part.progress = nullptr;
            Passes one;
            one.all.push_back(std::make_unique<Pass>(kernels, part, judge, found));
            feed(kernels, part, one, lo, count, found.seeds_done);
            done = std::min(done, one.done[0]);
        }
        if (parts.size() == 1 || !found.stopped) found.seeds_done += done;
        if (search.progress) __atomic_store_n(search.progress, found.seeds_done, __ATOMIC_RELAXED);
    }
    settle(found, search.seed_lo);
    return found;
}

}  // namespace

namespace mimicry {

Found run_sieve(const Kernels &kernels, const Search &search) { return run(kernels, search, nullptr); }

Found run_sieve(const Kernels &kernels, const Search &search, Judge &judge) { return run(kernels, search, &judge); }

std::vector<Found> run_together(const Kernels &kernels, const std::vector<Search> &searches) {
    std::vector<Found> found(searches.size());
    if (searches.empty()) return found;
    const Search &first = searches[0];
    SharedRows shared(kernels, first.family);
    Passes passes;
    passes.shared = &shared;
    for (size_t i = 0; i < searches.size(); ++i) {
        if (split(searches[i].task).size() != 1) throw std::invalid_argument("a search of so many alignments shares its words with no other");
        passes.all.push_back(std::make_unique<Pass>(kernels, searches[i], nullptr, found[i]));
        if (passes.all[i]->live()) passes.all[i]->read_from(shared);
    }
    feed(kernels, first, passes, first.seed_lo, first.seed_count, 0);
    for (size_t i = 0; i < found.size(); ++i) {
        found[i].seeds_done = passes.done[i];
        settle(found[i], first.seed_lo);
    }
    return found;
}

}  // namespace mimicry
