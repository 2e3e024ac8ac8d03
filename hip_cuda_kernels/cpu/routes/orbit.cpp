// Route "orbit": generators of 32 bits whose seeds are the states of one long cycle, for any number of starts and gaps.
//
// Every state is stepped once, wherever an alignment begins: a word that matches a draw is remembered for as long as an alignment is
// long, and only where enough of them gather are the alignments counted. Seeds beside the cycle are searched apart.
#include "cycle_walk.h"

namespace {
using namespace mimicry;

template <class Map> class Orbit {
  public:
    Orbit(const Kernels &kernels, const Search &search, const Cycle &cycle, const Map &step)
        : search(search), task(search.task), cycle(cycle), cycle_walk(kernels, cycle, step, task.filter), sift(kernels, search) {
        for (u32 v = 0; v < task.vectors; ++v)
            if (task.usable[v] >= task.threshold[v]) add_vector(v);
        cycle_walk.sort_draws();
        recent.resize((u64)cycle_walk.lanes * vectors.size());
    }

    Found run() {
        const u64 last_call = task.start_lo + task.start_count - 1 + reach;
        const u64 all = cycle_walk.segment + last_call + 1;  // a lane goes on until the alignments of its last seed end
        for (u64 done = 0; done < all && !sift.halted(); done += cycle_walk.steps_at_once) {
            cycle_walk.walk((u32)done, (u32)std::min<u64>(cycle_walk.steps_at_once, all - done), [&] { return sift.halted(); },
                            [&](u32 lane, u32 v, const Match &match) { gather(lane, v, match); });
            sift.show_progress((u64)((double)search.seed_count * (double)done / (double)all));
        }
        const u32 zero = 0;
        if (!cycle.zero_is_one && search.seed_lo == 0) sift.judge(0, &zero, 1);
        return sift.finish();
    }

  private:
    struct Vector {
        u32 number, threshold;
        const u32 *index;
        std::vector<int> draw_at;  // by place in the vector: its bit, or -1 for a draw that is missing
    };

    void add_vector(u32 v) {
        const u32 row = v * task.width, usable = task.usable[v], last = task.index[row + usable - 1];
        Vector vector{v, task.threshold[v], task.index + row, std::vector<int>(last + 1, -1)};
        for (u32 i = 0; i < usable; ++i) {
            vector.draw_at[task.index[row + i]] = (int)i;
            cycle_walk.add((u32)vectors.size(), task.offset[row + i], task.lim[row + i], 1ull << i);
        }
        reach = std::max(reach, last * (task.gap_lo + task.gap_count));
        vectors.push_back(std::move(vector));
    }

    // Where the last `threshold` matches lie within reach of each other, look for the alignments that just got enough of them.
    void gather(u32 lane, u32 v, const Match &match) {
        Recent &ring = recent[(u64)lane * vectors.size() + v];
        ring.push(match, reach);
        const Match *first = ring.at(vectors[v].threshold - 1);
        if (!first || match.place - first->place > reach) return;
        for (u32 gap = task.gap_lo; gap < task.gap_lo + task.gap_count; ++gap)
            for (u64 bits = match.draws; bits; bits &= bits - 1) {
                const u32 before = vectors[v].index[__builtin_ctzll(bits)] * (gap + 1);
                if (before <= match.place && matches_from(ring, vectors[v], match.place - before, gap) == vectors[v].threshold)
                    report(lane, vectors[v].number, match.place - before, gap);
            }
    }

    // How many draws of an alignment whose first call lies at `place` have matched by now.
    u32 matches_from(const Recent &ring, const Vector &vector, u32 place, u32 gap) const {
        u32 sum = 0;
        const Match *match;
        for (u32 back = 0; (match = ring.at(back)) && match->place >= place; ++back) {
            const u32 call = (match->place - place) / (gap + 1);
            if ((match->place - place) % (gap + 1) || call >= vector.draw_at.size() || vector.draw_at[call] < 0) continue;
            sum += match->draws >> vector.draw_at[call] & 1;
        }
        return sum;
    }

    // Every seed that has its first draw at `place` of a lane's walk after one of the starts.
    void report(u32 lane, u32 vector, u32 place, u32 gap) {
        for (u32 start = task.start_lo; start < task.start_lo + task.start_count && start <= place; ++start)
            cycle_walk.seeds_at(lane * cycle_walk.segment + place - start, [&](u64 seed) { sift.judge(vector, seed, start, gap); });
    }

    const Search &search;
    const Task &task;
    const Cycle &cycle;
    CycleWalk<Map> cycle_walk;
    Sift sift;
    u32 reach = 0;  // calls from an alignment's first draw to its last
    std::vector<Vector> vectors;
    std::vector<Recent> recent;  // [lane][vector]
};

}  // namespace

namespace mimicry {

Found search_orbit(const Kernels &kernels, const Search &search) {
    const Cycle &cycle = cycle_of(scalar_of(search.family).id);
    if (cycle.step.modulus) return Orbit<Congruence>(kernels, search, cycle, cycle.step).run();
    return Orbit<BitMatrix>(kernels, search, cycle, xorshift_step()).run();
}

}  // namespace mimicry
