// Gaps that vary from draw to draw: which seeds reproduce enough draws for some start and some gaps, each within gap_lo..gap_hi.
#pragma once
#include "host.h"

namespace mimicry {

// The task's starts and gaps are the bounds of the law; its depth is how many draws the condition in lanes looks at.
// A hit's `matched` is the most draws that any start and gaps of the law reproduce; its start and gap are 0.
Found run_variable_gaps(const Kernels &kernels, const Search &search);

// The most draws of a vector that the values of a seed's mapping calls reproduce under the law; 0 when below the threshold.
u32 best_alignment(const Task &task, u32 vector, const u64 *values);

// How many calls from the seed on the law can reach.
u64 reachable_calls(const Task &task);

}  // namespace mimicry
