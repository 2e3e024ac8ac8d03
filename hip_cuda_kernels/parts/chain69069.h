// The seeding of many GSL generators: seed 0 becomes 1, then the chain x -> 69069 x mod 2^32 (Marsaglia) fills the state.
#pragma once
#include "device.h"

template <class W> HD W one_for_zero(W seed) { return seed | (equal_mask(seed, W(0u)) & 1u); }

template <class W> HD W next69069(W &x) { return x = x * 69069u; }

// x, raised by `least` where it is below it: the states of a Tausworthe component must not vanish in their upper bits.
template <class W> HD W raised(W x, u32 least) { return x + (above_mask(W(least), x) & least); }
