"""A soak's draws: planted generators, one after the other, and null data; draw n depends on the seed and n alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.history.injector import Injector, Plant

NULL = "null"


@dataclass(frozen=True)
class Regime:
    """A stretch of draws with one truth from draw `first` on: a planted generator that began at `origin`, or None for null data."""

    first: int
    plant: Plant | None
    origin: int

    @property
    def truth(self) -> str:
        """Return what made these draws, in words."""
        if self.plant is None:
            return NULL
        return (
            f"{self.plant.family} {self.plant.mapping} seed {self.plant.seed}, {self.plant.noise:.0%} wrong"
        )


@dataclass
class Stream:
    """Draws of one soak, repeatable: a resumed soak goes on with the very next one."""

    seed: int
    span: tuple[int, int]
    regimes: tuple[Regime, ...]
    _sources: dict[int, Injector] = field(default_factory=dict)

    def value(self, number: int) -> int:
        """Return draw `number`, counted from 0."""
        regime = self.regime(number)
        if regime.plant is None:
            low, high = self.span
            text = f"{self.seed}/{NULL}/{number}".encode()
            return low + int.from_bytes(hashlib.sha256(text).digest()[:8], "big") % (high - low + 1)
        source = self._sources.get(regime.first)
        if source is None:
            source = self._sources[regime.first] = Injector(regime.plant, self.seed + regime.first)
        source.position = number - regime.origin
        return int(source.next_draw().value or 0)

    def regime(self, number: int) -> Regime:
        """Return the truth in force at a draw."""
        return next(one for one in reversed(self.regimes) if one.first <= number)

    def described(self) -> list[dict[str, Any]]:
        """Return the truth for the soak's own record; the room never sees it."""
        return [
            {
                "first": one.first,
                "truth": one.truth,
                "family": one.plant and one.plant.family,
                "seed": one.plant and one.plant.seed,
                "noise": one.plant and one.plant.noise,
            }
            for one in self.regimes
        ]


@dataclass(frozen=True)
class Stretch:
    """What a regime is asked to be: how many draws, which share wrong, and whether the generator before it goes on."""

    draws: int
    noise: float = 0.0
    same: bool = False
    null: bool = False


def stream(seed: int, stretches: Sequence[Stretch], *, seeds: int, span: tuple[int, int]) -> Stream:
    """Return regimes of these lengths, the last one for ever; each new generator has a seed of its own in the upper half below `seeds`."""
    regimes: list[Regime] = []
    first = 0
    for place, asked in enumerate(stretches):
        regimes.append(_regime(seed, place, first, asked, regimes, seeds, span))
        first += asked.draws
    return Stream(seed, span, tuple(regimes))


def _regime(
    seed: int,
    place: int,
    first: int,
    asked: Stretch,
    before: Sequence[Regime],
    seeds: int,
    span: tuple[int, int],
) -> Regime:
    if asked.null:
        return Regime(first, None, first)
    if asked.same and before and before[-1].plant is not None:
        return Regime(first, replace(before[-1].plant, noise=asked.noise), before[-1].origin)
    digest = hashlib.sha256(f"{seed}/plant/{place}".encode()).digest()
    planted = seeds // 2 + int.from_bytes(digest[:8], "big") % (seeds - seeds // 2)
    return Regime(first, Plant("lcg48/java", "java_bounded", *span, seed=planted, noise=asked.noise), first)
