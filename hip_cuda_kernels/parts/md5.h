// MD5 of one block in lanes (RFC 1321): sixteen little-endian words, padding included, to four.
#pragma once
#include "device.h"

// The integer part of 2^32 * |sin(step + 1)|.
HD u32 md5_sine(u32 step) {
    static const u32 sines[64] = {
        0xd76aa478u, 0xe8c7b756u, 0x242070dbu, 0xc1bdceeeu, 0xf57c0fafu, 0x4787c62au, 0xa8304613u, 0xfd469501u,
        0x698098d8u, 0x8b44f7afu, 0xffff5bb1u, 0x895cd7beu, 0x6b901122u, 0xfd987193u, 0xa679438eu, 0x49b40821u,
        0xf61e2562u, 0xc040b340u, 0x265e5a51u, 0xe9b6c7aau, 0xd62f105du, 0x02441453u, 0xd8a1e681u, 0xe7d3fbc8u,
        0x21e1cde6u, 0xc33707d6u, 0xf4d50d87u, 0x455a14edu, 0xa9e3e905u, 0xfcefa3f8u, 0x676f02d9u, 0x8d2a4c8au,
        0xfffa3942u, 0x8771f681u, 0x6d9d6122u, 0xfde5380cu, 0xa4beea44u, 0x4bdecfa9u, 0xf6bb4b60u, 0xbebfbc70u,
        0x289b7ec6u, 0xeaa127fau, 0xd4ef3085u, 0x04881d05u, 0xd9d4d039u, 0xe6db99e5u, 0x1fa27cf8u, 0xc4ac5665u,
        0xf4292244u, 0x432aff97u, 0xab9423a7u, 0xfc93a039u, 0x655b59c3u, 0x8f0ccc92u, 0xffeff47du, 0x85845dd1u,
        0x6fa87e4fu, 0xfe2ce6e0u, 0xa3014314u, 0x4e0811a1u, 0xf7537e82u, 0xbd3af235u, 0x2ad7d2bbu, 0xeb86d391u};
    return sines[step];
}

HD int md5_turn(u32 step) {
    static const int turns[16] = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};
    return turns[step / 16 * 4 + step % 4];
}

HD u32 md5_place(u32 step) {
    const u32 round = step / 16;
    return (round == 0 ? step : round == 1 ? 5 * step + 1 : round == 2 ? 3 * step + 5 : 7 * step) % 16;
}

template <class W> HD W md5_mixed(u32 round, W b, W c, W d) {
    if (round == 0) return select(b, c, d);
    if (round == 1) return select(d, b, c);
    if (round == 2) return b ^ c ^ d;
    return c ^ (b | ~d);
}

template <class W> HD void md5_block(const W *block, W *digest) {
    const u32 start[4] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u};
    W a = W(start[0]), b = W(start[1]), c = W(start[2]), d = W(start[3]);
    for (u32 step = 0; step < 64; ++step) {
        const W sum = a + md5_mixed(step / 16, b, c, d) + block[md5_place(step)] + md5_sine(step);
        a = d;
        d = c;
        c = b;
        b = b + rotate_left(sum, md5_turn(step));
    }
    digest[0] = a + start[0];
    digest[1] = b + start[1];
    digest[2] = c + start[2];
    digest[3] = d + start[3];
}
