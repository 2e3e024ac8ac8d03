// XORWOW (Marsaglia 2003) as in rocRAND: a five-word xorshift plus a Weyl sequence, its seed multiplied into the published state.
#pragma once
#include "device.h"

template <class W> struct RocrandXorwow {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef RocrandXorwow Beyond;
    W x[5], weyl;  // oldest first

    HD void seed(W low, u32 high) {
        const u32 upper = 2073658381u * (high ^ 0xa03697cbu);
        W lower = (low ^ 0x2c7f967fu) * 1228688033u;
        x[0] = lower + 123456789u;
        x[1] = lower ^ 362436069u;
        x[2] = W(521288629u + upper);
        x[3] = W(88675123u ^ upper);
        x[4] = lower + 5783321u;
        weyl = lower + (upper + 6615241u);
    }
    HD W next() {
        W mixed = x[0] ^ (x[0] >> 2), newest = x[4];
        for (u32 i = 0; i < 4; ++i) x[i] = x[i + 1];
        x[4] = newest ^ (newest << 4) ^ mixed ^ (mixed << 1);
        weyl = weyl + 362437u;
        return x[4] + weyl;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
    HD void back() {
        W oldest = x[4] ^ x[3] ^ (x[3] << 4);
        for (int by = 1; by < 32; by *= 2) oldest = oldest ^ (oldest << by);
        for (int by = 2; by < 32; by *= 2) oldest = oldest ^ (oldest >> by);
        for (u32 i = 4; i > 0; --i) x[i] = x[i - 1];
        x[0] = oldest;
        weyl = weyl - 362437u;
    }
};
