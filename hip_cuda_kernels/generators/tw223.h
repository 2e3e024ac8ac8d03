// Four combined Tausworthe generators of 63, 58, 55 and 47 bits (L'Ecuyer 1999; period 2^223), as LuaJIT seeds and shows them.
#pragma once
#include "device.h"

// A word is the 52 bits of math.random()'s double.
template <class W> struct Tw223Luajit {
    enum : u32 { word_bits = 52, reach = unlimited };
    typedef Tw223Luajit Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide u0, u1, u2, u3;

    // math.randomseed(d): the bits of four doubles, each the one before times pi plus e; ten steps are dropped.
    HD void seed(W low, u32 high) {
        u0 = u1 = u2 = u3 = join_seed(low, high);
        for (u32 lane = 0; lane < lane_count<W>(); ++lane) {
            double d = (double)lane_of(u0, lane);
            set_lane(u0, lane, chained(d));
            set_lane(u1, lane, chained(d));
            set_lane(u2, lane, chained(d));
            set_lane(u3, lane, chained(d));
        }
        skip(10);
    }
    HD Wide next_wide() { return step() & 0xfffffffffffffull; }
    HD W next() { return hi32(step() << 12); }
    HD void skip(u32 count) {
        for (; count; --count) step();
    }

  private:
    HD Wide step() {
        component<63, 31, 18>(u0);
        component<58, 19, 28>(u1);
        component<55, 24, 7>(u2);
        component<47, 21, 8>(u3);
        return u0 ^ u1 ^ u2 ^ u3;
    }
    template <int bits, int left, int shift> HD void component(Wide &z) {
        z = (((z << left) ^ z) >> (bits - shift)) ^ ((z & (~0ull << (64 - bits))) << shift);
    }
    HD u64 chained(double &d) {
        volatile double product = d * 3.14159265358979323846;  // rounded before the sum: never fused into one operation
        d = product + 2.7182818284590452354;
        union {
            double value;
            u64 bits;
        } same = {d};
        return same.bits;
    }
};
