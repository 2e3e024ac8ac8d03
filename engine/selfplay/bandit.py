"""Which transform to try next: Thompson sampling with a normal-inverse-gamma posterior per arm, seeded; a few numbers an arm, shown.

Rewards of real episodes differ in spread from arm to arm by more than tenfold, so each arm's noise is unknown and its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.seedtree import named_rng

PRIOR_SPREAD = 0.25
NOISE_FLOOR = 0.002
WIDEST = 2.0
"""The prior spread of an arm's mean, in units of its noise."""
WORTH = 4.0
"""How many episodes the noise of all arms is worth in the belief about one arm's own."""
SAMPLES = 1000


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


@dataclass(frozen=True)
class Posterior:
    """What is believed of one arm: its mean reward and the spread of that belief, its episodes' noise, and the probability that it is the best."""

    arm: str
    pulls: int
    mean: float
    spread: float
    noise: float
    best: float


@dataclass(frozen=True)
class Belief:
    """A normal-inverse-gamma posterior: the noise's square is inverse gamma (shape, rate), the mean normal around `mean`, worth `weight` episodes."""

    mean: float
    weight: float
    shape: float
    rate: float

    def sample(self, rng: np.random.Generator, size: int) -> npt.NDArray[np.float64]:
        """Return plausible mean rewards."""
        noise = np.sqrt(self.rate / rng.gamma(self.shape, size=size))
        return self.mean + rng.standard_normal(size) * noise / math.sqrt(self.weight)

    @property
    def noise(self) -> float:
        """Return the believed noise of an episode."""
        return math.sqrt(self.rate / (self.shape - 1))


@dataclass
class Bandit:
    """Arms by name. The choice depends on the seed, the number of choices made and the rewards told, on nothing else.

    Before its own rewards an arm is believed to be like the others: its mean the mean of their means, its noise theirs in common.
    """

    names: tuple[str, ...]
    seed: int
    chosen: int = 0
    arms: dict[str, Arm] = field(default_factory=dict)
    flying: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give every name an arm."""
        if not self.names:
            raise ValueError("a bandit needs at least one arm")
        for name in self.names:
            self.arms.setdefault(name, Arm())

    def choose(self) -> str:
        """Return an arm that nobody tried yet, in an order of the seed's; then the best plausible one."""
        rng = named_rng(self.seed, "selfplay", "bandit", self.chosen)
        self.chosen += 1
        fresh = [name for name in self.names if self._tries(name) == 0]
        if fresh:
            return fresh[int(rng.integers(len(fresh)))]
        beliefs = self._beliefs()
        drawn = {name: float(belief.sample(rng, 1)[0]) for name, belief in beliefs.items()}
        return max(self.names, key=drawn.__getitem__)

    def choose_many(self, count: int) -> list[str]:
        """Return several choices before any of them is told; one in flight counts as tried."""
        chosen = []
        for _ in range(count):
            name = self.choose()
            self.flying[name] = self.flying.get(name, 0) + 1
            chosen.append(name)
        return chosen

    def tell(self, name: str, reward: float) -> None:
        """Take in the reward of one choice; a reward that is not a finite number is refused."""
        if not math.isfinite(reward):
            raise ValueError(f"bandit arm {name}: reward {reward} is not a number")
        self.flying[name] = max(0, self.flying.get(name, 0) - 1)
        self.arms[name].tell(reward)

    def remember(self, rewards: Iterable[tuple[str, float]]) -> None:
        """Take in the rewards of earlier sessions; those of arms that are gone are left out."""
        for name, reward in rewards:
            if name in self.arms:
                self.tell(name, reward)

    def posterior(self) -> list[Posterior]:
        """Return what is believed of every arm, the best first."""
        beliefs = self._beliefs()
        rng = named_rng(self.seed, "selfplay", "posterior", self.chosen)
        leads = np.stack([beliefs[name].sample(rng, SAMPLES) for name in self.names]).argmax(axis=0)
        rows = [
            Posterior(
                name, self.arms[name].pulls, belief.mean, belief.noise / math.sqrt(belief.weight), belief.noise,
                int((leads == at).sum()) / SAMPLES,
            )
            for at, name in enumerate(self.names)
            for belief in (beliefs[name],)
        ]  # fmt: skip
        return sorted(rows, key=lambda row: (-row.mean, row.arm))

    def pulls(self) -> dict[str, int]:
        """Return how often each arm was told."""
        return {name: self.arms[name].pulls for name in self.names}

    def exploration(self) -> float:
        """Return the entropy of the pulls over its maximum: 1 = all arms alike, 0 = one arm only."""
        return normalised_entropy([self.arms[name].pulls for name in self.names])

    def _tries(self, name: str) -> int:
        return self.arms[name].pulls + self.flying.get(name, 0)

    def _beliefs(self) -> dict[str, Belief]:
        """Return each arm's posterior; what is in flight is expected to return its mean."""
        noise, centre, prior = self._noise(), self._centre(), 1.0 / WIDEST**2
        found = {}
        for name, arm in self.arms.items():
            weight, away = prior + arm.pulls, arm.mean - centre
            squares = WORTH * noise**2 + arm.squares + prior * arm.pulls / weight * away**2
            mean = (prior * centre + arm.pulls * arm.mean) / weight
            found[name] = Belief(
                mean, weight + self.flying.get(name, 0), (WORTH + arm.pulls) / 2, squares / 2
            )
        return found

    def _centre(self) -> float:
        """Return the mean of the arms' means: over all rewards it would follow the arm that is chosen most."""
        tried = [arm.mean for arm in self.arms.values() if arm.pulls]
        return sum(tried) / len(tried) if tried else 0.0

    def _noise(self) -> float:
        """Return the spread of one episode: within arms where some were played twice, else between all."""
        spread = sum(arm.squares for arm in self.arms.values())
        freedom = sum(max(0, arm.pulls - 1) for arm in self.arms.values())
        if freedom < 3:
            tried = [arm.mean for arm in self.arms.values() if arm.pulls]
            centre = sum(tried) / len(tried) if tried else 0.0
            spread += sum((mean - centre) ** 2 for mean in tried)
            freedom += len(tried) - 1
        return max(NOISE_FLOOR, math.sqrt(spread / freedom)) if freedom > 0 else PRIOR_SPREAD


def normalised_entropy(counts: Sequence[int]) -> float:
    """Return the entropy of counts divided by that of an even split; 0 with nothing or one kind counted."""
    total = sum(counts)
    if total == 0 or len(counts) < 2:
        return 0.0
    shares = [count / total for count in counts if count]
    return -sum(share * math.log(share) for share in shares) / math.log(len(counts))
