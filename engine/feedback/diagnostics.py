"""How the published pools do: hits beside those that chance and the pools expected, log score, Brier, calibration, drift, coverage."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

BINS = 10
RECENT = 50


class Record(BaseModel):
    """Strict, immutable base of the records in this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Score(Record):
    """One draw against the pool committed before it.

    `chance`: how often a random pool of this size holds the draw; `stated`: how often this pool says it does;
    `bits`: log2 of the probability that the pool gave the drawn value, over an even chance for every value; `offset`: where in the range the drawn value lies, None outside of it; `brier`
    and `brier_even`: squared error of the whole forecast and of an even one; `survivors`: how many alignments spoke,
    how many were right, how many their rates expected to be right, and the variance of that number.
    """

    for_draw: int
    hit: bool
    size: int
    modulus: int
    chance: float = Field(gt=0, le=1)
    stated: float = Field(ge=0, le=1)
    bits: float
    model: str
    offset: int | None = None
    basis: str = ""
    brier: float = 0.0
    brier_even: float = 0.0
    survivors: int = 0
    survivors_right: int = 0
    survivors_expected: float = 0.0
    survivors_variance: float = 0.0


class Bin(Record):
    """Forecasts of one tenth of the scale: how many, the sum of what they stated, how often it came true."""

    count: int = 0
    stated: float = 0.0
    hits: int = 0


class Health(Record):
    """Everything learned from judged draws, foldable one draw at a time; survivors are counted per model."""

    schema_: str = Field(default="learning_health/1", alias="schema")
    last_draw: int | None = None
    forecast: int = 0
    unforecast: int = 0
    missing: int = 0
    hits: int = 0
    expected_by_chance: float = 0.0
    expected_by_pool: float = 0.0
    bits: float = 0.0
    best_bits: float = 0.0
    squared_error: float = 0.0
    brier_sum: float = 0.0
    brier_even_sum: float = 0.0
    bins: tuple[Bin, ...] = (Bin(),) * BINS
    recent: tuple[bool, ...] = ()
    recent_chance: tuple[float, ...] = ()
    recent_stated: tuple[float, ...] = ()
    model: str = ""
    survivors_right: int = 0
    survivors_expected: float = 0.0
    survivors_variance: float = 0.0
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    @property
    def brier(self) -> float | None:
        """Return the mean squared error of the stated hit rates; None before the first forecast draw."""
        return self.squared_error / self.forecast if self.forecast else None

    @property
    def brier_skill(self) -> float | None:
        """Return 1 - Brier over that of an even forecast: 0 = no better than even, 1 = every draw foretold."""
        return 1.0 - self.brier_sum / self.brier_even_sum if self.brier_even_sum > 0 else None

    @property
    def calibration_error(self) -> float | None:
        """Return the mean distance of stated and observed over the bins, weighted by count."""
        if not self.forecast:
            return None
        return sum(abs(bin_.stated - bin_.hits) for bin_ in self.bins) / self.forecast

    @property
    def lift(self) -> float | None:
        """Return hits over those that chance expected; None before the first forecast draw."""
        return self.hits / self.expected_by_chance if self.expected_by_chance > 0 else None

    @property
    def survivor_drift(self) -> float | None:
        """Return how far the present model's survivors hit from what their rates state, in standard deviations."""
        if self.survivors_variance <= 0.0:
            return None
        return (self.survivors_right - self.survivors_expected) / math.sqrt(self.survivors_variance)

    def summary(self) -> dict[str, Any]:
        """Return the health as operators read it: numbers beside what chance expects, rounded, flat.

        `pool_coverage` is the share of the range that the recent pools named, on average.
        """
        recent_expected, recent_hits = sum(self.recent_chance), sum(self.recent)
        return {
            "last_draw": self.last_draw,
            "forecast": self.forecast,
            "unforecast": self.unforecast,
            "missing": self.missing,
            "hits": self.hits,
            "hits_expected_by_chance": round(self.expected_by_chance, 3),
            "hits_expected_by_pool": round(self.expected_by_pool, 3),
            "lift": _rounded(self.lift, 2),
            "recent_hits": recent_hits,
            "recent_draws": len(self.recent),
            "recent_expected_by_chance": round(recent_expected, 3),
            "recent_expected_by_pool": round(sum(self.recent_stated), 3),
            "pool_coverage": _rounded(recent_expected / len(self.recent) if self.recent else None, 5),
            "recent_lift": _rounded(recent_hits / recent_expected if recent_expected else None, 2),
            "bits_over_chance": round(self.bits, 3),
            "best_bits_over_chance": round(self.best_bits, 3),
            "brier": _rounded(self.brier, 5),
            "brier_skill": _rounded(self.brier_skill, 5),
            "calibration_error": _rounded(self.calibration_error, 5),
            "survivor_drift": _rounded(self.survivor_drift, 2),
        }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def fold(health: Health, score: Score) -> Health:
    """Return the health after one forecast draw."""
    which = min(int(score.stated * BINS), BINS - 1)
    old = health.bins[which]
    new = Bin(count=old.count + 1, stated=old.stated + score.stated, hits=old.hits + score.hit)
    bits = health.bits + max(score.bits, -1024.0)
    return health.model_copy(
        update={
            "last_draw": score.for_draw,
            "forecast": health.forecast + 1,
            "hits": health.hits + score.hit,
            "expected_by_chance": health.expected_by_chance + score.chance,
            "expected_by_pool": health.expected_by_pool + score.stated,
            "bits": bits,
            "best_bits": max(health.best_bits, bits),
            "squared_error": health.squared_error + (score.stated - score.hit) ** 2,
            "brier_sum": health.brier_sum + score.brier,
            "brier_even_sum": health.brier_even_sum + score.brier_even,
            "bins": (*health.bins[:which], new, *health.bins[which + 1 :]),
            "recent": (*health.recent, score.hit)[-RECENT:],
            "recent_chance": (*health.recent_chance, score.chance)[-RECENT:],
            "recent_stated": (*health.recent_stated, round(score.stated, 6))[-RECENT:],
            **_survivors(health, score),
        }
    )


def _survivors(health: Health, score: Score) -> dict[str, Any]:
    same = health.model == score.model
    return {
        "model": score.model,
        "survivors_right": score.survivors_right + (health.survivors_right if same else 0),
        "survivors_expected": score.survivors_expected + (health.survivors_expected if same else 0.0),
        "survivors_variance": score.survivors_variance + (health.survivors_variance if same else 0.0),
    }


def fold_unscored(health: Health, for_draw: int, *, missing: bool) -> Health:
    """Return the health after a draw that nobody forecast, or that is known to be missing."""
    which = "missing" if missing else "unforecast"
    return health.model_copy(update={"last_draw": for_draw, which: getattr(health, which) + 1})


def bits_of(probability: float, modulus: int) -> float:
    """Return log2 of a stated probability over 1/modulus; a stated impossibility that happened costs 1024 bits."""
    return math.log2(probability * modulus) if probability > 0 else -1024.0
