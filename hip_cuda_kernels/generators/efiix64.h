// EFIIX64x48 (Cole-Rhodes, PractRand): two tables, one walked through and one entered by chance, seeded as randomgen.EFIIX64(seed).
#pragma once
#include "device.h"
#include "seed_sequence.h"

// Arbee, the generator that seeds it.
template <class Wide> struct Arbee {
    Wide a, b, c, d;
    u64 i;

    HD void start(Wide first, Wide second, Wide third, Wide fourth) {
        a = first;
        b = second;
        c = third;
        d = fourth;
        i = 1;
        for (u32 step = 0; step < 12; ++step) next();
    }
    HD Wide next() {
        Wide e = a + rotate_left64(b, 45);
        a = b ^ rotate_left64(c, 13);
        b = c + rotate_left64(d, 37);
        c = e + d + i++;
        return d = e + a;
    }
};

template <class W> struct Efiix64 {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef Efiix64 Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide indirect[16], iterated[32], i, a, b, c;

    HD void seed(W low, u32 high) {
        SeedSequence<W> words;
        words.seed(low, high);
        Wide s[4];
        for (u32 k = 0; k < 4; ++k) s[k] = words.next_wide();
        Arbee<Wide> seeder;
        seeder.start(s[0], s[1], s[2], s[3]);
        fill(seeder);
        skip(64);
        seeder.next();
        for (u32 k = 0; k < 3; ++k) s[k] = s[k] + seeder.next();
        seeder.start(s[0] ^ a, s[1] ^ b, s[2] ^ c, ~s[3]);
        for (u32 k = 0; k < 16; ++k) indirect[k] = indirect[k] ^ seeder.next();
        skip(48);
    }
    HD Wide next_wide() {
        const W here = lo32(i) & 31u, there = lo32(c) & 15u;
        const Wide first = pick(iterated, here), second = pick(indirect, there), old = a ^ b;
        put(indirect, there, Wide(first + a));
        put(iterated, here, second);
        a = b + i;
        i = i + 1ull;
        b = c + second;
        c = old + rotate_left64(c, 25);
        return b ^ first;
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        for (; count; --count) next_wide();
    }

  private:
    HD void fill(Arbee<Wide> &seeder) {
        for (u32 k = 0; k < 16; ++k) indirect[k] = seeder.next();
        i = seeder.next();
        for (u32 k = 0; k < 32; ++k) put(iterated, W((lo32(i) + k) & 31u), seeder.next());
        a = seeder.next();
        b = seeder.next();
        c = seeder.next();
    }
};
