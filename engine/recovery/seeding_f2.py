"""From a state back to the seed: rewind the recurrence until a state can be one that the seeding makes, and invert the seeding."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise

import numpy as np

from engine.recovery.answer import Found
from engine.recovery.recurrences.models import MODELS
from engine.recovery.recurrences.recurrence import (
    Recurrence,
    State,
    full,
    without_right_shift,
)
from hip_cuda_kernels import host
from hip_cuda_kernels.registry import family as family_of

REWOUND = 100_000  # words
CHECKED = 256  # words whose draws a seed must give again, beside two states' worth: a window one word on looks much like a seeding
M32, M64 = full(32), full(64)
KNUTH = 1812433253  # of init_genrand (Matsumoto, Nishimura 2002)
LEHMER = 69069  # Marsaglia's, of GSL and R


@dataclass(frozen=True)
class Seeding:
    """How a family's seeds are read off a state, if it is one that the seeding made.

    `seeds` yields the candidates; of a random state there are none, or few. `dropped` is how many words the seeding throws away
    after that state; -1: its first word lies before it.
    """

    seeds: Callable[[State], Iterator[int]]
    dropped: int = 0


def seed_of(found: Found, *, reach: int = REWOUND) -> tuple[int, int] | None:
    """Return (seed, start in mapping calls) that lead to a found state, or None where no seed does within `reach` words before it.

    The smallest start, and for it the smallest seed, whose draws are those of the state (host.values).
    """
    seeding, model = SEEDINGS.get(found.family), MODELS[found.family]
    if seeding is None:
        return None
    for words, state in _rewound(model, seeding, model.unpack(found.state), found.place, reach):
        leading = [(seed, start) for seed in seeding.seeds(state) for start in _starts(found, seed, words)]
        if leading:
            return min(leading)
    return None


def _rewound(
    model: Recurrence, seeding: Seeding, state: State, place: int, reach: int
) -> Iterator[tuple[int, State]]:
    """Yield (words from the seeding's first to the state, what the seeding must have made), block by block."""
    state = model.advance(state, place + 1 - model.block - seeding.dropped)
    for words in range(place, reach, model.block):
        yield words, state
        state = model.advance(state, -model.block)


def _starts(found: Found, seed: int, words: int) -> Iterator[int]:
    """Yield the calls that take so many words, if the seed's draws after them are those of the state."""
    if seed >> family_of(found.family).seed_bits:
        return
    model, which = MODELS[found.family], (found.family, found.mapping)
    start = len(host.read(*which, found.lo, found.hi, host.raw(found.family, seed, words), words))
    given = model.words(model.unpack(found.state), CHECKED + 2 * model.size, found.place)
    ours = host.read(*which, found.lo, found.hi, given, CHECKED)
    if np.array_equal(ours, host.values(*which, seed, found.lo, found.hi, len(ours), start=start)):
        yield start


@cache
def _inverse(odd: int, bits: int) -> int:
    return pow(odd, -1, 1 << bits)


# ── chains: each state word from the one before it


def _link(word: int, index: int, multiplier: int, bits: int) -> int:
    return (word ^ word >> bits - 2) * multiplier + index & full(bits)


def _unlink(word: int, index: int, multiplier: int, bits: int) -> int:
    mixed = (word - index) * _inverse(multiplier, bits) & full(bits)
    return without_right_shift(mixed, bits - 2, bits)


def _chained(state: State, *, multiplier: int = KNUTH, bits: int = 32) -> Iterator[int]:
    """Yield the seed of init_genrand: word 0 is it, and not all of word 0 outlives the first twist."""
    if state[2] == _link(state[1], 2, multiplier, bits) and state[3] == _link(state[2], 3, multiplier, bits):
        yield _unlink(state[1], 1, multiplier, bits)


def _chained_in_java(state: State) -> Iterator[int]:
    """Yield the seed of Apache Commons Math's int[] filling, whose shift brings in the sign."""
    signed = state[0] ^ (M32 << 2 & M32 if state[0] >> 31 else 0)
    if state[1] == ((signed ^ state[0] >> 30) * KNUTH + 1 & M32):
        yield state[0]


def _congruential(state: State, *, steps: int) -> Iterator[int]:
    """Yield the seed of R's set.seed: words of x -> 69069 x + 1, word 1 of the state so many steps from the seed."""
    if all(after == (LEHMER * word + 1 & M32) for word, after in pairwise(state[1:])):
        seed, inverse = state[1], _inverse(LEHMER, 32)
        for _ in range(steps):
            seed = (seed - 1) * inverse & M32
        yield seed


def _powers(state: State, *, first: int) -> Iterator[int]:
    """Yield the seed of GSL's filling with 69069^k times the seed, k from `first` on."""
    if state[1] == state[0] * LEHMER & M32 and state[2] == state[1] * LEHMER & M32:
        yield state[0] * pow(LEHMER, -first, 1 << 32) & M32
    if (first, state[:2]) == (0, (0x95F24DAB, 0x0B685215)):  # TT800's printed state stands for seed 0
        yield 0


# ── CPython's init_by_array


def _mixed(word: int, multiplier: int) -> int:
    return (word ^ word >> 30) * multiplier & M32


@cache
def _base() -> list[int]:
    """Return the first words of init_genrand(19650218), over which the array is laid."""
    words = [19650218]
    for index in range(1, 8):
        words.append(_link(words[-1], index, KNUTH, 32))
    return words


def _by_array(state: State) -> Iterator[int]:
    """Yield the seeds of one and of two digits: both passes are undone word by word, and the digits that were added repeat."""
    first = {i: (state[i] + i & M32) ^ _mixed(state[i - 1], 1566083941) for i in range(3, 8)}
    digits = [(first[i] - (_base()[i] ^ _mixed(first[i - 1], 1664525))) & M32 for i in range(4, 8)]
    if digits[:2] != digits[2:]:
        return
    odd, low = digits[:2]
    if odd == low:
        yield low
    if odd > 1 or odd == 0:
        yield (odd - 1 & M32) << 32 | low


# ── NumPy's SeedSequence

POOLED, POOL_STEP, GIVEN, GIVEN_STEP = 0x43B0D7E5, 0x931E8875, 0x8B51F9DD, 0x58F38DED
MIX_OLD, MIX_NEW = 0xCA01F9DD, 0x4973F715


def _constant(first: int, step: int, index: int) -> int:
    return first * pow(step, index, 1 << 32) & M32


def _hash(word: int, before: int, after: int) -> int:
    word = (word ^ before) * after & M32
    return word ^ word >> 16


def _unhash(word: int, before: int, after: int) -> int:
    return without_right_shift(word, 16, 32) * _inverse(after, 32) & M32 ^ before


@cache
def _constants(first: int, step: int, index: int) -> tuple[int, int]:
    return _constant(first, step, index), _constant(first, step, index + 1)


def _sequence(words: list[int], index: int) -> Iterator[int]:
    """Yield the seed of generate_state's words `index`.. (a multiple of 4, four words or more): the pool, then what was mixed into it."""
    pool = [_unhash(words[k], *_constants(GIVEN, GIVEN_STEP, index + k)) for k in range(4)]
    if any(
        word != _hash(pool[k % 4], *_constants(GIVEN, GIVEN_STEP, index + k)) for k, word in enumerate(words)
    ):
        return
    mixings = [(source, to) for source in range(4) for to in range(4) if source != to]
    for number, (source, to) in reversed(list(enumerate(mixings, start=4))):
        added = _hash(pool[source], *_constants(POOLED, POOL_STEP, number)) * MIX_NEW
        pool[to] = (without_right_shift(pool[to], 16, 32) + added) * _inverse(MIX_OLD, 32) & M32
    low, high, *rest = (_unhash(pool[k], *_constants(POOLED, POOL_STEP, k)) for k in range(4))
    if rest == [0, 0]:
        yield high << 32 | low


def _sequence_of_twister(state: State) -> Iterator[int]:
    before, after = _constants(GIVEN, GIVEN_STEP, 4), _constants(GIVEN, GIVEN_STEP, 8)
    if state[8] == _hash(_unhash(state[4], *before), *after):
        yield from _sequence(list(state[4:12]), 4)


def _sequence_of_halves(state: State) -> Iterator[int]:
    yield from _sequence([half for word in state[:4] for half in (word & M32, word >> 32)], 0)


# ── hashes of 64 bits


def _unshifted_products(word: int, *shifts_and_factors: tuple[int, int]) -> int:
    for shift, factor in reversed(shifts_and_factors):
        word = without_right_shift(word * _inverse(factor, 64) & M64, shift, 64)
    return word


def _products(word: int, *shifts_and_factors: tuple[int, int]) -> int:
    for shift, factor in shifts_and_factors:
        word = (word ^ word >> shift) * factor & M64
    return word


MURMUR = ((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53), (33, 1))  # the finisher of MurmurHash3
SPLITMIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
GOLDEN = 0x9E3779B97F4A7C15


def _murmured(state: State) -> Iterator[int]:
    """Yield V8's --random-seed: a signed number and its complement, hashed."""
    seed = _unshifted_products(state[0], *MURMUR)
    if state[1] == _products(~seed & M64, *MURMUR):
        yield from _signed(seed)


def _signed(word: int) -> Iterator[int]:
    """Yield the low half of a 64-bit number whose upper half is its sign."""
    if word >> 31 in (0, full(33)):
        yield word & M32


def _twice_signed(state: State) -> Iterator[int]:
    if state[0] == state[1]:
        yield from _signed(state[0])


def _split_mixed(state: State) -> Iterator[int]:
    before = _unshifted_products(state[0], *SPLITMIX)
    if state[1] == _products(before + GOLDEN & M64, *SPLITMIX):
        yield before - GOLDEN & M64


# ── seeds that stand in the state


def _itself(state: State) -> Iterator[int]:
    yield state[0]


def _beside_constants(state: State) -> Iterator[int]:
    if state[1:] == (362436069, 521288629, 88675123):
        yield state[0]


def _twice(state: State) -> Iterator[int]:
    if state[0] == state[1]:
        yield state[0]


def _complemented(state: State) -> Iterator[int]:
    seed = state[1] >> 32
    if state == (M32 << 32 | seed ^ M32, seed << 32):
        yield seed


# ── Tausworthe components, whose lowest bits are lost, and which are raised where they would vanish


def _raised(word: int, least: int) -> int:
    return word + least if word < least else word


def _components(seed: int, least: tuple[int, ...], factor: int) -> State:
    words: list[int] = []
    for floor in least:
        seed = _raised(seed * factor & M32, floor)
        words.append(seed)
    return tuple(words)


def _lost_bit(state: State, *, model: Recurrence, least: tuple[int, ...], factor: int) -> Iterator[int]:
    """Yield the seeds whose first component is this one: its lowest bit is lost, and it may have been raised."""
    for word in (state[0], state[0] | 1, state[0] - least[0], state[0] + 1 - least[0]):
        seed = word * _inverse(factor, 32) & M32
        if model.canonical(_components(seed, least, factor)) == state:
            yield seed


def _same_word(state: State, *, model: Recurrence) -> Iterator[int]:
    """Yield the seeds of boost's taus88: every component is the seed."""
    for seed in (state[0], state[0] | 1, max(state[0] - 2, 0), max(state[0] - 1, 0)):
        if model.canonical(tuple(_raised(seed, least) for least in (2, 8, 16))) == state:
            yield seed


def _doubles(state: State) -> Iterator[int]:
    """Yield the seeds of LuaJIT's chain of doubles d -> d * pi + e, by their bits."""
    for bits in (state[0], state[0] | 1):
        (first,) = struct.unpack("<d", struct.pack("<Q", bits))
        if 2.0 < first < 2.0**55:
            near = round((first - 2.7182818284590452354) / 3.14159265358979323846)
            yield from (seed for seed in range(max(near - 2, 0), near + 3) if _chain(seed) == state)


def _chain(seed: int) -> State:
    words, d = [], float(seed)
    for _ in range(4):
        d = d * 3.14159265358979323846 + 2.7182818284590452354
        words.append(struct.unpack("<Q", struct.pack("<d", d))[0])
    return MODELS["tw223/luajit"].canonical(tuple(words))


SEEDINGS: dict[str, Seeding] = {
    "mt19937/init_genrand": Seeding(_chained),
    "mt19937/cpython": Seeding(_by_array),
    "mt19937/seed_sequence": Seeding(_sequence_of_twister, dropped=-1),
    "mt19937_php/mt_srand": Seeding(_chained),
    "mt19937_64/std": Seeding(partial(_chained, multiplier=6364136223846793005, bits=64)),
    "mt11213b/boost": Seeding(_chained),
    "r_mersenne/set_seed": Seeding(partial(_congruential, steps=53)),
    "well512a/commons_math": Seeding(_chained_in_java),
    "well1024a/commons_math": Seeding(_chained_in_java),
    "tt800/gsl": Seeding(partial(_powers, first=0)),
    "r250/gsl": Seeding(partial(_powers, first=1)),
    "taus88/boost": Seeding(partial(_same_word, model=MODELS["taus88/boost"])),
    "taus88/gsl": Seeding(
        partial(_lost_bit, model=MODELS["taus88/gsl"], least=(2, 8, 16), factor=LEHMER), dropped=6
    ),
    "taus113/gsl": Seeding(
        partial(_lost_bit, model=MODELS["taus113/gsl"], least=(2, 8, 16, 128), factor=LEHMER), dropped=10
    ),
    "tw223/luajit": Seeding(_doubles, dropped=10),
    "xorshift32/raw_seed": Seeding(_itself),
    "xorshift128/marsaglia": Seeding(_beside_constants),
    "v8_math_random/state52": Seeding(_murmured),
    "v8_math_random/state53": Seeding(_murmured),
    "v8_math_random/sum52": Seeding(_twice_signed),
    "jsc_weak_random/seed32": Seeding(_twice, dropped=1),
    "pure_rand/xorshift128plus": Seeding(_complemented),
    "pure_rand/xoroshiro128plus": Seeding(_complemented),
    "xoroshiro128/plus": Seeding(_split_mixed),
    "xoroshiro128/randomgen": Seeding(_sequence_of_halves),
    "xorshift1024/randomgen": Seeding(_sequence_of_halves),
}
