// Erlang's rand: xorshift116 with the ** scrambler (exsss, the default) or + (exsp), and xoroshiro928** (exro928ss); 58-bit words.
#pragma once
#include "device.h"
#include "splitmix64.h"

const u64 erlang_mask = (1ull << 58) - 1;

template <class Wide> HD Wide rotate_left58(Wide x, int by) { return ((x << by) | (x >> (58 - by))) & erlang_mask; }

template <class Wide> HD Wide erlang_starstar(Wide x) { return (rotate_left58((x * 5ull) & erlang_mask, 7) * 9ull) & erlang_mask; }

// rand:seed(Alg, Integer): the low 58 bits of SplitMix64 words, zeros passed over.
template <class W> HD typename wide_of<W>::type erlang_filled(SplitMix64<W> &filler) {
    typedef typename wide_of<W>::type Wide;
    const Wide word = filler.next_wide() & erlang_mask, zero = equal_mask(word, Wide(0ull));
    SplitMix64<W> ahead = filler;
    const Wide other = ahead.next_wide() & erlang_mask;
    filler.state = select(zero, ahead.state, filler.state);
    return select(zero, other, word);
}

template <class W> struct ErlangXorshift116 {
    enum : u32 { word_bits = 58, reach = unlimited };
    typedef typename wide_of<W>::type Wide;
    Wide s1, s0;

    HD void seed(W low, u32 high) {
        SplitMix64<W> filler;
        filler.seed(low, high);
        s1 = erlang_filled(filler);
        s0 = erlang_filled(filler);
    }
    HD void step() {
        const Wide x = s1 ^ (s1 << 24 & erlang_mask), y = s0;
        s0 = x ^ y ^ (x >> 11) ^ (y >> 41);
        s1 = y;
    }
    HD void skip(u32 count) {
        for (; count; --count) step();
    }
};

template <class W> struct ErlangExsss : ErlangXorshift116<W> {
    typedef ErlangExsss Beyond;
    HD typename wide_of<W>::type next_wide() {
        this->step();
        return erlang_starstar(this->s1);
    }
    HD W next() { return lo32(next_wide() >> 26); }
};

template <class W> struct ErlangExsp : ErlangXorshift116<W> {
    typedef ErlangExsp Beyond;
    HD typename wide_of<W>::type next_wide() {
        this->step();
        return (this->s1 + this->s0) & erlang_mask;
    }
    HD W next() { return lo32(next_wide() >> 26); }
};

template <class W> struct ErlangExro928ss {
    enum : u32 { word_bits = 58, reach = unlimited };
    typedef ErlangExro928ss Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide ring[16];
    u32 at;

    HD void seed(W low, u32 high) {
        SplitMix64<W> filler;
        filler.seed(low, high);
        for (u32 i = 0; i < 16; ++i) ring[i] = erlang_filled(filler);
        at = 0;
    }
    HD Wide next_wide() {
        const u32 after = (at + 1) % 16;
        const Wide x = ring[after], y = ring[at] ^ x;
        ring[at] = rotate_left58(x, 44) ^ y ^ (y << 9 & erlang_mask);
        ring[after] = rotate_left58(y, 45);
        at = after;
        return erlang_starstar(x);
    }
    HD W next() { return lo32(next_wide() >> 26); }
    HD void skip(u32 count) {
        for (; count; --count) next_wide();
    }
};
