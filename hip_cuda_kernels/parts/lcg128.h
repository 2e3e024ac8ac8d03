// The 128-bit congruential generator of the PCG64 family, each lane on a stream of its own, seeded by NumPy's SeedSequence.
#pragma once
#include "seed_sequence.h"
#include "wide128.h"

struct Pcg64Multiplier {
    static HD Scalar128 value() { return {0x2360ed051fc65da4ull, 0x4385df649fccf645ull}; }
};

// pcg_setseq_128: state -> state * multiplier + increment. `Multiplier::value()` is the multiplier.
template <class W, class Multiplier> struct Lcg128 {
    typedef typename wide_of<W>::type Wide;
    Wide128<Wide> state, increment;

    // pcg_setseq_128_srandom over four 64-bit words: state and stream, the high half first. It always steps by PCG's own multiplier.
    HD void seed(W low, u32 high) {
        SeedSequence<W> sequence;
        sequence.seed(low, high);
        Wide words[4];
        for (u32 i = 0; i < 4; ++i) words[i] = sequence.next_wide();
        increment = {(words[2] << 1) | (words[3] >> 63), (words[3] << 1) | 1ull};
        state = (increment + Wide128<Wide>{words[0], words[1]}) * Pcg64Multiplier::value() + increment;
    }
    HD void step() { state = state * Multiplier::value() + increment; }
    HD void back() { state = (state + ~increment + Wide128<Wide>{Wide(0ull), Wide(1ull)}) * odd_inverse128(Multiplier::value()); }
    HD void skip(u32 count) {
        if (count < 8) {
            for (; count; --count) step();
        } else {
            const Lcg128Jump jump = lcg128_jump(Multiplier::value(), count);
            state = state * jump.power + increment * jump.sum;
        }
    }
};
