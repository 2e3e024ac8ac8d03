// Alea (J. Baagoe 2010): a multiply-with-carry generator of lag 3, seeded by hashing the seed's decimal digits in doubles.
#pragma once
#include "device.h"

// Mash: a hash of characters whose state is a double; what comes out is the state's whole part modulo 2^32.
struct Mash {
    double n;

    HD u32 absorb(u32 character) {
        n += character;
        double h = rounded(0.02519603282416938 * n);
        n = (double)(u32)h;
        h = rounded((h - n) * n);
        n = (double)(u32)h;
        n += rounded((h - n) * 4294967296.0);
        return (u32)(u64)n;
    }
    HD u32 absorb_decimal(u64 number) {
        u64 digits = 1;
        while (number / digits > 9) digits *= 10;
        u32 hash = 0;
        for (; digits; digits /= 10) hash = absorb('0' + (u32)(number / digits % 10));
        return hash;
    }

  private:
    // A product must be rounded before it is used: fused with the subtraction after it, it would not be.
    static HD double rounded(double product) {
        volatile double kept = product;
        return kept;
    }
};

template <class W> struct Alea {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Alea Beyond;
    W words[3], carry;

    HD void seed(W low, u32 high) {
        for (u32 lane = 0; lane < lane_count<W>(); ++lane) seed_lane(lane, (u64)high << 32 | lane_of(low, lane));
        carry = W(1u);
    }
    HD W next() {
        auto sum = multiply_wide(words[0], 2091639u) + widen(carry);
        words[0] = words[1];
        words[1] = words[2];
        words[2] = lo32(sum);
        carry = hi32(sum);
        return words[2];
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    HD void seed_lane(u32 lane, u64 number) {
        Mash mash = {4022871197.0};
        u32 hashes[3];
        for (u32 i = 0; i < 3; ++i) hashes[i] = mash.absorb(' ');
        for (u32 i = 0; i < 3; ++i) set_lane(words[i], lane, hashes[i] - mash.absorb_decimal(number));
    }
};
