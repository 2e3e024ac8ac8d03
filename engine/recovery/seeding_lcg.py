"""From a congruential state back to the seed that a program gave, and how many calls lie between."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from engine.recovery.congruences import MODELS, Congruence
from engine.recovery.cuts import Cut, cut_of
from hip_cuda_kernels import host
from hip_cuda_kernels.registry import family as family_of

LOOK_BACK = 1 << 16
"""Calls before the first draw among which a seed is looked for; each state of drand48 has one so near."""
MOST_BY_CHANCE = 1e-3
"""A seed that is not the nearest is named where chance gives one so near and so small at most so often.

Over all nearnesses that sums up: of random states one in a hundred has such a seed within LOOK_BACK calls."""
VERIFIED = 64  # draws that a seed must make as its state does
_LONG = (1 << 32) - 1
_MERSENNE = (1 << 31) - 1
_STUCK = 123459876  # what minstd's users xor or put in for seeds that the recurrence would never leave


@dataclass(frozen=True)
class Origin:
    """A seed, the mapping calls discarded between seeding and the first draw, and how often chance gives one as near and small."""

    seed: int
    start: int
    by_chance: float


@dataclass(frozen=True)
class Seeding:
    """`state` of a seed, and `seeds` that may have a state: those that have another one are dropped."""

    state: Callable[[int], int]
    seeds: Callable[[int], tuple[int, ...]]


def origins(
    family: str, mapping: str, lo: int, hi: int, state: int, *, look_back: int = LOOK_BACK
) -> list[Origin]:
    """Return the seeds behind the state before the first draw: the nearest (the smallest of several), and the least by chance.

    The second only where chance gives one so near and small at most MOST_BY_CHANCE often. Empty where no seed lies within
    `look_back` calls, as for most states of a generator with more states than seeds. Each makes the state's draws, by exact calls.
    """
    cut = cut_of(family, mapping, lo, hi)
    if cut is None or family not in SEEDINGS:
        return []
    wanted = host.read(family, mapping, lo, hi, cut.model.words(state, VERIFIED * cut.words * 2), VERIFIED)

    def makes(one: Origin) -> bool:
        made = host.values(family, mapping, one.seed, lo, hi, len(wanted), start=one.start)
        return np.array_equal(made, wanted)

    near = list(_near(family, cut, state, look_back))
    rare = sorted((o for o in near if o.by_chance <= MOST_BY_CHANCE), key=lambda o: o.by_chance)
    chosen = [next(filter(makes, ordered), None) for ordered in (near, rare)]
    return list(dict.fromkeys(one for one in chosen if one is not None))


def _near(family: str, cut: Cut, state: int, look_back: int) -> Iterator[Origin]:
    """Yield the seeds whose state lies on the way back, by start and then by seed."""
    seeding, most = SEEDINGS[family], 1 << family_of(family).seed_bits
    back = Congruence(cut.model.modulus, *cut.model.inverse.power(cut.words))
    for start, at in enumerate([state, *back.states(state, look_back).tolist()]):
        for seed in sorted(seeding.seeds(at)):
            if 0 <= seed < most and seeding.state(seed) % cut.model.modulus == at:
                yield Origin(seed, start, min(1.0, (start + 1) * (seed + 1) / cut.model.modulus))


def _lehmer_zero(seed: int) -> int:
    return seed % _MERSENNE or 1


def _signed_like(state: int) -> tuple[int, ...]:
    return state, 0, state + _MERSENNE + 1


def _ran0_seeds(state: int) -> tuple[int, ...]:
    return tuple(x ^ _STUCK for x in range(state, _LONG + 1, _MERSENNE))


def _tcl_state(seed: int) -> int:
    return MODELS["tcl_rand/srand"].step(seed ^ _STUCK if seed in (0, _MERSENNE) else seed)


def _tcl_seeds(state: int) -> tuple[int, ...]:
    return MODELS["tcl_rand/srand"].back(state), 0, _MERSENNE


def _randomized(seed: int) -> int:
    """Fold the upper half of the seed as a double, a signed whole number, to the 16 bits over the state's low byte."""
    upper = int.from_bytes(struct.pack(">d", seed - (seed >> 31 << 32))[:4])
    return (upper & 0xFFFF ^ upper >> 16) << 8


def _randomize_seeds(state: int) -> tuple[int, ...]:
    """Try every sign, exponent and first mantissa digit of such a double; the fold gives its other bits."""
    if state & 0xFF:
        return ()
    firsts = (sign << 15 | exponent << 4 | digit
              for sign in (0, 1) for exponent in range(1023, 1055) for digit in range(16))  # fmt: skip
    numbers = (struct.unpack(">d", struct.pack(">HHI", f, f ^ state >> 8, 0))[0] for f in firsts)
    return 0, *(int(number) & _LONG for number in numbers if number.is_integer())


_STATE_ITSELF = Seeding(lambda seed: seed, lambda state: (state,))
_ONE_FOR_ZERO = Seeding(lambda seed: seed or 1, lambda state: (state, 0))
_ONE_FOR_ZERO_31 = Seeding(lambda seed: (seed or 1) & _MERSENNE, _signed_like)
_MINSTD = Seeding(_lehmer_zero, lambda state: (state, 0))

# As each generator's header under hip_cuda_kernels/generators seeds itself.
SEEDINGS: dict[str, Seeding] = {
    "lcg48/java": Seeding(lambda seed: seed ^ 0x5DEECE66D, lambda state: (state ^ 0x5DEECE66D,)),
    "lcg48/drand48": Seeding(lambda seed: seed << 16 | 0x330E, lambda state: (state >> 16,)),
    "knuth_lcg64/musl": Seeding(lambda seed: (seed - 1) & _LONG, lambda state: (state + 1 & _LONG,)),
    "knuth_lcg64/newlib": Seeding(lambda seed: seed, lambda state: (state & _LONG,)),
    "msvc_rand/srand": Seeding(lambda seed: seed & _MERSENNE, lambda state: (state,)),
    "glibc_random/type0": _ONE_FOR_ZERO_31,
    "gforth_random/seed": _STATE_ITSELF,
    "vb_rnd/state": _STATE_ITSELF,
    "vb_rnd/randomize": Seeding(_randomized, _randomize_seeds),
    "knuth_lcg/randu": _ONE_FOR_ZERO_31,
    "knuth_lcg/borosh13": _ONE_FOR_ZERO,
    "knuth_lcg/waterman14": _ONE_FOR_ZERO,
    "knuth_lcg/transputer": _ONE_FOR_ZERO,
    "knuth_lcg/vax": _STATE_ITSELF,
    "lcg31/minstd16807": _MINSTD,
    "lcg31/minstd48271": _MINSTD,
    "lcg31/fishman18": _MINSTD,
    "lcg31/ran0": Seeding(lambda seed: (seed ^ _STUCK) % _MERSENNE, _ran0_seeds),
    "tcl_rand/srand": Seeding(_tcl_state, _tcl_seeds),
}
