"""Triggers for the live loop: change detection with a stated false-alarm rate, never "five misses"."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from engine.evidence.evalue import required_bits

SHARES = (0.1, 0.3, 0.6, 0.95)
"""Alternatives: how far the hit rate has moved from the baseline towards its end (0 or 1)."""


@dataclass
class Trigger:
    """Shiryaev-Roberts e-detector: under the baseline the mean draws between false alarms are >= 1/alpha.

    `baseline` is the hit rate that holds while all is well; `direction` says which change matters. `levels`
    (log2, one per alternative) are all its memory: store them to continue after a restart.
    """

    alpha: float
    baseline: float
    direction: Literal["below", "above"] = "below"
    levels: tuple[float, ...] = (-math.inf,) * len(SHARES)

    def __post_init__(self) -> None:
        """Refuse rates at which a hit or a miss alone would decide."""
        required_bits(self.alpha)
        if not 0.0 < self.baseline < 1.0 or len(self.levels) != len(SHARES):
            raise ValueError(
                f"baseline {self.baseline}, {len(self.levels)} levels: want a rate inside (0, 1), {len(SHARES)}"
            )

    @property
    def bits(self) -> float:
        """Return log2 of the detector (-inf before the first draw)."""
        top = max(self.levels)
        if top == -math.inf:
            return top
        return top + math.log2(sum(2.0 ** (level - top) for level in self.levels) / len(SHARES))

    @property
    def fired(self) -> bool:
        """Return whether the detector stands at or above 1/alpha."""
        return self.bits >= required_bits(self.alpha)

    def update(self, hit: bool) -> float:
        """Score one draw and return the bits."""
        # each draw may be the first after a change: every level restarts from 1 beside what it holds
        self.levels = tuple(
            self._ratio(hit, share) + _add(level, 0.0)
            for level, share in zip(self.levels, SHARES, strict=True)
        )
        return self.bits

    def reset(self) -> None:
        """Forget everything, after the alarm was acted on or the baseline replaced."""
        self.levels = (-math.inf,) * len(SHARES)

    def _ratio(self, hit: bool, share: float) -> float:
        end = 0.0 if self.direction == "below" else 1.0
        moved = self.baseline + share * (end - self.baseline)
        return math.log2(moved / self.baseline) if hit else math.log2((1.0 - moved) / (1.0 - self.baseline))


def _add(first: float, second: float) -> float:
    """Return log2(2^first + 2^second)."""
    top = max(first, second)
    return top + math.log2(2.0 ** (first - top) + 2.0 ** (second - top))
