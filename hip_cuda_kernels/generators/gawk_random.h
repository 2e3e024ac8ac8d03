// gawk's rand(): BSD's random() over 63 words behind a shuffle of 512 (Bays, Durham 1976); two words make a double.
#pragma once
#include "additive_feedback.h"
#include "mod31.h"

// A word is rand() * 2^53. Numbers of 1/2 and more end in a zero bit: gawk adds 1/2 and takes it away again.
template <class W> struct GawkRandom {
    enum : u32 { word_bits = 53, reach = unlimited };
    typedef GawkRandom Beyond;
    typedef typename wide_of<W>::type Wide;

    // srand(n): 16807 modulo 2^31 - 1 on the seed as a signed number fills the ring; then 513 words for the shuffle, and 630 dropped.
    HD void seed(W low, u32) {
        source.fill(low);
        for (u32 i = 0; i < 512; ++i) table[i] = source.next();
        chosen = source.next();
        for (u32 i = 0; i < 630; ++i) shuffled();
    }
    HD Wide next_wide() {
        const W low = shuffled(), high = shuffled();
        Wide word = widen(low);
        for (u32 lane = 0; lane < lane_count<W>(); ++lane) set_lane(word, lane, doubled(lane_of(low, lane), lane_of(high, lane)));
        return word;
    }
    HD W next() { return lo32(next_wide() >> 21); }
    HD void skip(u32 count) {
        for (; count; --count) {
            shuffled();
            shuffled();
        }
    }

  private:
    struct Source : AdditiveFeedback<W, 63, 1> {
        HD void fill(W low) {
            W x = plus_mod31(mod31(low), W((W(0u) - (low >> 31)) & 0x7ffffffdu));  // a negative seed counts 2^32 = 2 less
            this->ring[0] = low;
            for (u32 i = 1; i < 63; ++i) {
                x = x | (equal_mask(x, W(0u)) & 123459876u);
                this->ring[i] = x = times_mod31(x, 16807u);
            }
            this->begin();
        }
    } source;
    W table[512], chosen;

    HD W shuffled() {
        const W fresh = source.next(), place = chosen & 511u;
        chosen = pick(table, place);
        put(table, place, fresh);
        return chosen;
    }
    HD u64 doubled(u32 low, u32 high) {
        const double unit = 2147483648.0;
        return (u64)((0.5 + (low / unit + high) / unit - 0.5) * (4194304.0 * unit));
    }
};
