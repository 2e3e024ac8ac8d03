// gawk's rand(): BSD's random() over 63 words behind a shuffle of 512 (Bays, Durham 1976); two words make a double.
#pragma once
#include "lcg31.h"

// A word is rand() * 2^53. Numbers of 1/2 and more end in a zero bit: gawk adds 1/2 and takes it away again.
template <class W> struct GawkRandom {
    enum : u32 { word_bits = 53, reach = unlimited };
    typedef GawkRandom Beyond;
    typedef typename wide_of<W>::type Wide;
    W ring[63], shuffle[512], chosen;
    u32 front;

    // srand(n): 16807 modulo 2^31 - 1 on the seed as a signed number fills the ring; then 513 words for the shuffle, and 630 dropped.
    HD void seed(W low, u32) {
        ring[0] = low;
        W x = residue_of_signed(low);
        for (u32 i = 1; i < 63; ++i) {
            x = x | (equal_mask(x, W(0u)) & 123459876u);
            ring[i] = x = times_mod31(x, 16807u);
        }
        front = 1;
        for (u32 i = 0; i < 512; ++i) shuffle[i] = added();
        chosen = added();
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
    // x as an int32, modulo 2^31 - 1: a negative one counts 2^32 = 2 less.
    HD W residue_of_signed(W x) {
        W sum = mod31(x) + ((W(0u) - (x >> 31)) & 0x7ffffffdu);
        return smaller(sum, W(sum - 0x7fffffffu));
    }
    HD W added() {
        W sum = ring[front] + ring[front ? front - 1 : 62];
        ring[front] = sum;
        front = front == 62 ? 0 : front + 1;
        return sum >> 1;
    }
    HD W shuffled() {
        const W fresh = added(), place = chosen & 511u;
        chosen = pick(shuffle, place);
        put(shuffle, place, fresh);
        return chosen;
    }
    HD u64 doubled(u32 low, u32 high) {
        const double unit = 2147483648.0;
        return (u64)((0.5 + (low / unit + high) / unit - 0.5) * (4194304.0 * unit));
    }
};
