// glibc's random() and rand(), TYPE_3: an additive lagged Fibonacci generator x[i] = x[i-3] + x[i-31] whose words drop the lowest bit.
#pragma once
#include "device.h"
#include "lcg31.h"

template <class W> struct GlibcRandom {
    enum : u32 { word_bits = 31, reach = unlimited };
    typedef GlibcRandom Beyond;
    W ring[31];
    u32 front;

    // srandom(seed): seed 0 becomes 1; 30 steps of 16807 modulo 2^31 - 1 on the seed as a signed number; 310 words dropped.
    HD void seed(W low, u32) {
        ring[0] = low = low | (equal_mask(low, W(0u)) & 1u);
        W x = residue_of_signed(low);
        for (u32 i = 1; i < 31; ++i) ring[i] = x = times_mod31(x, 16807u);
        for (u32 round = 0; round < 10; ++round) {
            for (u32 i = 3; i < 31; ++i) ring[i] = ring[i] + ring[i - 3];
            for (u32 i = 0; i < 3; ++i) ring[i] = ring[i] + ring[i + 28];
        }
        front = 3;
    }
    HD W next() {
        W sum = ring[front] + ring[front < 3 ? front + 28 : front - 3];
        ring[front] = sum;
        front = front == 30 ? 0 : front + 1;
        return sum >> 1;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    // (x read as int32) modulo 2^31 - 1: -2^31 counts as -1, and -1 as the largest residue.
    HD W residue_of_signed(W x) {
        W negative = x >> 31;
        W rest = x & 0x7fffffffu;
        rest = smaller(rest, W(rest - 0x7fffffffu)) - negative;
        return rest + ((W(0u) - (rest >> 31)) & 0x7fffffffu);
    }
};
