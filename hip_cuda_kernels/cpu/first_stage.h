// The first stage of the sieve: all alignments of the vectors against rows of filter words, in one of two ways.
//
// Where matches are common, every comparison is made and summed up alignment by alignment. Where they are rare, only the first
// missable + 1 draws are looked for, one of which every hit matches; the alignments of a match are then counted one by one.
#pragma once
#include "host.h"

#include <algorithm>
#include <utility>

namespace mimicry {

// Which rows one vector's draws are compared at, and which comparisons make up each alignment.
struct FirstStage {
    u32 vector, depth, missable;
    std::vector<Pair> pairs;  // the first draw's, then the second's, ...
    std::vector<u32> index;   // [alignment][depth]: places in pairs

    u32 alignments() const { return (u32)index.size() / depth; }
    const u32 *alignment(u32 number) const { return index.data() + (u64)number * depth; }

    // Whether counting from single matches costs less. Orders of magnitude decide, so the weight is rough: a look at one word for one
    // alignment costs 50 times what it costs when whole vectors are summed up. A residue matches by chance once in M words; its
    // interval does not tell that where words have other than 32 bits.
    bool rare(const Call &call) const {
        if (missable >= depth) return false;
        const bool residue = call.kind == Call::residue;
        double counted = 0;
        for (u32 a = 0; a < alignments(); ++a)
            for (u32 i = 0; i <= missable; ++i)
                counted += residue ? 1.0 / call.range : (pairs[alignment(a)[i]].lim + 1.0) / (1ull << 32);
        return 50 * counted * (missable + 2) < (double)index.size();
    }

    // Whether an alignment whose draw `found` matches misses few enough of its draws. Where an earlier one matches too, it has told.
    bool reached(u32 number, u32 found, const u32 *q, u32 lanes, u32 lane) const {
        u32 missed = 0;
        for (u32 i = 0; i < depth && missed <= missable; ++i) {
            const Pair &pair = pairs[alignment(number)[i]];
            const bool match = q[(u64)pair.row * lanes + lane] + pair.offset <= pair.lim;
            if (match && i < found) return false;
            missed += !match;
        }
        return missed <= missable;
    }
};

// The pairs of all rare stages' first draws by row, and the alignments that each of them belongs to.
class RareMatches {
  public:
    void add(u32 stage, const FirstStage &of) {
        std::vector<u32> probe_of(of.pairs.size(), unlimited);
        const auto each_first = [&](auto use) {
            for (u32 a = 0; a < of.alignments(); ++a)
                for (u32 draw = 0; draw <= of.missable; ++draw) use(a, draw, of.alignment(a)[draw]);
        };
        const u32 before = (u32)probes.size();
        each_first([&](u32, u32 draw, u32 pair) {
            if (probe_of[pair] == unlimited) {
                probe_of[pair] = (u32)probes.size();
                probes.push_back({of.pairs[pair], stage, draw, 0, 0});
            }
            ++probes[probe_of[pair]].end;
        });
        u32 end = (u32)members.size();
        for (u32 i = before; i < probes.size(); ++i) {
            probes[i].begin = end;
            end += std::exchange(probes[i].end, end);
        }
        members.resize(end);
        each_first([&](u32 a, u32, u32 pair) { members[probes[probe_of[pair]].end++] = a; });
    }

    void settle(u32 lanes) {
        std::stable_sort(probes.begin(), probes.end(), [](const Probe &a, const Probe &b) { return a.pair.row < b.pair.row; });
        for (const Probe &probe : probes) pairs.push_back(probe.pair);
        at_once = std::min<u64>(pairs.size(), std::max(1u, most_matches / lanes));
        matches.resize((u64)at_once * lanes);
    }

    // Call use(stage, draw, alignment, lane) for every alignment of every match in the first `n` lanes.
    template <class Use> void each(const Kernels &kernels, const u32 *q, u32 lanes, u32 n, Use use) {
        for (u32 from = 0; from < pairs.size(); from += at_once) {
            const u32 count = std::min<u32>(at_once, (u32)pairs.size() - from);
            const u32 found = kernels.matches(q, lanes, pairs.data() + from, count, matches.data());
            for (u32 i = 0; i < found; ++i) {
                const Probe &probe = probes[from + matches[i].pair];
                if (matches[i].lane < n)
                    for (u32 at = probe.begin; at < probe.end; ++at) use(probe.stage, probe.draw, members[at], matches[i].lane);
            }
        }
    }

  private:
    static constexpr u32 most_matches = 1 << 16;  // that a pass has room for: every pair could match in every lane

    struct Probe {
        Pair pair;
        u32 stage, draw, begin, end;  // its alignments: members[begin] up to members[end]
    };
    std::vector<Probe> probes;
    std::vector<u32> members;
    std::vector<Pair> pairs;
    std::vector<Match> matches;
    u32 at_once = 0;
};

}  // namespace mimicry
