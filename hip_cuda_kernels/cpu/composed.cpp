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
    u64 start = 0, at = 0;
    std::vector<u64> words;

    void seed(u32 low, u32 high) { start = (u64)high << 32 | low; }
    void skip(u32 count) { at += count; }
    u64 next_wide() {
        if (at >= words.size()) record();
        return words[at++];
    }

  private:
    void record() {  // twice as far as before, so that seeding anew costs a constant share
        const u64 have = words.size(), more = std::max({have, at + 1 - have, (u64)32});
        words.resize(have + more);
        scalar->raw(start, have, more, words.data() + have);
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

// The draws of one seed, made in order.
class Draws {
  public:
    Draws(const Scalar &scalar, const Recipe &recipe, u64 seed) : recipe(recipe), step(recipe.steps[0]), reader(step, seed) {
        reader.g.scalar = &scalar;
        order.resize(recipe.size);
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
        step = recipe.steps[i];
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
        std::iota(order.begin(), order.end(), 0u);
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
    Reader<Recorded> reader;
    std::vector<u32> order, chosen;
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
        : scalar(scalar), recipe(recipe), task(task), pinned(pinned) {}

    bool is_hit(u32 row, u64 seed, u32 start, u32, Hit &hit) override {
        if (start % pinned.calls) return false;  // between two draws
        if (!draws || made_of != seed) draws.emplace(scalar, recipe, made_of = seed);
        const u32 vector = pinned.vector[row], matched = count(task, *draws, vector, start / pinned.calls, pinned.gap[row]);
        if (matched < task.threshold[vector]) return false;
        hit = {(unsigned short)vector, (unsigned short)matched, start / pinned.calls, pinned.gap[row], 0, seed};
        return true;
    }

  private:
    const Scalar &scalar;
    const Recipe &recipe;
    const ComposedTask &task;
    const Pinned &pinned;
    std::optional<Draws> draws;
    u64 made_of = 0;
};

class ComposedSearch {
  public:
    ComposedSearch(const Scalar &scalar, const Recipe &recipe, const ComposedTask &task) : scalar(scalar), recipe(recipe), task(task) {}

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
    void seed(u64 seed) {
        Draws draws(scalar, recipe, seed);
        for (u32 start = task.start_lo; start <= task.start_hi; ++start)
            for (u32 gap = task.gap_lo; gap <= task.gap_hi; ++gap)
                for (u32 v = 0; v < task.vectors; ++v) {
                    const u32 matched = count(task, draws, v, start, gap);
                    if (matched < task.threshold[v]) continue;
                    if (found.hits.size() < task.max_hits)
                        found.hits.push_back({(unsigned short)v, (unsigned short)matched, start, gap, 0, seed});
                    else
                        found.overflow = true;
                }
    }

    bool halted() {
        if (task.progress) __atomic_store_n(task.progress, found.seeds_done, __ATOMIC_RELAXED);
        found.stopped = task.stop && __atomic_load_n(task.stop, __ATOMIC_RELAXED) != task.stop_generation;
        return found.stopped;
    }

    const Scalar &scalar;
    const Recipe &recipe;
    const ComposedTask &task;
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
    Draws draws(scalar, recipe, seed);
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
