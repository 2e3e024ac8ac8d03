"""Which transform to try next: Gaussian Thompson sampling, seeded, its whole memory in a few numbers per arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.seedtree import named_rng

PRIOR_SPREAD = 0.25
NOISE_FLOOR = 0.02


@dataclass
class Arm:
    """What one arm has returned: count, mean, sum of squared deviations."""

    pulls: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def tell(self, reward: float) -> None:
        """Take in one reward."""
        self.pulls += 1
        delta = reward - self.mean
        self.mean += delta / self.pulls
        self.squares += delta * (reward - self.mean)


@dataclass
class Bandit:
    """Arms by name. The choice depends on the seed, the number of choices made and the rewards told, on nothing else.

    Rewards are gains over the baseline, about -1..1. Prior of each arm: mean 0, spread 0.25.
    """

    names: tuple[str, ...]
    seed: int
    chosen: int = 0
    arms: dict[str, Arm] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give every name an arm."""
        if not self.names:
            raise ValueError("a bandit needs at least one arm")
        for name in self.names:
            self.arms.setdefault(name, Arm())

    def choose(self) -> str:
        """Draw a plausible mean for every arm and return the arm with the highest."""
        rng = named_rng(self.seed, "selfplay", "bandit", self.chosen)
        self.chosen += 1
        noise = self._noise()
        drawn = {
            name: self._plausible(self.arms[name], noise, float(rng.standard_normal())) for name in self.names
        }
        return max(self.names, key=drawn.__getitem__)

    def choose_many(self, count: int) -> list[str]:
        """Return several choices before any of them is told."""
        return [self.choose() for _ in range(count)]

    def tell(self, name: str, reward: float) -> None:
        """Take in the reward of one choice; a reward that is not a finite number is refused."""
        if not math.isfinite(reward):
            raise ValueError(f"bandit arm {name}: reward {reward} is not a number")
        self.arms[name].tell(reward)

    def pulls(self) -> dict[str, int]:
        """Return how often each arm was told."""
        return {name: self.arms[name].pulls for name in self.names}

    def exploration(self) -> float:
        """Return the entropy of the pulls over its maximum: 1 = all arms alike, 0 = one arm only."""
        return normalised_entropy([self.arms[name].pulls for name in self.names])

    def _noise(self) -> float:
        spread = sum(arm.squares for arm in self.arms.values())
        freedom = sum(max(0, arm.pulls - 1) for arm in self.arms.values())
        return max(NOISE_FLOOR, math.sqrt(spread / freedom)) if freedom else PRIOR_SPREAD

    @staticmethod
    def _plausible(arm: Arm, noise: float, z: float) -> float:
        precision = 1 / PRIOR_SPREAD**2 + arm.pulls / noise**2
        return arm.mean * arm.pulls / noise**2 / precision + z / math.sqrt(precision)


def normalised_entropy(counts: Sequence[int]) -> float:
    """Return the entropy of counts divided by that of an even split; 0 with nothing or one kind counted."""
    total = sum(counts)
    if total == 0 or len(counts) < 2:
        return 0.0
    shares = [count / total for count in counts if count]
    return -sum(share * math.log(share) for share in shares) / math.log(len(counts))
