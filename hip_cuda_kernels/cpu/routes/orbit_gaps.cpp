// Route "orbit" under varying gaps: every state is stepped once, and where enough matches of a vector lie close, a chain of them is looked for.
//
// Draws in a chain rise, and their calls lie as far apart as the gaps between them allow; a draw that is missed fits in between whatever
// it is. A chain of `threshold` draws makes candidates of the seeds from which its calls can be reached, and the exact dynamic program
// (variable_gaps.cpp) decides them.
#include "cycle_walk.h"
#include "variable_gaps.h"

namespace {
using namespace mimicry;

template <class Map> class OrbitGaps {
  public:
    OrbitGaps(const Kernels &kernels, const Search &search, const Cycle &cycle, const Map &step)
        : search(search), task(search.task), cycle(cycle), cycle_walk(kernels, cycle, step, task.filter), sift(kernels, search),
          least(task.gap_lo + 1), most(task.gap_lo + task.gap_count), values(reachable_calls(task)) {
        for (u32 v = 0; v < task.vectors; ++v)
            if (task.usable[v] >= task.threshold[v]) add_vector(v);
        cycle_walk.sort_draws();
        recent.resize((u64)cycle_walk.lanes * vectors.size());
        waiting.resize(recent.size());
    }

    Found run() {
        const u64 all = cycle_walk.segment + values.size();  // a lane goes on until the alignments of its last seed end
        for (u64 done = 0; done < all && !sift.halted(); done += cycle_walk.steps_at_once) {
            cycle_walk.walk((u32)done, (u32)std::min<u64>(cycle_walk.steps_at_once, all - done), [&] { return sift.halted(); },
                            [&](u32 lane, u32 v, const Match &match) { gather(lane, v, match); });
            sift.show_progress((u64)((double)search.seed_count * (double)done / (double)all));
        }
        for (u32 lane = 0; lane < cycle_walk.lanes; ++lane)
            for (u32 v = 0; v < vectors.size(); ++v) judge(lane, v);
        for (const Vector &vector : vectors)
            if (!cycle.zero_is_one) judge_seed(vector.number, 0);
        return sift.finish();
    }

  private:
    struct Vector {
        u32 number, threshold;
        const u32 *index;
    };
    struct Places {  // of a lane's walk, the end not included: seeds that wait to be judged
        u64 begin = 0, end = 0;
    };

    void add_vector(u32 v) {
        const u32 row = v * task.width, usable = task.usable[v];
        for (u32 i = 0; i < usable; ++i) cycle_walk.add((u32)vectors.size(), task.offset[row + i], task.lim[row + i], 1ull << i);
        reach = std::max(reach, (task.index[row + usable - 1] - task.index[row]) * most);
        vectors.push_back({v, task.threshold[v], task.index + row});
    }

    void gather(u32 lane, u32 v, const Match &match) {
        const Vector &vector = vectors[v];
        Recent &ring = recent[(u64)lane * vectors.size() + v];
        ring.push(match, reach);
        const Match *first = ring.at(vector.threshold - 1);
        if (!first || match.place - first->place > reach) return;
        for (u64 draws = ends_of_chains(ring, vector); draws; draws &= draws - 1) {
            const u64 calls = vector.index[__builtin_ctzll(draws)], start_hi = task.start_lo + task.start_count - 1;
            const u64 furthest = calls * most + start_hi, nearest = calls * least + task.start_lo;
            if (match.place < nearest) continue;
            await(lane, v, match.place < furthest ? 0 : match.place - furthest, match.place - nearest + 1);
        }
    }

    // The draws of the newest match at which a chain of `threshold` draws ends.
    u64 ends_of_chains(const Recent &ring, const Vector &vector) {
        const u32 newest = ring.at(0)->place;
        links.clear();
        const Match *match;
        for (u32 back = 0; (match = ring.at(back)) && newest - match->place <= reach; ++back)
            for (u64 bits = match->draws; bits; bits &= bits - 1)
                links.push_back({match->place, vector.index[__builtin_ctzll(bits)], (u32)__builtin_ctzll(bits), 1});
        u64 ends = 0;
        for (size_t at = links.size(); at-- > 0;) {  // from the oldest on
            Link &link = links[at];
            for (size_t older = at + 1; older < links.size(); ++older) {
                const Link &before = links[older];
                const u64 apart = link.place - before.place, draws = link.index - before.index;
                if (before.index < link.index && draws * least <= apart && apart <= draws * most)
                    link.length = std::max(link.length, before.length + 1);
            }
            if (link.place == newest && link.length >= vector.threshold) ends |= 1ull << link.draw;
        }
        return ends;
    }

    // Add places to those that wait; they are judged once none can join them.
    void await(u32 lane, u32 v, u64 begin, u64 end) {
        Places &open = waiting[(u64)lane * vectors.size() + v];
        end = std::min(end, cycle_walk.segment);  // those beyond are the next lane's
        if (begin >= end) return;
        if (open.begin < open.end && (begin > open.end || end < open.begin)) judge(lane, v);
        open = open.begin < open.end ? Places{std::min(open.begin, begin), std::max(open.end, end)} : Places{begin, end};
    }

    void judge(u32 lane, u32 v) {
        Places &open = waiting[(u64)lane * vectors.size() + v];
        for (u64 place = open.begin; place < open.end && !sift.halted(); ++place)
            cycle_walk.seeds_at(lane * cycle_walk.segment + place, [&](u64 seed) { judge_seed(vectors[v].number, seed); });
        open = {};
    }

    void judge_seed(u32 vector, u64 seed) {
        if (seed - search.seed_lo >= search.seed_count) return;
        scalar_of(search.family).values(task.call, seed, 0, 0, values.size(), values.data());
        const u32 matched = best_alignment(task, vector, values.data());
        if (matched) sift.report({(unsigned short)vector, (unsigned short)matched, 0, 0, 0, seed});
    }

    struct Link {
        u32 place, index, draw, length;  // the longest chain that ends here
    };

    const Search &search;
    const Task &task;
    const Cycle &cycle;
    CycleWalk<Map> cycle_walk;
    Sift sift;
    const u64 least, most;  // calls from a draw to the next
    std::vector<u64> values;
    u64 reach = 0;  // calls from a chain's first draw to its last
    std::vector<Vector> vectors;
    std::vector<Recent> recent;  // [lane][vector]
    std::vector<Places> waiting;
    std::vector<Link> links;
};

}  // namespace

namespace mimicry {

Found search_orbit_gaps(const Kernels &kernels, const Search &search) {
    const Cycle &cycle = cycle_of(scalar_of(search.family).id);
    if (cycle.step.modulus) return OrbitGaps<Congruence>(kernels, search, cycle, cycle.step).run();
    return OrbitGaps<BitMatrix>(kernels, search, cycle, xorshift_step()).run();
}

}  // namespace mimicry
