// The first stage of the sieve: all alignments of the vectors against rows of filter words, in one of two ways.
//
// Counted: wherever an alignment looks at a draw, a byte for every lane marks the vectors that may match there, eight of them at once;
// the marks are summed up alignment by alignment. Single: where matches are so rare that one of the first missable + 1 draws is worth
// a look of its own, only those are looked for, and the alignments of a match are counted one by one.
#pragma once
#include "host.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mimicry {

inline u32 missable(const Task &task, u32 vector) { return task.usable[vector] - task.threshold[vector]; }
inline bool reachable(const Task &task, u32 vector) { return task.usable[vector] >= task.threshold[vector]; }

// Add a draw of one more vector to a target.
inline void add_interval(Target &target, u32 offset, u32 lim) {
    const u32 slot = target.vectors++, cells = 1u << 12, first = (0u - offset) >> 20;
    const u32 last = (u32)(((u64)((0u - offset) & 0xfffffu) + lim) >> 20);
    target.offset[slot] = offset;
    target.lim[slot] = lim;
    for (u32 i = 0; i <= std::min(last, cells - 1); ++i) {
        const u32 cell = (first + i) % cells;
        target.of_nibble[0][cell >> 8] |= (unsigned char)(1u << slot);
        target.of_nibble[1][cell >> 4 & 15] |= (unsigned char)(1u << slot);
        target.of_nibble[2][cell & 15] |= (unsigned char)(1u << slot);
    }
}

// Up to eight vectors whose draws lie at the same places, for the first draws of each.
struct Octet {
    std::vector<u32> vectors;
    u32 missable;
    u64 range;                    // of the call's values
    std::vector<Target> targets;  // of each draw

    // The mean chance that a word matches a draw of one vector; words of fewer than 32 bits do not fill the intervals.
    double chance() const {
        double sum = 0;
        for (const Target &target : targets)
            for (u32 v = 0; v < target.vectors; ++v) sum += (target.lim[v] + 1.0) / (1ull << 32);
        return std::max(sum / (double)(targets.size() * vectors.size()), 1.0 / (double)range);
    }

    // Nibbles tell intervals of many words badly: three in two words that they let pass may not lie there.
    bool by_nibbles() const { return chance() < 0.02; }
};

// The vectors that can reach their thresholds, eight at a time, with the targets of their first `length[vector]` draws.
inline std::vector<Octet> octets_of(const Task &task, const u32 *length) {
    std::vector<Octet> octets;
    for (u32 vector = 0; vector < task.vectors; ++vector) {
        if (!reachable(task, vector)) continue;
        const u64 row = (u64)vector * task.width;
        const auto joins = [&](const Octet &octet) {
            const u32 other = octet.vectors[0], *index = task.index + (u64)other * task.width;
            return octet.vectors.size() < mark_bits && octet.missable == missable(task, vector) && task.depth[other] == task.depth[vector] &&
                   length[other] == length[vector] && std::equal(index, index + length[vector], task.index + row);
        };
        auto octet = std::find_if(octets.begin(), octets.end(), joins);
        if (octet == octets.end()) octet = octets.insert(octet, {{}, missable(task, vector), task.call.range, std::vector<Target>(length[vector])});
        octet->vectors.push_back(vector);
        for (u32 i = 0; i < length[vector]; ++i) add_interval(octet->targets[i], task.offset[row + i], task.lim[row + i]);
    }
    return octets;
}

// Where the alignments of eight vectors look at their draws.
struct FirstStage : Octet {
    std::vector<Place> places;  // by row
    std::vector<u32> index;     // [alignment][depth]: places

    u32 depth() const { return (u32)targets.size(); }
    u32 alignments() const { return (u32)index.size() / depth(); }
    const u32 *alignment(u32 number) const { return index.data() + (u64)number * depth(); }
    u32 needed() const { return depth() - missable; }

    // Whether single matches cost less. Orders of magnitude decide, so the weights are rough: vector operations for eight lanes.
    bool single() const {
        if (missable >= depth()) return false;
        const double p = chance(), slots = (double)vectors.size(), alignments = (double)this->alignments();
        const double seen = by_nibbles() ? 1.6 * p + 1.0 / 4096 : p;
        const double looked_for = alignments * (missable + 1) * p * slots * 8 * (depth() == 1 ? 60 : needed() == 1 ? 150 : 250);
        const double pairs = std::min<double>((double)places.size(), alignments * (missable + 1)) * slots;
        double passed = 1;
        for (u32 i = 0; i < needed(); ++i) passed *= seen * (depth() - i) / (i + 1);
        const double marks = (double)places.size() * (by_nibbles() ? 1.5 : 2 * slots);
        const double counted = (double)index.size() * (1 + 0.5 * std::log2(needed())) + alignments * std::min(1.0, passed) * slots * 8 * 330;
        return 3 * pairs / slots + pairs + looked_for < 5 * pairs / slots + marks + counted;
    }

    // Whether an alignment of the vector in slot `slot`, whose draw `found` matches, misses few enough of its draws. Where an earlier
    // one matches too, it has told.
    bool reached(u32 number, u32 slot, u32 found, const u32 *q, u32 lanes, u32 lane) const {
        u32 missed = 0;
        for (u32 i = 0; i < depth() && missed <= missable; ++i) {
            const u64 row = places[alignment(number)[i]].row;
            const bool match = q[row * lanes + lane] + targets[i].offset[slot] <= targets[i].lim[slot];
            if (match && i < found) return false;
            missed += !match;
        }
        return missed <= missable;
    }
};

// The first draws of the stages that look for single matches, by row, with the alignments that each of them belongs to.
class Singles {
  public:
    void add(u32 number, const FirstStage &stage) {
        std::vector<u32> end_of(stage.places.size() + 1, 0);
        const auto each_first = [&](auto use) {
            for (u32 a = 0; a < stage.alignments(); ++a)
                for (u32 draw = 0; draw <= stage.missable; ++draw) use(a, stage.alignment(a)[draw]);
        };
        each_first([&](u32, u32 place) { ++end_of[place + 1]; });
        end_of[0] = (u32)members.size();
        for (size_t i = 1; i < end_of.size(); ++i) end_of[i] += end_of[i - 1];
        members.resize(end_of.back());
        for (u32 place = 0; place < stage.places.size(); ++place)
            for (u32 slot = 0; slot < stage.vectors.size() && end_of[place] < end_of[place + 1]; ++slot) {
                const auto [row, draw] = stage.places[place];
                probes.push_back({{row, stage.targets[draw].offset[slot], stage.targets[draw].lim[slot]}, number, slot, draw,
                                  end_of[place], end_of[place + 1]});
            }
        std::vector<u32> next(end_of.begin(), end_of.end());
        each_first([&](u32 a, u32 place) { members[next[place]++] = a; });
    }

    void settle(u32 lanes) {
        std::stable_sort(probes.begin(), probes.end(), [](const Probe &a, const Probe &b) { return a.pair.row < b.pair.row; });
        for (u32 i = 0; i < probes.size(); ++i) {
            if (i == 0 || probes[i].pair.row != probes[i - 1].pair.row) rows.push_back(i);
            pairs.push_back(probes[i].pair);
        }
        rows.push_back((u32)probes.size());
        at_once = std::max<u32>(1, most_near / lanes);
        near.resize((u64)std::min<u64>(at_once, rows.size()) * lanes);
        first_of.resize(probes.empty() ? 0 : pairs.back().row + 1);
        for (u32 i = 0; i + 1 < rows.size(); ++i) first_of[pairs[rows[i]].row] = i;
    }

    // Call use(probe's stage, slot, draw, alignment, lane) for every alignment of every match in the first `n` lanes.
    template <class Use> void each(const Kernels &kernels, const u32 *q, u32 lanes, u32 n, Use use) {
        for (u32 from = 0; from + 1 < rows.size(); from += at_once) {
            const u32 begin = rows[from], end = rows[std::min<size_t>(from + at_once, rows.size() - 1)];
            const u32 found = kernels.near(q, lanes, pairs.data() + begin, end - begin, near.data());
            for (u32 i = 0; i < found; ++i)
                if (near[i].lane < n) match(q[(u64)near[i].row * lanes + near[i].lane], near[i], use);
        }
    }

  private:
    static constexpr u32 most_near = 1 << 16;  // that a pass has room for: every row could match in every lane

    struct Probe {
        Pair pair;
        u32 stage, slot, draw, begin, end;  // its alignments: members[begin] up to members[end]
    };

    template <class Use> void match(u32 word, const Near &at, Use use) const {
        const u32 row = first_of[at.row];
        for (u32 i = rows[row]; i < rows[row + 1]; ++i) {
            const Probe &probe = probes[i];
            if (word + probe.pair.offset > probe.pair.lim) continue;
            for (u32 member = probe.begin; member < probe.end; ++member) use(probe.stage, probe.slot, probe.draw, members[member], at.lane);
        }
    }

    std::vector<Probe> probes;
    std::vector<u32> members, rows, first_of;  // rows: the first probe of each, and the end; first_of: the place there of a row of words
    std::vector<Pair> pairs;
    std::vector<Near> near;
    u32 at_once = 1;
};

}  // namespace mimicry
