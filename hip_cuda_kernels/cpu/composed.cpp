// The interpreter of composed draws and its searches: every seed's draws are made once, as far as some alignment still needs them.
#include "composed.h"
#include "judge.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>
#include <tuple>

namespace {
using namespace mimicry;

// A generator played from a recording of raw words, so that one reader serves all families.
struct Recorded {
    enum : u32 { word_bits = 64 };
    const Scalar *scalar = nullptr;
    u64 start = 0, at = 0, filled = 0, typical = 32;  // typical: words that a seed takes, so that it is seeded once as a rule
    std::vector<u64> words;

    void seed(u32 low, u32 high) {
        typical = std::max({at, typical - typical / 8, (u64)32});
        start = (u64)high << 32 | low;
        at = filled = 0;
    }
    void skip(u32 count) { at += count; }
    u64 next_wide() {
        if (at >= filled) record();
        return words[at++];
    }

  private:
    void record() {  // twice as far as before, so that seeding anew costs a constant share
        const u64 more = std::max({filled, at + 1 - filled, filled ? 0 : typical});
        if (words.size() < filled + more) words.resize(filled + more);
        scalar->raw(start, filled, more, words.data() + filled);
        filled += more;
    }
};

double evaluate(const std::vector<Instruction> &program, double u, double x) {
    double stack[64], *top = stack;
    for (const Instruction &step : program) {
        switch (step.operation) {
            case Operation::constant: *top++ = step.constant; continue;
            case Operation::double_u: *top++ = u; continue;
            case Operation::word_x: *top++ = x; continue;
            default: break;
        }
        double &a = top[-1];
        switch (step.operation) {
            case Operation::negate: a = -a; continue;
            case Operation::floor: a = std::floor(a); continue;
            case Operation::ceil: a = std::ceil(a); continue;
            case Operation::round: a = std::round(a); continue;
            case Operation::trunc: a = std::trunc(a); continue;
            case Operation::abs: a = std::fabs(a); continue;
            case Operation::sqrt: a = std::sqrt(a); continue;
            case Operation::log: a = std::log(a); continue;
            case Operation::exp: a = std::exp(a); continue;
            case Operation::sin: a = std::sin(a); continue;
            case Operation::cos: a = std::cos(a); continue;
            default: break;
        }
        const double b = *--top;
        double &left = top[-1];
        switch (step.operation) {
            case Operation::add: left = left + b; break;
            case Operation::subtract: left = left - b; break;
            case Operation::multiply: left = left * b; break;
            case Operation::divide: left = left / b; break;
            case Operation::floor_divide: left = std::floor(left / b); break;
            case Operation::modulo: left = left - b * std::floor(left / b); break;
            case Operation::power: left = std::pow(left, b); break;
            case Operation::min: left = std::min(left, b); break;
            case Operation::max: left = std::max(left, b); break;
            default: break;
        }
    }
    return stack[0];
}

// The draws of one seed after another, made in order.
class Draws {
  public:
    Draws(const Scalar &scalar, const Recipe &recipe) : recipe(recipe), step(recipe.steps[0]), reader(step, 0) {
        reader.g.scalar = &scalar;
        if (recipe.law != Recipe::digits && recipe.law != Recipe::formula) numbers.resize(recipe.size);
        std::iota(numbers.begin(), numbers.end(), 0u);
    }

    void begin(u64 seed) {
        reader.g.seed((u32)seed, (u32)(seed >> 32));
        reader.holds = false;
        made.clear();
    }

    u64 at(u64 call) {
        while (made.size() <= call) made.push_back(next());
        return made[call];
    }

    u64 next() {
        switch (recipe.law) {
            case Recipe::digits: return digits();
            case Recipe::formula: return formula();
            default: sample(); return recipe.sorted ? rank_sorted() : rank_ordered();
        }
    }

  private:
    u64 inner(u64 i) {
        if (i != at_step) step = recipe.steps[at_step = i];
        const u64 drawn = reader.draw();
        return drawn < step.range + step.rounds ? drawn : 0;  // a stuck generator, or a double of 1
    }

    u64 digits() {
        u64 value = 0;
        for (u64 i = 0; i < recipe.count; ++i) value = value * recipe.size + inner(0);
        return value;
    }

    u64 formula() {
        const u64 x = reader.accepted();
        u64 y = x >> step.shift & step.mask;
        if (step.words == 2) y = (y << step.join) + (reader.word() >> step.second_shift);
        const double result = std::floor(evaluate(recipe.program, (double)y / step.unit, (double)x));
        const double most = 4611686018427387904.0;  // 2^62; beyond it, and for no number, the draw matches nothing
        return std::fabs(result) < most ? (u64)((long long)result - recipe.lo) : 1ull << 63;
    }

    void sample() {
        const u64 k = recipe.count, n = recipe.size;
        order = numbers;
        chosen.clear();
        switch (recipe.law) {
            case Recipe::pool:
                for (u64 i = 0; i < k; ++i) {
                    u32 &taken = order[inner(i)];
                    chosen.push_back(taken);
                    taken = order[n - 1 - i];
                }
                break;
            case Recipe::forward:
                for (u64 i = 0; i < k; ++i) std::swap(order[i], order[i + inner(i)]);
                break;
            case Recipe::shuffle:
                for (u64 i = n - 1, call = 0; i; --i, ++call) std::swap(order[i], order[inner(call)]);
                break;
            case Recipe::inside_out:
                for (u64 i = 1; i < n; ++i) {
                    const u64 j = inner(i - 1);
                    order[i] = order[j];
                    order[j] = (u32)i;
                }
                break;
            case Recipe::reject:
                for (u32 tries = 0; chosen.size() < k && tries < patience * n; ++tries) {
                    const u32 one = (u32)inner(0);
                    if (std::find(chosen.begin(), chosen.end(), one) == chosen.end()) chosen.push_back(one);
                }
                break;
            case Recipe::select:
                for (u64 i = 0; i < n && chosen.size() < k; ++i)
                    if (inner(i) < k - chosen.size()) chosen.push_back((u32)i);
                break;
        }
        for (u64 i = 0; chosen.size() < k; ++i) chosen.push_back(order[i]);
    }

    u64 rank_ordered() const {
        u64 rank = 0;
        for (u64 i = 0; i < recipe.count; ++i) {
            u64 place = chosen[i];
            for (u64 j = 0; j < i; ++j) place -= chosen[j] < chosen[i];
            rank = rank * (recipe.size - i) + place;
        }
        return rank;
    }

    u64 rank_sorted() {
        std::sort(chosen.begin(), chosen.end());
        u64 rank = 0;
        for (u64 i = 0; i < recipe.count; ++i) rank += recipe.binomials[i * recipe.size + chosen[i]];
        return rank;
    }

    const Recipe &recipe;
    Call step;  // the inner call that the reader follows
    u64 at_step = 0;
    Reader<Recorded> reader;
    std::vector<u32> numbers, order, chosen;
    std::vector<u64> made;
};

// The matches of one alignment, or 0 once the threshold is out of reach.
u32 count(const ComposedTask &task, Draws &draws, u32 vector, u32 start, u32 gap) {
    const u32 usable = task.usable[vector], threshold = task.threshold[vector];
    const u64 row = (u64)vector * task.width;
    u32 matched = 0;
    for (u32 i = 0; i < usable; ++i) {
        if (matched + (usable - i) < threshold) return 0;
        matched += draws.at(start + (u64)task.index[row + i] * (gap + 1)) == task.value[row + i];
    }
    return matched;
}

// Counts what the filters on inner calls propose; proposals for one seed mostly follow each other.
class Jury : public Judge {
  public:
    Jury(const Scalar &scalar, const Recipe &recipe, const ComposedTask &task, const Pinned &pinned)
        : task(task), pinned(pinned), draws(scalar, recipe) {}

    bool is_hit(u32 row, u64 seed, u32 start, u32, Hit &hit) override {
        if (start % pinned.calls) return false;  // between two draws
        if (made_of != seed) draws.begin(*(made_of = seed));
        const u32 vector = pinned.vector[row], matched = count(task, draws, vector, start / pinned.calls, pinned.gap[row]);
        if (matched < task.threshold[vector]) return false;
        hit = {(unsigned short)vector, (unsigned short)matched, start / pinned.calls, pinned.gap[row], 0, seed};
        return true;
    }

  private:
    const ComposedTask &task;
    const Pinned &pinned;
    Draws draws;
    std::optional<u64> made_of;
};

// The draws of the vectors of which an alignment that reaches its threshold matches at least one: the first usable - threshold + 1.
class Wanted {
  public:
    explicit Wanted(const ComposedTask &task) : task(task), first(task.vectors) {
        for (u32 v = 0; v < task.vectors; ++v) {
            first[v] = task.usable[v] >= task.threshold[v] ? std::min(task.usable[v], task.usable[v] - task.threshold[v] + 1) : 0;
            for (u32 i = 0; i < first[v]; ++i) {
                const u64 place = place_of(value(v, i));
                bits[place / 64] |= 1ull << place % 64;
                calls = std::max(calls, task.start_hi + (u64)index(v, i) * (task.gap_hi + 1) + 1);
            }
        }
    }

    bool may_hold(u64 drawn) const {
        const u64 place = place_of(drawn);
        return bits[place / 64] >> place % 64 & 1;
    }

    u32 index(u32 v, u32 i) const { return task.index[(u64)v * task.width + i]; }
    u64 value(u32 v, u32 i) const { return task.value[(u64)v * task.width + i]; }

    const ComposedTask &task;
    std::vector<u32> first;
    u64 calls = 0;  // of a seed, in which they may lie

  private:
    static u64 place_of(u64 drawn) { return drawn * 0x9E3779B97F4A7C15ull >> 50; }  // 2^64 / the golden ratio spreads neighbours

    u64 bits[(1 << 14) / 64] = {};
};

class ComposedSearch {
  public:
    ComposedSearch(const Scalar &scalar, const Recipe &recipe, const ComposedTask &task)
        : task(task), wanted(task), draws(scalar, recipe) {}

    Found run() {
        while (found.seeds_done < task.seed_count && !found.overflow) {
            if (found.seeds_done % 256 == 0 && halted()) break;
            seed(task.seed_lo + found.seeds_done);
            ++found.seeds_done;
        }
        if (task.progress) __atomic_store_n(task.progress, found.seeds_done, __ATOMIC_RELAXED);
        return std::move(found);
    }

  private:
    static constexpr u64 rare = 8;  // of so many draws at most one may be wanted, or every alignment is counted

    void seed(u64 seed) {
        draws.begin(seed);
        met.clear();
        for (u64 call = 0; call < wanted.calls; ++call)
            if (wanted.may_hold(draws.at(call))) met.push_back((u32)call);
        hits.clear();
        if (met.size() * rare > wanted.calls)
            every_alignment(seed);
        else
            alignments_through_met(seed);
        for (const Hit &hit : hits)
            if (found.hits.size() < task.max_hits)
                found.hits.push_back(hit);
            else
                found.overflow = true;
    }

    void every_alignment(u64 seed) {
        for (u32 start = task.start_lo; start <= task.start_hi; ++start)
            for (u32 gap = task.gap_lo; gap <= task.gap_hi; ++gap)
                for (u32 v = 0; v < task.vectors; ++v) weigh(seed, v, start, gap);
    }

    void alignments_through_met(u64 seed) {
        for (const u32 call : met)
            for (u32 v = 0; v < task.vectors; ++v)
                for (u32 i = 0; i < wanted.first[v]; ++i)
                    if (draws.at(call) == wanted.value(v, i)) alignments_through(seed, v, i, call);
        std::sort(hits.begin(), hits.end(), [](const Hit &a, const Hit &b) {
            return std::tie(a.start, a.gap, a.vector) < std::tie(b.start, b.gap, b.vector);
        });
    }

    // Weigh the alignments that put draw i at a call and match none before it, so that each is weighed once.
    void alignments_through(u64 seed, u32 v, u32 i, u32 call) {
        for (u64 gap = task.gap_lo; gap <= task.gap_hi; ++gap) {
            const u64 before = wanted.index(v, i) * (gap + 1);
            if (before > call || call - before < task.start_lo) break;
            const u64 start = call - before;
            if (start > task.start_hi) continue;
            bool is_first = true;
            for (u32 j = 0; j < i && is_first; ++j) is_first = draws.at(start + wanted.index(v, j) * (gap + 1)) != wanted.value(v, j);
            if (is_first) weigh(seed, v, (u32)start, (u32)gap);
        }
    }

    void weigh(u64 seed, u32 v, u32 start, u32 gap) {
        const u32 matched = count(task, draws, v, start, gap);
        if (matched >= task.threshold[v]) hits.push_back({(unsigned short)v, (unsigned short)matched, start, gap, 0, seed});
    }

    bool halted() {
        if (task.progress) __atomic_store_n(task.progress, found.seeds_done, __ATOMIC_RELAXED);
        found.stopped = task.stop && __atomic_load_n(task.stop, __ATOMIC_RELAXED) != task.stop_generation;
        return found.stopped;
    }

    const ComposedTask &task;
    const Wanted wanted;
    Draws draws;
    std::vector<u32> met;  // calls whose draw some vector may want
    std::vector<Hit> hits;  // of one seed, by start, gap and vector
    Found found;
};

}  // namespace

namespace mimicry {

Recipe unpack_recipe(const u64 *numbers, double unit) {
    Recipe recipe{numbers[0], numbers[1], numbers[2], numbers[3], (long long)numbers[4], {}, {}, {}};
    const u64 *steps = numbers + 8, *program = steps + numbers[5] * call_numbers, *binomials = program + numbers[6] * 2;
    for (; steps != program; steps += call_numbers) recipe.steps.push_back(unpack_call(steps, unit));
    for (; program != binomials; program += 2) {
        double constant;
        std::memcpy(&constant, program + 1, sizeof constant);
        recipe.program.push_back({(Operation)program[0], constant});
    }
    recipe.binomials.assign(binomials, binomials + numbers[7]);
    return recipe;
}

std::vector<u64> composed_values(const Scalar &scalar, const Recipe &recipe, u64 seed, u64 start, u64 gap, u64 count) {
    Draws draws(scalar, recipe);
    draws.begin(seed);
    std::vector<u64> values;
    for (; start; --start) draws.next();
    for (u64 i = 0; i < count; ++i) {
        for (u64 skipped = 0; i && skipped < gap; ++skipped) draws.next();
        values.push_back(draws.next());
    }
    return values;
}

Found composed_sieve(const Scalar &scalar, const Recipe &recipe, const ComposedTask &task) {
    return ComposedSearch(scalar, recipe, task).run();
}

Found pinned_sieve(const Kernels &kernels, const Search &search, const Recipe &recipe, const ComposedTask &task, const Pinned &pinned) {
    Jury jury(scalar_of(search.family), recipe, task, pinned);
    Found found = run_sieve(kernels, search, jury);
    const auto same = [](const Hit &a, const Hit &b) {
        return std::tie(a.seed, a.start, a.gap, a.vector) == std::tie(b.seed, b.start, b.gap, b.vector);
    };
    found.hits.erase(std::unique(found.hits.begin(), found.hits.end(), same), found.hits.end());  // they are in order
    return found;
}

}  // namespace mimicry
