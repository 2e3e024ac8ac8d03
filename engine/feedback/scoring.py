"""One drawn value against the pool committed before it: hit, log score, Brier, and how many survivors were right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.feedback.diagnostics import Score, bits_of

if TYPE_CHECKING:
    from state.predictions import PoolRow


def score_of(value: int, row: PoolRow) -> Score:
    """Score one drawn value against a committed pool; an even pool names every value, so it neither gains nor loses."""
    pool = row.pool
    lo, hi = pool["range"]
    modulus = hi - lo + 1
    heads = {int(head): float(share) for head, share in pool["heads"]}
    rest = float(pool["rest"])
    size, inside = len(heads) or modulus, lo <= value <= hi
    share = heads.get(value, rest) if inside else 0.0
    return Score(
        for_draw=row.for_draw,
        hit=value in heads if heads else inside,
        size=size,
        modulus=modulus,
        chance=size / modulus,
        stated=min(1.0, sum(heads.values())) if heads else 1.0,
        bits=bits_of(share, modulus),
        model=str(pool["model"]),
        offset=value - lo if inside else None,
        basis=str(pool.get("basis", "")),
        brier=_brier(share, heads, rest, modulus),
        brier_even=1.0 - 1.0 / modulus,
        **_survivors(value, pool),
    )


def _brier(share: float, heads: Mapping[int, float], rest: float, modulus: int) -> float:
    """Return the squared distance between the forecast and what happened, over all values."""
    squares = sum(one * one for one in heads.values()) + (modulus - len(heads)) * rest * rest
    return squares - share * share + (1.0 - share) ** 2


def _survivors(value: int, pool: Mapping[str, Any]) -> dict[str, Any]:
    parts = pool.get("components", ())
    rates = [float(one["rate"]) for one in parts]
    return {
        "survivors": len(rates),
        "survivors_right": sum(int(one["predicted"]) == value for one in parts),
        "survivors_expected": sum(rates),
        "survivors_variance": sum(rate * (1.0 - rate) for rate in rates),
    }
