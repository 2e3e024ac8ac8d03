"""How the published pools do: hits beside those that chance and the pools themselves expected, bits won, calibration."""

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
    `bits`: log2 of the probability that the pool gave the drawn value, over an even chance for every value.
    """

    for_draw: int
    hit: bool
    size: int
    modulus: int
    chance: float = Field(gt=0, le=1)
    stated: float = Field(ge=0, le=1)
    bits: float
    model: str


class Bin(Record):
    """Forecasts of one tenth of the scale: how many, the sum of what they stated, how often it came true."""

    count: int = 0
    stated: float = 0.0
    hits: int = 0


class Health(Record):
    """Everything learned from judged draws, foldable one draw at a time."""

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
    bins: tuple[Bin, ...] = (Bin(),) * BINS
    recent: tuple[bool, ...] = ()
    recent_chance: tuple[float, ...] = ()
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    @property
    def brier(self) -> float | None:
        """Return the mean squared error of the stated hit rates; None before the first forecast draw."""
        return self.squared_error / self.forecast if self.forecast else None

    @property
    def calibration_error(self) -> float | None:
        """Return the mean distance of stated and observed over the bins, weighted by count."""
        if not self.forecast:
            return None
        return sum(abs(bin_.stated - bin_.hits) for bin_ in self.bins) / self.forecast

    def summary(self) -> dict[str, Any]:
        """Return the health as operators read it: numbers beside what chance expects, rounded, flat."""
        recent_expected = sum(self.recent_chance)
        return {
            "last_draw": self.last_draw,
            "forecast": self.forecast,
            "unforecast": self.unforecast,
            "missing": self.missing,
            "hits": self.hits,
            "hits_expected_by_chance": round(self.expected_by_chance, 3),
            "hits_expected_by_pool": round(self.expected_by_pool, 3),
            "recent_hits": sum(self.recent),
            "recent_draws": len(self.recent),
            "recent_expected_by_chance": round(recent_expected, 3),
            "bits_over_chance": round(self.bits, 3),
            "brier": None if self.brier is None else round(self.brier, 5),
            "calibration_error": None if self.calibration_error is None else round(self.calibration_error, 5),
        }


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
            "bins": (*health.bins[:which], new, *health.bins[which + 1 :]),
            "recent": (*health.recent, score.hit)[-RECENT:],
            "recent_chance": (*health.recent_chance, score.chance)[-RECENT:],
        }
    )


def fold_unscored(health: Health, for_draw: int, *, missing: bool) -> Health:
    """Return the health after a draw that nobody forecast, or that is known to be missing."""
    which = "missing" if missing else "unforecast"
    return health.model_copy(update={"last_draw": for_draw, which: getattr(health, which) + 1})


def bits_of(probability: float, modulus: int) -> float:
    """Return log2 of a stated probability over 1/modulus; a stated impossibility that happened costs 1024 bits."""
    return math.log2(probability * modulus) if probability > 0 else -1024.0
