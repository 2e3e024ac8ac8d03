// Bays and Durham's shuffle (1976): the last output chooses the place in a table whose word comes out and is replaced.
#pragma once
#include "device.h"
#include "mod31.h"
#include "remainder.h"

// std::knuth_b: 16807 modulo 2^31 - 1, a table of 256. The place is 256 (y - 1) / (2^31 - 2), exactly.
template <class W> struct KnuthB {
    enum : u32 { word_bits = 31, reach = unlimited };
    typedef KnuthB Beyond;
    W x, y, table[256];

    HD void seed(W low, u32) {
        x = mod31(low);
        x = x | (equal_mask(x, W(0u)) & 1u);
        for (u32 i = 0; i < 256; ++i) table[i] = x = times_mod31(x, 16807u);
        y = x = times_mod31(x, 16807u);
    }
    HD W next() {
        W place = (y - 1u + (y >> 30)) >> 23;
        y = pick(table, place);
        x = times_mod31(x, 16807u);
        put(table, place, x);
        return y;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};

// Boost's kreutzer1986: 1366 x + 150889 modulo 714025, a table of 97.
template <class W> struct Kreutzer1986 {
    enum : u32 { word_bits = 20, reach = unlimited };
    typedef Kreutzer1986 Beyond;
    W x, y, table[97];

    HD W step() { return x = remainder32<714025u>(x * 1366u + 150889u); }
    HD void seed(W low, u32) {
        x = remainder32<714025u>(low);
        for (u32 i = 0; i < 97; ++i) table[i] = step();
        y = step();
    }
    HD W next() {
        W place = quotient32<714025u>(y * 97u);
        y = pick(table, place);
        put(table, place, step());
        return y;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};

// ran1 of Numerical Recipes: 16807 modulo 2^31 - 1, a table of 32 that is filled from its end after eight words.
template <class W> struct Ran1 {
    enum : u32 { word_bits = 31, reach = unlimited };
    typedef Ran1 Beyond;
    W x, y, table[32];

    HD void seed(W low, u32) {
        x = mod31(low | (equal_mask(low, W(0u)) & 1u));
        for (u32 i = 40; i--;) {
            x = times_mod31(x, 16807u);
            if (i < 32) table[i] = x;
        }
        y = x;
    }
    HD W next() {
        x = times_mod31(x, 16807u);
        W place = y >> 26;
        y = pick(table, place);
        put(table, place, x);
        return y;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};

// ran2 of Numerical Recipes: L'Ecuyer's two generators of 1988; the first goes through a table of 32, the second is subtracted.
template <class W> struct Ran2 {
    enum : u32 { word_bits = 31, reach = unlimited, modulus = 2147483563u, share = 67108862u };
    typedef Ran2 Beyond;
    W x, y, out, table[32];

    HD void seed(W low, u32) {
        x = low | (equal_mask(low, W(0u)) & 1u);
        y = x;
        for (u32 i = 40; i--;) {
            x = times_mod<modulus>(x, 40014u);
            if (i < 32) table[i] = x;
        }
        out = x;
    }
    HD W next() {
        x = times_mod<modulus>(x, 40014u);
        y = times_mod<2147483399u>(y, 40692u);
        W place = quotient32<share>(out), from = pick(table, place);
        out = from - y + (~above_mask(from, y) & (modulus - 1u));
        put(table, place, x);
        return out;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
