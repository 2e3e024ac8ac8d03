// Route "gf2": generators whose words are affine over GF(2) in the seed, under a mapping that shows whole bits of them.
//
// Among the draws that match, some k do that are chosen beforehand (an information set): their shown bits are linear equations for the
// seed. So for every choice of k draws the solutions are listed, few each, and all draws of each are compared.
#include "routes.h"
#include "stream.h"

namespace {
using namespace mimicry;

// Equations for the seed's unknown bits: bit i of a row is the coefficient of bit i, and pivots are cleared from all other rows.
class Equations {
  public:
    u32 rank = 0;

    // False when the new equation contradicts the others.
    bool add(u64 row, bool value) {
        for (u32 i = 0; i < rank; ++i)
            if (row >> pivots[i] & 1) row ^= rows[i], value ^= values[i];
        if (row == 0) return !value;
        const u32 pivot = (u32)__builtin_ctzll(row);
        for (u32 i = 0; i < rank; ++i)
            if (rows[i] >> pivot & 1) rows[i] ^= row, values[i] ^= value;
        rows[rank] = row, values[rank] = value, pivots[rank++] = pivot;
        return true;
    }

    u64 solution() const {
        u64 x = 0;
        for (u32 i = 0; i < rank; ++i) x |= (u64)values[i] << pivots[i];
        return x;
    }

    std::vector<u64> null_space(u32 unknowns) const {
        u64 free = unknowns == 64 ? ~0ull : (1ull << unknowns) - 1;
        for (u32 i = 0; i < rank; ++i) free &= ~(1ull << pivots[i]);
        std::vector<u64> basis;
        for (; free; free &= free - 1) {
            const u32 bit = (u32)__builtin_ctzll(free);
            u64 x = 1ull << bit;
            for (u32 i = 0; i < rank; ++i) x |= (rows[i] >> bit & 1) << pivots[i];
            basis.push_back(x);
        }
        return basis;
    }

  private:
    u64 rows[64];
    bool values[64];
    u32 pivots[64];
};

// The bits of a call's first word that its draw shows, from bit `from` on: the draw's own lowest `count` ones.
struct Shown {
    u32 from, count;
};

Shown shown_by(const Call &call) {
    if (call.kind == Call::itself) return {call.shift, (u32)__builtin_popcountll(call.mask)};
    const u32 zeros = (u32)__builtin_ctzll(call.range);
    if (call.kind == Call::residue) return {call.shift, zeros};
    return {call.shift + call.bits - call.join - zeros, zeros};  // of a power of two: the top bits
}

class Gf2 {
  public:
    Gf2(const Kernels &kernels, const Search &search)
        : kernels(kernels), search(search), task(search.task), scalar(scalar_of(search.family)), shown(shown_by(task.call)),
          left(chunk), sift(kernels, search) {}

    // The range in blocks whose seeds agree above their low `unknowns` bits.
    Found run() {
        for (u64 done = 0; done < search.seed_count && !sift.halted(); done += 1ull << unknowns) {
            base = search.seed_lo + done;
            const u32 room = 63 - (u32)__builtin_clzll(search.seed_count - done);
            unknowns = base ? std::min(room, (u32)__builtin_ctzll(base)) : room;
            tabulate();
            block(done);
        }
        return sift.finish();
    }

  private:
    static constexpr u32 chunk = 1u << 20;

    void block(u64 done) {
        const u64 alignments = (u64)task.start_count * task.gap_count, parts = task.vectors * alignments;
        for (u64 part = 0; part < parts && !sift.halted(); ++part) {
            const u32 at = (u32)(part % alignments);
            if (task.usable[part / alignments] >= task.threshold[part / alignments])
                align((u32)(part / alignments), task.start_lo + at / task.gap_count, task.gap_lo + at % task.gap_count);
            sift.show_progress(done + (u64)(std::ldexp((double)(part + 1), (int)unknowns) / (double)parts));
        }
    }

    // Words of the seed `base`, and how each unknown bit changes them: [word][1 + unknowns].
    void tabulate() {
        u32 last = 0;
        for (u32 v = 0; v < task.vectors; ++v)
            if (task.usable[v]) last = std::max(last, task.index[v * task.width + task.usable[v] - 1]);
        const u32 calls = task.start_lo + task.start_count + last * (task.gap_lo + task.gap_count);
        const u32 words = calls * task.call.words, row = 1 + unknowns;
        std::vector<u64> raw(words);
        columns.resize((u64)words * row);
        for (u32 i = 0; i <= unknowns; ++i) {
            scalar.raw(i ? base ^ 1ull << (i - 1) : base, 0, words, raw.data());
            for (u32 w = 0; w < words; ++w) columns[(u64)w * row + i] = i ? raw[w] ^ columns[(u64)w * row] : raw[w];
        }
    }

    const u64 *columns_of(u32 draw) const {  // at the draw's word
        const u32 call = start + task.index[vector * task.width + draw] * (gap + 1);
        return columns.data() + (u64)call * task.call.words * (1 + unknowns);
    }

    void align(u32 vector, u32 start, u32 gap) {
        this->vector = vector, this->start = start, this->gap = gap;
        usable = task.usable[vector];
        missable = usable - task.threshold[vector];
        lanes = round_up(usable, space_lanes);
        chosen = cheapest_choice();
        set_draws();
        choose(Equations(), 0, 0);
    }

    // How many draws to choose: fewer make fewer choices, but more solutions each.
    u32 cheapest_choice() const {
        double choices = 1, least = HUGE_VAL;
        u32 best = 1;
        for (u32 k = 1; k <= usable - missable; ++k) {
            choices *= (double)(missable + k) / k;
            const double spent = choices * (100 + std::ldexp(1.0, (int)unknowns - (int)std::min(unknowns, k * shown.count)));
            if (spent < least) least = spent, best = k;
        }
        return best;
    }

    void set_draws() {
        offsets.reserve(lanes), lims.reserve(lanes), words.reserve(lanes);
        for (u32 i = 0; i < lanes; ++i) {
            const u32 draw = vector * task.width + i;
            offsets.get()[i] = (i < usable ? task.offset[draw] : 1u) + 0x80000000u;  // lanes beyond the draws never match
            lims.get()[i] = (i < usable ? task.lim[draw] : 0u) + 0x80000000u;
        }
    }

    // Take `draw` among the chosen ones, or pass over it while enough are left.
    void choose(const Equations &equations, u32 draw, u32 taken) {
        if (taken == chosen) return walk(equations);
        if (sift.halted()) return;
        Equations more = equations;
        if (equate(more, draw)) choose(more, draw + 1, taken + 1);
        if (draw - taken < missable) choose(equations, draw + 1, taken);
    }

    bool equate(Equations &equations, u32 draw) const {
        const u64 *column = columns_of(draw);
        const u32 value = task.value[vector * task.width + draw];
        for (u32 bit = 0; bit < shown.count; ++bit) {
            u64 row = 0;
            for (u32 i = 0; i < unknowns; ++i) row |= (column[1 + i] >> (shown.from + bit) & 1) << i;
            if (!equations.add(row, ((column[0] >> (shown.from + bit)) ^ (value >> bit)) & 1)) return false;
        }
        return true;
    }

    void walk(const Equations &equations) {
        const u64 origin = equations.solution();
        const std::vector<u64> space = equations.null_space(unknowns);
        const u32 dimensions = (u32)space.size();
        basis.reserve((u64)(dimensions + 1) * lanes);
        for (u32 i = 0; i < dimensions; ++i) set_words(space[i], false, basis.get() + i * lanes);
        std::fill_n(basis.get() + dimensions * lanes, lanes, 0);
        set_words(origin, true, words.get());
        const SpaceWalk steps = {task.filter, lanes, dimensions, usable - missable, words.get(), basis.get(), offsets.get(), lims.get()};
        const u64 all = 1ull << dimensions;
        for (u64 from = 0; from < all && !sift.halted(); from += chunk) {
            const u32 n = kernels.routes.affine_space(steps, from, std::min<u64>(all, from + chunk), left.data());
            for (u32 i = 0; i < n; ++i) sift.judge(vector, base ^ origin ^ sum_of(space, gray(from + left[i])), start, gap);
        }
    }

    static u64 gray(u64 step) { return step ^ step >> 1; }

    static u64 sum_of(const std::vector<u64> &space, u64 chosen) {
        u64 sum = 0;
        for (; chosen; chosen &= chosen - 1) sum ^= space[__builtin_ctzll(chosen)];
        return sum;
    }

    // The filter's words at all draws, of a seed or of a difference of seeds.
    void set_words(u64 bits, bool seed, u32 *to) const {
        std::fill_n(to, lanes, 0);
        for (u32 draw = 0; draw < usable; ++draw) {
            const u64 *column = columns_of(draw);
            u64 word = seed ? column[0] : 0;
            for (u64 rest = bits; rest; rest &= rest - 1) word ^= column[1 + __builtin_ctzll(rest)];
            to[draw] = (u32)(word >> task.filter.at);
        }
    }

    const Kernels &kernels;
    const Search &search;
    const Task &task;
    const Scalar &scalar;
    const Shown shown;
    u32 unknowns = 0;
    u64 base = 0;
    std::vector<u64> columns;
    std::vector<u32> left;
    Sift sift;
    u32 vector = 0, start = 0, gap = 0, usable = 0, missable = 0, chosen = 0, lanes = 0;
    Buffer offsets, lims, words, basis;
};

}  // namespace

namespace mimicry {

Found search_gf2(const Kernels &kernels, const Search &search) { return Gf2(kernels, search).run(); }

}  // namespace mimicry
