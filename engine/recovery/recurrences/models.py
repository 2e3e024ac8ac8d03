"""Which families of the registry follow which recurrence: the table that every route over GF(2) reads."""

from __future__ import annotations

from dataclasses import replace

from engine.recovery.recurrences.recurrence import Recurrence, full
from engine.recovery.recurrences.tausworthe import Tausworthe
from engine.recovery.recurrences.twisters import R250, Tt800, Twister
from engine.recovery.recurrences.well import Well512a, Well1024a
from engine.recovery.recurrences.xorshifts import (
    Xoroshiro128Plus,
    Xorshift32,
    Xorshift128,
    Xorshift128Plus,
    Xorshift1024,
)

MT19937 = Twister(
    size=624, bits=32, word_bits=32, middle=397, lower=full(31), twist=0x9908B0DF,
    tempering=((11, full(32)), (7, 0x9D2C5680), (15, 0xEFC60000), (18, full(32))),
)  # fmt: skip
MT19937_64 = Twister(
    size=312, bits=64, word_bits=64, middle=156, lower=full(31), twist=0xB5026F5AA96619E9,
    tempering=((29, 0x5555555555555555), (17, 0x71D67FFFEDA60000), (37, 0xFFF7EEE000000000), (43, full(64))),
)  # fmt: skip
MT11213B = Twister(
    size=351, bits=32, word_bits=32, middle=175, lower=full(19), twist=0xCCAB8EE7,
    tempering=((11, full(32)), (7, 0x31B6AB00), (15, 0xFFE50000), (17, full(32))),
)  # fmt: skip
TAUS88 = Tausworthe(size=3, bits=32, word_bits=32, components=((31, 13, 12), (29, 2, 4), (28, 3, 17)))
TAUS113 = Tausworthe(
    size=4, bits=32, word_bits=32, components=((31, 6, 18), (29, 2, 2), (28, 13, 7), (25, 3, 13))
)
TW223 = Tausworthe(
    size=4, bits=64, word_bits=52, components=((63, 31, 18), (58, 19, 28), (55, 24, 7), (47, 21, 8))
)
XORSHIFT128 = Xorshift128(size=4, bits=32, word_bits=32)
V8 = Xorshift128Plus(size=2, bits=64, word_bits=52, low=12, shifts=(23, 17, 26), block=64)
SUM = Xorshift128Plus(size=2, bits=64, word_bits=53, shifts=(23, 17, 26), sums=True, exact=1)
XOROSHIRO128 = Xoroshiro128Plus(size=2, bits=64, word_bits=64, exact=1, output_first=True)

# All words of these are linear.
LINEAR: dict[str, Recurrence] = {
    "mt19937/init_genrand": MT19937,
    "mt19937/cpython": MT19937,
    "mt19937/seed_sequence": MT19937,
    "r_mersenne/set_seed": MT19937,
    "mt19937_php/mt_srand": replace(MT19937, own_bit=True),
    "mt19937_64/std": MT19937_64,
    "mt11213b/boost": MT11213B,
    "tt800/gsl": Tt800(size=25, bits=32, word_bits=32, output_first=True),
    "r250/gsl": R250(size=250, bits=32, word_bits=32),
    "taus88/boost": TAUS88,
    "taus88/gsl": TAUS88,
    "taus113/gsl": TAUS113,
    "tw223/luajit": TW223,
    "xorshift32/raw_seed": Xorshift32(size=1, bits=32, word_bits=32),
    "xorshift128/marsaglia": XORSHIFT128,
    "xorshift_rng/seed_from_u64": XORSHIFT128,
    "well512a/commons_math": Well512a(size=16, bits=32, word_bits=32),
    "well1024a/commons_math": Well1024a(size=32, bits=32, word_bits=32),
    "v8_math_random/state52": V8,
    "v8_math_random/state53": replace(V8, word_bits=53, low=11),
}

# Of these only the lowest bit of a raw word is: the rest is carried over by a sum or a product. Where the word is the upper
# part of the sum, as in V8 since 14.6, no bit is.
LOW_BIT: dict[str, Recurrence] = {
    "v8_math_random/sum52": replace(SUM, word_bits=52, block=62),
    "v8_math_random/cached_sum53": replace(SUM, low=11, block=64, exact=0),
    "v8_math_random/sum53": replace(SUM, low=11, exact=0),
    "jsc_weak_random/seed32": SUM,
    "pure_rand/xorshift128plus": replace(
        SUM, word_bits=32, flip=1 << 31, shifts=(23, 18, 5), output_first=True
    ),
    "pure_rand/xoroshiro128plus": replace(XOROSHIRO128, word_bits=32, flip=1 << 31),
    "xoroshiro128/plus": XOROSHIRO128,
    "xoroshiro128/randomgen": XOROSHIRO128,
    "erlang_exs/exsp": replace(SUM, bits=58, word_bits=58, shifts=(24, 11, 41)),
    "xorshift1024/randomgen": Xorshift1024(size=16, bits=64, word_bits=64, exact=1),
}

MODELS: dict[str, Recurrence] = LINEAR | LOW_BIT
