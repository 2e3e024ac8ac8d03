"""Streams that begin at a state instead of a seed: its width, random ones, the words and draws that follow, the seed behind it.

A state is one number: the generator's words, the first most significant, times the length of the runtime's block of cached words,
plus how many of the block were used before (engine/recovery/recurrences, engine/recovery/congruences).
"""

from __future__ import annotations

import math

import numpy as np

from engine.recovery import congruences, seeding_f2, seeding_lcg
from engine.recovery.answer import Found
from engine.recovery.problem import Pattern, calls_of
from engine.recovery.recurrences import models
from hip_cuda_kernels import host
from hip_cuda_kernels.lowering import lower_call
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.registry import family as family_of

SPARE_WORDS = 64  # asked for beyond the words that the calls take, for those drawn again


def known(family: str) -> bool:
    """Return whether a model steps the family on from a state."""
    return family in models.MODELS or family in congruences.MODELS


def number(found: Found) -> int:
    """Return a solved state as one number."""
    return found.state * _block(found.family) + found.place


def recurring(family: str, state: int) -> int:
    """Return the state of the recurrence alone, without the place in the block of cached words."""
    return state // _block(family)


def used(family: str, state: int) -> tuple[int, int] | None:
    """Return how many words of the block were used before, and its length; None where the runtime caches none."""
    block = _block(family)
    return (state % block, block) if block > 1 else None


def bits(family: str) -> int:
    """Return how many bits hold every state of the family as a number."""
    model = models.MODELS.get(family)
    whole = model.size * model.bits if model else (congruences.MODELS[family].modulus - 1).bit_length()
    return whole + (_block(family) - 1).bit_length()


def unknown_bits(family: str) -> int:
    """Return log2 of the states that differ, rounded up: what a state is billed."""
    model = models.MODELS.get(family)
    if model is None:
        return (congruences.MODELS[family].modulus - 1).bit_length()
    return model.unknowns + math.ceil(math.log2(model.block))


def random(family: str, rng: np.random.Generator) -> int:
    """Return a random state, never the one at which a linear generator stands still."""
    model = models.MODELS.get(family)
    if model is None:
        return _below(congruences.MODELS[family].modulus - 1, rng) + 1
    state = tuple(_below((1 << model.bits) - 1, rng) + 1 for _ in range(model.size))
    return model.pack(model.canonical(state)) * model.block + int(rng.integers(model.block))


def words(family: str, state: int, count: int) -> np.ndarray:
    """Return the uint64 (count,) raw words that calls receive from a state on."""
    model = models.MODELS.get(family)
    if model is None:
        return congruences.MODELS[family].words(state, count)
    packed, place = divmod(state, model.block)
    return model.words(model.unpack(packed), count, place)


def values(
    family: str,
    mapping: str,
    state: int,
    lo: int,
    hi: int,
    count: int,
    *,
    start: int = 0,
    gap: int = 0,
    pattern: Pattern | None = None,
) -> np.ndarray:
    """Return the int64 (count,) draws in lo..hi from a state on: `start` calls discarded first, `gap` or a pattern of gaps between two draws."""
    entry = family_of(family)
    call = lower_call(parse_mapping(mapping, entry), entry, lo, hi)
    calls = start + calls_of(pattern or (gap,), np.arange(count))
    last = int(calls[-1]) + 1 if count else 0
    needed = last * call.raw_words
    while True:
        made = words(family, state, needed + SPARE_WORDS)
        draws = host.read(family, mapping, lo, hi, made, last)
        if len(draws) == last:
            return draws[calls]
        needed *= 2


def seed_of(found: Found) -> tuple[int, int] | None:
    """Return (seed, calls after seeding) that lead to a solved state, or None where no seeding does within reach.

    Where each state has a seed, a small one some calls before says more than the nearest: the one that chance explains least is named.
    """
    if found.family in models.MODELS:
        return seeding_f2.seed_of(found)
    listed = seeding_lcg.origins(found.family, found.mapping, found.lo, found.hi, found.state)
    least = min(listed, key=lambda one: one.by_chance, default=None)
    return None if least is None else (least.seed, least.start)


def _block(family: str) -> int:
    model = models.MODELS.get(family)
    return model.block if model else 1


def _below(limit: int, rng: np.random.Generator) -> int:
    """Return a random number below `limit`, which may be wider than a machine word."""
    wide = int.from_bytes(rng.bytes((limit.bit_length() + 71) // 8), "big")
    return wide % limit
