// Romu (Overton 2020): rotations, differences and one multiplication; the quad and trio forms, seeded as randomgen.Romu(seed).
#pragma once
#include "device.h"
#include "seed_sequence.h"

// Four words of a SeedSequence, ten words dropped; a word is x from before the step.
template <class W> struct RomuQuad {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef RomuQuad Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide w, x, y, z;

    HD void seed(W low, u32 high) {
        SeedSequence<W> words;
        words.seed(low, high);
        w = words.next_wide();
        x = words.next_wide();
        y = words.next_wide();
        z = words.next_wide();
        skip(10);
    }
    HD Wide next_wide() {
        const Wide before = w, out = x;
        w = z * 15241094284759029579ull;
        x = z + rotate_left64(before, 52);
        z = rotate_left64(Wide(y + before), 19);
        y = y - out;
        return out;
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        for (; count; --count) next_wide();
    }
};

// The first of the four words is not used.
template <class W> struct RomuTrio {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef RomuTrio Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide x, y, z;

    HD void seed(W low, u32 high) {
        SeedSequence<W> words;
        words.seed(low, high);
        words.skip(2);
        x = words.next_wide();
        y = words.next_wide();
        z = words.next_wide();
        skip(10);
    }
    HD Wide next_wide() {
        const Wide out = x, before = y;
        x = z * 15241094284759029579ull;
        y = rotate_left64(Wide(before - out), 12);
        z = rotate_left64(Wide(z - before), 44);
        return out;
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        for (; count; --count) next_wide();
    }
};
