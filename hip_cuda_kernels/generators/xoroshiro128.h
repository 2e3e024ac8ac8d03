// xoroshiro128 with its three scramblers (Blackman, Vigna 2021): the state steps alike in +, ++ and **; ++ has rotations of its own.
#pragma once
#include "device.h"
#include "seed_sequence.h"
#include "splitmix64.h"

template <class W, int first, int shift, int second> struct Xoroshiro128State {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef typename wide_of<W>::type Wide;
    Wide a, b;

    HD void step() {
        Wide mixed = a ^ b;
        a = rotate_left64(a, first) ^ mixed ^ (mixed << shift);
        b = rotate_left64(mixed, second);
    }
    HD void back() {
        Wide mixed = rotate_left64(b, 64 - second);
        a = rotate_left64(Wide(a ^ mixed ^ (mixed << shift)), 64 - first);
        b = mixed ^ a;
    }
    HD void skip(u32 count) {
        for (; count; --count) step();
    }

  protected:
    // seed_from_u64 of rand_xoshiro: two words of SplitMix64.
    HD void from_splitmix(W low, u32 high) {
        SplitMix64<W> words;
        words.seed(low, high);
        a = words.next_wide();
        b = words.next_wide();
    }
    HD void from_sequence(W low, u32 high) {
        SeedSequence<W> words;
        words.seed(low, high);
        a = words.next_wide();
        b = words.next_wide();
    }
};

template <class W> struct Xoroshiro128Plus : Xoroshiro128State<W, 24, 16, 37> {
    typedef Xoroshiro128Plus Beyond;
    HD void seed(W low, u32 high) { this->from_splitmix(low, high); }
    HD typename wide_of<W>::type next_wide() {
        auto word = this->a + this->b;
        this->step();
        return word;
    }
    HD W next() { return hi32(next_wide()); }
};

template <class W> struct Xoroshiro128PlusPlus : Xoroshiro128State<W, 49, 21, 28> {
    typedef Xoroshiro128PlusPlus Beyond;
    HD void seed(W low, u32 high) { this->from_splitmix(low, high); }
    HD typename wide_of<W>::type next_wide() {
        auto sum = this->a + this->b, word = rotate_left64(sum, 17) + this->a;
        this->step();
        return word;
    }
    HD W next() { return hi32(next_wide()); }
};

template <class W> struct Xoroshiro128StarStar : Xoroshiro128State<W, 24, 16, 37> {
    typedef Xoroshiro128StarStar Beyond;
    HD void seed(W low, u32 high) { this->from_splitmix(low, high); }
    HD typename wide_of<W>::type next_wide() {
        auto product = this->a * 5ull, word = rotate_left64(product, 7) * 9ull;
        this->step();
        return word;
    }
    HD W next() { return hi32(next_wide()); }
};

// randomgen.Xoroshiro128(seed)
template <class W> struct RandomgenXoroshiro128 : Xoroshiro128Plus<W> {
    typedef RandomgenXoroshiro128 Beyond;
    HD void seed(W low, u32 high) { this->from_sequence(low, high); }
};
