// Draws that are made of several mapping calls, or by a formula: exact scalar code over recorded words, behind a filter in lanes where
// single inner calls are pinned down by a draw (pins.py).
//
// composed.py lowers a composed mapping to a Recipe and says what its laws mean.
#pragma once
#include "host.h"

namespace mimicry {

enum class Operation : u64 {  // OPERATIONS of formula.py
    constant, double_u, word_x,
    negate = 10, floor, ceil, round, trunc, abs, sqrt, log, exp, sin, cos,
    add = 30, subtract, multiply, divide, floor_divide, modulo, power, min, max,
};

struct Instruction {  // one step of a formula in postfix form, on doubles
    Operation operation;
    double constant;
};

struct Recipe {
    enum : u64 { digits, pool, forward, shuffle, inside_out, reject, select, formula };
    u64 law, count, size, sorted;
    long long lo;             // formula: its result less lo is the draw
    std::vector<Call> steps;  // the inner calls in the order of the law
    std::vector<Instruction> program;
    std::vector<u64> binomials;  // sorted samples: [count][size], C(element, place + 1)
};

// Draws and thresholds of several vectors, as in Task, with draws of 63 bits.
struct ComposedTask {
    u32 vectors, width;
    const u32 *usable, *threshold, *index;
    const u64 *value;
    u32 start_lo, start_hi, gap_lo, gap_hi;
    u64 seed_lo, seed_count, max_hits;
    const u32 *stop;
    u32 stop_generation;
    u64 *progress;
};

// A search of inner calls whose rows stand for vectors of composed draws at one gap each, and whose starts count inner calls.
struct Pinned {
    const u32 *vector, *gap;
    u32 calls;  // inner calls of a draw
};

Recipe unpack_recipe(const u64 *numbers, double unit);
std::vector<u64> composed_values(const Scalar &scalar, const Recipe &recipe, u64 seed, u64 start, u64 gap, u64 count);
Found composed_sieve(const Scalar &scalar, const Recipe &recipe, const ComposedTask &task);
Found pinned_sieve(const Kernels &kernels, const Search &search, const Recipe &recipe, const ComposedTask &task, const Pinned &pinned);

}  // namespace mimicry
