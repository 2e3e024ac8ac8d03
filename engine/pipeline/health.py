"""Is a trained model sound? Dead units, gradient spread, overfit, early stop, unused features: numbers with limits, warnings beyond them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.watcher.evaluation import Finding

Numbers = dict[str, float | None]


@dataclass(frozen=True)
class Limit:
    """The most that a number may be, and what it means beyond."""

    most: float
    text: str


LIMITS: Mapping[str, Limit] = {
    "dead_units": Limit(0.5, "of its units do nothing"),
    "gradient_decades": Limit(4.0, "powers of ten lie between its layers' gradients"),
    "overfit_bits": Limit(1.0, "bits a draw more on draws it learnt from than on later ones"),
    "unused_features": Limit(0.98, "of its features are never used"),
}


def numbers(meta: Mapping[str, Any], out_of_fold_bits: float) -> Numbers:
    """Return the health of one trained model; `early_stop` is the share of the allowed rounds that was trained."""
    config = meta["config"]
    return {
        **meta["anatomy"],
        "overfit_bits": meta["inside_bits"] - out_of_fold_bits,
        "early_stop": config["rounds"] / config["allowed"],
    }


def warnings(health: Mapping[str, Numbers]) -> list[Finding]:
    """Return a warning for every number beyond its limit; it is the evidence on later draws that decides, not these."""
    return [
        Finding(
            code=f"health.{name}",
            level="warn",
            text=f"{family}: {value:.3g} {limit.text} (limit {limit.most:g})",
        )
        for family, one in health.items()
        for name, limit in LIMITS.items()
        if (value := one[name]) is not None and value > limit.most
    ]
