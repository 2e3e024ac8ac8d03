// The Lehmer generator 16807 modulo 2^31 - 1 (Park, Miller 1988) that several runtimes share: one step either way, and jumps.
#pragma once
#include "lcg31.h"

// multiplier^count modulo 2^31 - 1: the multiplier of `count` steps.
HD u32 lehmer_power(u32 multiplier, u32 count) {
    u64 power = multiplier, all = 1;
    for (; count; count >>= 1) {
        if (count & 1) all = all * power % 0x7fffffffu;
        power = power * power % 0x7fffffffu;
    }
    return (u32)all;
}

template <class W> struct Minstd {
    W x;  // 1 .. 2^31 - 2

    HD void step() { x = times_mod31(x, 16807u); }
    HD void back() { x = times_mod31(x, 1407677000u); }  // 16807 * 1407677000 = 1
    HD void skip(u32 count) { x = times_mod31(x, lehmer_power(16807u, count)); }
};
