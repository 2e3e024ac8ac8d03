"""How a pool did, once its draw is known: proper scores against an even chance, and pools of 20, 100, 300 beside their chance lines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.seedtree import named_rng

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.pipeline.artifacts import Pool, PoolLine

SIZES = (20, 100, 300)
WIDE = 1 << 20
WORST_BITS = -1024.0  # of a draw that the pool called impossible


@dataclass(frozen=True)
class Outcome:
    """One draw against the pool that was sealed before it; `bits` and `brier` are proper scores, `inside` per pool size."""

    bits: float
    brier: float
    brier_even: float
    inside: dict[int, bool]

    @property
    def skill(self) -> float:
        """Return the Brier score's gain over an even chance, 0 for none and 1 for a certainty that came true."""
        return 1.0 - self.brier / self.brier_even if self.brier_even > 0.0 else 0.0


def lines(heads: Sequence[tuple[int, float]], rest: float, modulus: int) -> tuple[PoolLine, ...]:
    """Return for each size that the range holds how often its pool holds the draw, by chance and as stated."""
    from engine.pipeline.artifacts import PoolLine

    made = []
    for size in (one for one in SIZES if one < modulus):
        named = [chance for _, chance in heads[:size]]
        stated = math.fsum(named) + (size - len(named)) * rest
        made.append(PoolLine(size=size, chance=size / modulus, stated=min(1.0, stated)))
    return tuple(made)


def members(pool: Pool, size: int) -> list[int]:
    """Return the values of the pool of one size: the likeliest first, then equal ones in an order that the draw's number fixes."""
    likely = [value for value, chance in pool.heads if chance > pool.rest][:size]
    if len(likely) == size:
        return likely
    lo, hi = pool.range
    taken, shy = set(likely), {value for value, chance in pool.heads if chance < pool.rest}
    rng = named_rng(pool.for_draw, "pool")
    wide = hi - lo + 1 > WIDE  # too many values to put all of them in order: equal ones hardly meet twice
    order = rng.integers(lo, hi, 4 * size, endpoint=True) if wide else rng.permutation(hi - lo + 1) + lo
    even = [value for value in dict.fromkeys(order.tolist()) if value not in taken]
    even.sort(key=lambda value: value in shy)
    return [*likely, *even[: size - len(likely)]]


def outcome(pool: Pool, value: int) -> Outcome:
    """Score one drawn value."""
    modulus = pool.range[1] - pool.range[0] + 1
    given = pool.probability(value)
    squares = math.fsum(chance**2 for _, chance in pool.heads) + (modulus - len(pool.heads)) * pool.rest**2
    return Outcome(
        bits=math.log2(given * modulus) if given > 0.0 else WORST_BITS,
        brier=squares - 2.0 * given + 1.0,
        brier_even=1.0 - 1.0 / modulus,
        inside={size: value in members(pool, size) for size in SIZES if size < modulus},
    )


def reliability_slope(stated: np.ndarray, came: np.ndarray) -> float:
    """Return the slope of what happened over what was stated (1 is calibrated); nan where every statement was the same."""
    spread = stated - stated.mean()
    return float(spread @ came / (spread @ spread)) if np.ptp(stated) > 0.0 else float("nan")
