// MT19937 (Matsumoto, Nishimura 1998), tempered 32-bit words, with three seedings: init_genrand, CPython's init_by_array and NumPy's SeedSequence.
#pragma once
#include "device.h"
#include "seed_sequence.h"

template <class W> HD W mt_fill(W word, u32 multiplier) { return (word ^ (word >> 30)) * multiplier; }

// One link of init_genrand's chain: state word `index` from the one before it.
template <class W> HD W mt_link(W word, u32 index) { return mt_fill(word, 1812433253u) + index; }

template <class W> HD W mt_twist(W here, W after, W far) {
    W mixed = (here & 0x80000000u) | (after & 0x7fffffffu);
    return far ^ (mixed >> 1) ^ ((W(0u) - (after & 1u)) & 0x9908b0dfu);
}

template <class W> HD W mt_temper(W x) {
    x = x ^ (x >> 11);
    x = x ^ ((x << 7) & 0x9d2c5680u);
    x = x ^ ((x << 15) & 0xefc60000u);
    return x ^ (x >> 18);
}

// The whole state, twisted word by word as it is used: right at any distance, 2.5 KB a lane.
template <class W> struct Mt19937State {
    enum : u32 { word_bits = 32, reach = unlimited };
    W mt[624];
    u32 at;

    HD W twisted() {
        u32 after = at + 1 == 624 ? 0 : at + 1;
        u32 far = at + 397 < 624 ? at + 397 : at - 227;
        W word = mt_twist(mt[at], mt[after], mt[far]);
        mt[at] = word;
        at = after;
        return word;
    }
    HD W next() { return mt_temper(twisted()); }
    HD void skip(u32 count) {
        for (; count; --count) twisted();
    }
};

template <class W> struct Mt19937InitGenrandState : Mt19937State<W> {
    typedef Mt19937InitGenrandState Beyond;
    HD void seed(W low, u32) {
        W word = low;
        this->mt[0] = word;
        for (u32 i = 1; i < 624; ++i) this->mt[i] = word = mt_link(word, i);
        this->at = 0;
    }
};

// The first 227 words need only state words i, i+1 and i+397, so two points walk along the seeding chain and no state is kept.
template <class W> struct Mt19937InitGenrand {
    enum : u32 { word_bits = 32, reach = 227 };
    typedef Mt19937InitGenrandState<W> Beyond;
    W here, far;
    u32 index;

    HD void seed(W low, u32) {
        here = far = low;
        index = 0;
        for (u32 i = 1; i < 397; ++i) far = mt_link(far, i);
    }
    HD W next() {
        W after = mt_link(here, index + 1);
        far = mt_link(far, index + 397);
        W word = mt_twist(here, after, far);
        here = after;
        ++index;
        return mt_temper(word);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};

// random.seed(int): init_by_array over the 32-bit digits of the seed, least significant first (one digit when the seed fits).
template <class W> struct Mt19937Cpython : Mt19937State<W> {
    typedef Mt19937Cpython Beyond;

    HD void seed(W low, u32 high) {
        W *mt = this->mt;
        u32 base = 19650218u;  // init_genrand of this constant runs along as a scalar
        W word = W(base);
        for (u32 i = 1; i < 624; ++i) {
            base = mt_link(base, i);
            mt[i] = word = (mt_fill(word, 1664525u) ^ base) + digit(low, high, i - 1);
        }
        mt[1] = word = (mt_fill(word, 1664525u) ^ mt[1]) + digit(low, high, 623);
        for (u32 i = 2; i < 624; ++i) mt[i] = word = (mt_fill(word, 1566083941u) ^ mt[i]) - i;
        mt[1] = (mt_fill(word, 1566083941u) ^ mt[1]) - 1u;
        mt[0] = W(0x80000000u);
        this->at = 0;
    }

  private:
    HD W digit(W low, u32 high, u32 step) { return high == 0 ? low : (step & 1u) ? W(high + 1u) : low; }
};

// numpy.random.MT19937(seed): SeedSequence hashes out the state, the top bit of the first word alone kept and set. The first word
// given is the last of the state as it was seeded; only then is it twisted.
template <class W> struct Mt19937SeedSequenceState : Mt19937State<W> {
    typedef Mt19937SeedSequenceState Beyond;
    bool seeded;  // and nothing given yet

    HD void seed(W low, u32 high) {
        SeedSequence<W> sequence;
        sequence.seed(low, high);
        for (u32 i = 0; i < 624; ++i) this->mt[i] = sequence.next();
        this->mt[0] = W(0x80000000u);
        this->at = 0;
        seeded = true;
    }
    HD W next() {
        W word = seeded ? this->mt[623] : this->twisted();
        seeded = false;
        return mt_temper(word);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};

// SeedSequence gives any state word at once, so the first 228 words need no state either.
template <class W> struct Mt19937SeedSequence {
    enum : u32 { word_bits = 32, reach = 228 };
    typedef Mt19937SeedSequenceState<W> Beyond;
    SeedSequence<W> near, far;
    W here;
    bool seeded;

    HD void seed(W low, u32 high) {
        near.seed(low, high);
        far = near;
        near.skip(1);
        far.skip(397);
        here = W(0x80000000u);
        seeded = true;
    }
    HD W next() {
        if (seeded) return last();
        W after = near.next();
        W word = mt_twist(here, after, far.next());
        here = after;
        return mt_temper(word);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    HD W last() {
        SeedSequence<W> sequence = far;
        sequence.skip(623 - 397);
        seeded = false;
        return mt_temper(sequence.next());
    }
};
