// Route "low_bits": 48-bit congruential generators whose draws show low bits of the state (residues modulo an even number).
//
// The low t bits of the state run through a generator of their own modulo 2^t. So the low seeds are tried first, against the bits
// that every draw shows, and only those that reproduce enough of them are joined with all high seeds: 2^20 + 2^28 steps, not 2^48.
#include "first_draws.h"
#include "lcg_jump.h"

#include <cstring>
#include <stdexcept>

namespace {
using namespace mimicry;

const LcgStep step48 = {0x5deece66dull, 11};
const u64 mask48 = (1ull << 48) - 1;
const u32 most_shown = 5;  // bits of a draw that are used: more make low seeds many without sparing high ones

// The state is seed << shift ^ flip; a word is its top 32 bits or all 48.
struct Seeding {
    const char *family;
    u32 seed_bits, shift;
    u64 flip;
};
const Seeding seedings[] = {
    {"lcg48/java", 48, 0, 0x5deece66dull},
    {"lcg48/drand48", 32, 16, 0x330eull},
};

const Seeding &seeding_of(const char *family) {
    for (const Seeding &seeding : seedings)
        if (std::strcmp(seeding.family, family) == 0) return seeding;
    throw std::invalid_argument(std::string("family ") + family + " is no 48-bit congruential generator");
}

class LowBits {
  public:
    LowBits(const Kernels &kernels, const Search &search)
        : kernels(kernels), search(search), task(search.task), seeding(seeding_of(scalar_of(search.family).id)),
          from(48 - std::min(scalar_of(search.family).word_bits, 48u) + task.call.shift),
          shown(std::min((u32)__builtin_ctzll(task.call.range), most_shown)), low_bits(from + shown),
          low_seeds(1u << (low_bits - seeding.shift)), high_flip((u32)(seeding.flip >> low_bits)),
          rejecting(can_reject(task.call)), left(chunk + scan_room),
          low_left(std::min(chunk, low_seeds) + scan_room), sift(kernels, search) {}

    Found run() {
        const u32 alignments = task.start_count * task.gap_count;
        parts = (u64)task.vectors * alignments;
        for (part = 0; part < parts && !sift.halted(); ++part) {
            const u32 vector = (u32)(part / alignments), at = (u32)(part % alignments);
            if (task.usable[vector] >= task.threshold[vector])
                align(vector, task.start_lo + at / task.gap_count, task.gap_lo + at % task.gap_count);
        }
        return sift.finish();
    }

  private:
    static constexpr u32 chunk = 1u << 20;

    struct Place {  // how to reach the state of a draw's word from the seeded one, and the draw
        LcgStep jump;
        u32 offset, lim;
    };

    void align(u32 vector, u32 start, u32 gap) {
        this->vector = vector, this->start = start, this->gap = gap;
        usable = task.usable[vector];
        missable = usable - task.threshold[vector];
        const u32 last = start + task.index[vector * task.width + usable - 1] * (gap + 1);
        patterns = rejecting ? last + 2 : 1;
        pattern = 0;
        place_draws(unlimited);
        each_low_seed([&](u32 low) { join_all(low); });
        // One word may have been rejected: the calls from there on are a word later. Hardly any high seed rejects a given word.
        for (pattern = 1; pattern < patterns && !sift.halted(); ++pattern) {
            place_draws(pattern - 1);
            const LcgStep jump = lcg_jump(step48, pattern);
            each_low_seed([&](u32 low) { join_rejecting(low, jump); });
        }
    }

    void place_draws(u32 rejected) {
        places.clear(), multipliers.clear(), increments.clear();
        for (u32 i = vector * task.width; i < vector * task.width + usable; ++i) {
            const u32 call = start + task.index[i] * (gap + 1);
            const LcgStep jump = lcg_jump(step48, call + (call >= rejected) + 1);
            places.push_back({jump, task.offset[i], task.lim[i]});
            multipliers.push_back((u32)jump.multiplier);
            increments.push_back((u32)jump.increment - (task.value[i] << from));
        }
    }

    u64 low_state(u32 low) const { return (((u64)low << seeding.shift) ^ seeding.flip) & ((1ull << low_bits) - 1); }

    // The low seeds that reproduce the shown bits of enough draws.
    template <class Use> void each_low_seed(Use use) {
        const u32 field = ((1u << shown) - 1) << from;
        const ShownBits bits = {seeding.shift, (u32)seeding.flip, field, usable, missable, multipliers.data(), increments.data()};
        for (u32 low = 0; low < low_seeds && !sift.halted(); low += chunk) {
            const u32 n = kernels.routes.low_states(bits, low, std::min(chunk, low_seeds - low), low_left.data());
            for (u32 i = 0; i < n && !sift.halted(); ++i) {
                use(low_left[i]);
                show(low_left[i]);
            }
        }
    }

    void show(u32 low) const {
        const double done = ((double)part + (pattern + (double)low / low_seeds) / patterns) / (double)parts;
        sift.show_progress((u64)(done * (double)search.seed_count));
    }

    u64 seed_of(u32 high, u32 low) const { return (u64)(high ^ high_flip) << (low_bits - seeding.shift) | low; }

    // All seeds of the range that end in `low`, high half by high half: aligned blocks stay blocks when bits are flipped.
    void join_all(u32 low) {
        words.clear();
        for (const Place &place : places) words.push_back(word_of(place, low));
        const u32 shift = low_bits - seeding.shift;
        const u64 last = (search.seed_lo + search.seed_count - 1) >> shift;
        for (u64 high = search.seed_lo >> shift; high <= last && !sift.halted();) {
            u64 block = high ? std::min<u64>(chunk, high & (0 - high)) : chunk;
            while (block > last - high + 1) block /= 2;
            join(low, (u32)(high ^ high_flip) & ~(u32)(block - 1), (u32)block);
            high += block;
        }
    }

    Progression word_of(const Place &place, u32 low) const {
        const u64 state = place.jump.multiplier * low_state(low) + place.jump.increment;
        return {(u32)((state & mask48) >> 16), (u32)(place.jump.multiplier << (low_bits - 16)), place.offset, place.lim};
    }

    void join(u32 low, u32 first, u32 count) {
        const u32 n = kernels.routes.progressions(words.data(), missable + 1, task.filter, first, count, left.data());
        for (u32 i = 0; i < n; ++i)
            if (passes(left[i])) sift.judge(vector, seed_of(left[i], low), start, gap);
    }

    bool passes(u32 high) const {
        u32 missed = 0;
        for (u32 i = 0; i < usable && missed <= missable; ++i)
            missed += filtered(words[i].first + high * words[i].step, task.filter) + words[i].offset > words[i].lim;
        return missed <= missable;
    }

    // The seeds that end in `low` and have a word beyond the last accepted one after `jump`: the few such words lead back to their high seeds.
    void join_rejecting(u32 low, LcgStep jump) {
        const u32 fixed = low_bits - 16, first = (u32)(((jump.multiplier * low_state(low) + jump.increment) & mask48) >> 16);
        const u32 inverse = (u32)odd_inverse(jump.multiplier), highs = ~0u >> fixed;
        for (u64 word = ((u64)last_accepted(task.call) + 1) >> fixed << fixed | (first & ~(~0u << fixed)); word >> 32 == 0; word += 1u << fixed)
            sift.judge(vector, seed_of((((u32)word - first) >> fixed) * inverse & highs, low), start, gap);
    }

    const Kernels &kernels;
    const Search &search;
    const Task &task;
    const Seeding &seeding;
    const u32 from, shown, low_bits, low_seeds, high_flip;  // a draw shows state bits from .. from + shown - 1
    const bool rejecting;
    std::vector<u32> left, low_left;
    Sift sift;
    u64 part = 0, parts = 1;
    u32 pattern = 0, patterns = 1;  // of rejections, in one part
    u32 vector = 0, start = 0, gap = 0, usable = 0, missable = 0;
    std::vector<Place> places;
    std::vector<Progression> words;
    std::vector<u32> multipliers, increments;
};

}  // namespace

namespace mimicry {

Found search_low_bits(const Kernels &kernels, const Search &search) { return LowBits(kernels, search).run(); }

}  // namespace mimicry
