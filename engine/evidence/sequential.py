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

    With a `weight` at each update that sums to at most 1 over all of them, the probability of ever raising a false
    alarm is <= alpha instead (Ville). `baseline` is the hit rate that holds while all is well; `direction` says which
    change matters. `levels` (log2, one per alternative) are all its memory: store them to continue after a restart.
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

    def update(self, hit: bool, weight: float = 1.0) -> float:
        """Score one draw and return the bits; `weight` is the prior that a change began with this draw."""
        # each draw may be the first after a change: every level restarts from the weight beside what it holds
        begin = math.log2(weight)
        self.levels = tuple(
            self.ratio(hit, share) + _add(level, begin)
            for level, share in zip(self.levels, SHARES, strict=True)
        )
        return self.bits

    @property
    def leading(self) -> float:
        """Return the alternative that explains the draws best: how far the hit rate has moved."""
        return max(zip(self.levels, SHARES, strict=True))[1]

    def reset(self) -> None:
        """Forget everything, after the alarm was acted on or the baseline replaced."""
        self.levels = (-math.inf,) * len(SHARES)

    def ratio(self, hit: bool, share: float) -> float:
        """Return the bits that one draw speaks for a hit rate moved by `share`."""
        end = 0.0 if self.direction == "below" else 1.0
        moved = self.baseline + share * (end - self.baseline)
        return math.log2(moved / self.baseline) if hit else math.log2((1.0 - moved) / (1.0 - self.baseline))


@dataclass(frozen=True)
class Rise:
    """Where a change began, by maximum likelihood: the draw after which the evidence for it never fell back to nothing."""

    bits: float = 0.0
    since: int | None = None

    def update(self, ratio: float, draw: int) -> Rise:
        """Take in the bits of one draw."""
        if self.bits + ratio <= 0.0:
            return Rise()
        return Rise(self.bits + ratio, draw if self.since is None else self.since)


def spent(draw: int) -> float:
    """Return the weight 1/(n(n+1)) of the n-th draw; over all draws they sum to 1."""
    return 1.0 / (draw * (draw + 1))


def _add(first: float, second: float) -> float:
    """Return log2(2^first + 2^second)."""
    top = max(first, second)
    return top + math.log2(2.0 ** (first - top) + 2.0 ** (second - top))
