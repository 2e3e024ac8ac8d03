"""Which capacity a model family gets: architectures and lengths of training on inner folds, the simplest within one standard error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.pipeline.fitting import Config
from engine.pipeline.gains import mean_and_error

LENGTHS = (0.25, 0.5, 0.75, 1.0)  # shares of the rounds that an architecture is allowed


@dataclass(frozen=True)
class Trial:
    """One architecture at one length of its training: bits over chance per draw of the inner folds."""

    rung: int
    config: Config
    rounds: int
    size: int
    gains: np.ndarray
    last: bool
    """The whole length: the others cost no training of their own."""

    @classmethod
    def lengths(cls, rung: int, config: Config, size: int) -> list[Trial]:
        """Return the unjudged trials of one architecture."""
        allowed = config["rounds"]
        return [
            cls(rung, config, int(allowed * share), int(size * share), np.zeros(0), share == 1.0)
            for share in LENGTHS
        ]

    def judged(self, gains: np.ndarray) -> Trial:
        """Return the trial with what it earned."""
        return replace(self, gains=gains)

    @property
    def bits(self) -> float:
        """Return the mean bits per draw."""
        return mean_and_error(self.gains)[0]

    def chosen(self) -> Config:
        """Return the configuration to train with; `allowed` says how long it might have been."""
        return {**self.config, "rounds": self.rounds, "allowed": self.config["rounds"]}

    def report(self) -> dict[str, Any]:
        """Return the trial as the configuration's record shows it."""
        return {"rung": self.rung, "config": self.chosen(), "size": self.size, "bits": self.bits}


def budget(ladder: Sequence[Sequence[Config]], folds: int) -> int:
    """Return how many trainings a ladder may cost."""
    return sum(map(len, ladder)) * folds


def climbs(fresh: Sequence[Trial], before: Sequence[Trial]) -> bool:
    """Say whether a rung gains more than a standard error on all rungs below it."""
    best, rival = (max(some, key=lambda one: one.bits) for some in (fresh, before))
    gain, error = mean_and_error(best.gains - rival.gains)
    return gain > 0.0 and gain > (error if np.isfinite(error) else 0.0)


def choose(trials: Sequence[Trial]) -> Trial:
    """Return the simplest trial within one standard error of the best: fewest rungs, then size, then rounds."""
    best = max(trials, key=lambda one: (one.bits, -one.rung, -one.size))
    close = [one for one in trials if one is best or _within(best.gains - one.gains)]
    return min(close, key=lambda one: (one.rung, one.size, one.rounds))


def _within(lead: np.ndarray) -> bool:
    mean, error = mean_and_error(lead)
    return mean <= (error if np.isfinite(error) else 0.0)
