// Threefry2x64-20 and Threefry4x64-20 (Salmon, Moraes, Dror, Shaw 2011): the seed is the key's first word, the counter runs from 0.
#pragma once
#include "device.h"

template <class Wide> HD void threefry_mix(Wide &x, Wide &y, int by) {
    x = x + y;
    y = rotate_left64(y, by) ^ x;
}

// Both forms give `lanes` words a block; Form::block(counter, words) makes them.
template <class W, class Form, u32 lanes> struct Threefry64 {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef typename wide_of<W>::type Wide;
    Wide key, words[lanes];
    u64 counter;
    u32 used;

    HD void seed(W low, u32 high) {
        key = join_seed(low, high);
        counter = 0;
        used = lanes;
    }
    HD Wide next_wide() {
        if (used == lanes) block();
        return words[used++];
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        if (count <= lanes - used) {
            used += count;
            return;
        }
        count -= lanes - used;
        counter += count / lanes;
        block();
        used = count % lanes;
    }

  private:
    HD void block() {
        Form::block(key, counter++, words);
        used = 0;
    }
};

enum : u64 { threefry_parity = 0x1bd11bdaa9fc1a22ull };

template <class Wide> struct Threefry2x64Block {
    static HD void block(Wide key, u64 counter, Wide *x) {
        const int turns[8] = {16, 42, 12, 31, 16, 32, 24, 21};
        const Wide keys[3] = {key, Wide(0ull), key ^ (u64)threefry_parity};
        x[0] = key + counter;
        x[1] = Wide(0ull);
        for (u32 round = 0; round < 20; ++round) {
            threefry_mix(x[0], x[1], turns[round % 8]);
            if (round % 4 != 3) continue;
            const u32 group = round / 4 + 1;
            x[0] = x[0] + keys[group % 3];
            x[1] = x[1] + keys[(group + 1) % 3] + (u64)group;
        }
    }
};

template <class Wide> struct Threefry4x64Block {
    static HD void block(Wide key, u64 counter, Wide *x) {
        const int turns[8][2] = {{14, 16}, {52, 57}, {23, 40}, {5, 37}, {25, 33}, {46, 12}, {58, 22}, {32, 32}};
        const Wide none = Wide(0ull), keys[5] = {key, none, none, none, key ^ (u64)threefry_parity};
        x[0] = key + counter;
        x[1] = x[2] = x[3] = none;
        for (u32 round = 0; round < 20; ++round) {
            const u32 odd = round % 2;  // every other round crosses the pairs
            threefry_mix(x[0], x[odd ? 3 : 1], turns[round % 8][0]);
            threefry_mix(x[2], x[odd ? 1 : 3], turns[round % 8][1]);
            if (round % 4 != 3) continue;
            const u32 group = round / 4 + 1;
            for (u32 i = 0; i < 4; ++i) x[i] = x[i] + keys[(group + i) % 5];
            x[3] = x[3] + (u64)group;
        }
    }
};

template <class W> struct Threefry2x64 : Threefry64<W, Threefry2x64Block<typename wide_of<W>::type>, 2> {
    typedef Threefry2x64 Beyond;
};
template <class W> struct Threefry4x64 : Threefry64<W, Threefry4x64Block<typename wide_of<W>::type>, 4> {
    typedef Threefry4x64 Beyond;
};
