"""What a model family is asked for: rows in, a fitted model out, and what its health shows. The four families stand in files of their own.

Every family gets the chance log-odds as its starting margin, so an untrained or a well-regularised model predicts a lift of 1.
A row with h hits in n draws stands twice, as a hit of weight h and a miss of weight n - h, after one draw's worth of chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Config = dict[str, Any]
Pause = Callable[[], None]
PRIOR_DRAWS = 1.0


@dataclass(frozen=True)
class Rows:
    """Training rows: features (R, F) float, hits and scored draws (R,), and the chance of a hit."""

    x: np.ndarray
    hits: np.ndarray
    scored: np.ndarray
    chance: float

    @property
    def base(self) -> float:
        """Return the log-odds of chance."""
        return float(np.log(self.chance) - np.log1p(-self.chance))

    def classified(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return features, labels and weights with each row as a hit and as a miss."""
        hit = self.hits + PRIOR_DRAWS * self.chance
        miss = self.scored - self.hits + PRIOR_DRAWS * (1.0 - self.chance)
        rows = len(self.x)
        labels = np.concatenate([np.ones(rows), np.zeros(rows)])
        return np.vstack([self.x, self.x]), labels, np.concatenate([hit, miss])


@dataclass(frozen=True)
class Anatomy:
    """What a fitted model looks like inside: shares of dead units and unused features, and how far its gradients lie apart.

    A unit is a hidden neuron that hardly moves, or a tree without a split. `gradient_decades` is None where there are no gradients.
    """

    dead_units: float
    unused_features: float
    gradient_decades: float | None = None


class Fitted(Protocol):
    """A trained model."""

    @property
    def size(self) -> int:
        """Return the number of fitted numbers: its capacity."""

    def margin(self, x: np.ndarray, rounds: int | None = None) -> np.ndarray:
        """Return the log-odds above chance for rows (R, F), as they were after `rounds` of training (None: all)."""

    def anatomy(self, x: np.ndarray) -> Anatomy:
        """Look inside, with these rows as input."""

    def dump(self) -> bytes:
        """Return the model in its library's own plain format, never a pickle."""


class Trainer(Protocol):
    """A model family; `ladder` lists its capacities, the smallest first, each as one or two architectures."""

    suffix: str
    ladder: tuple[tuple[Config, ...], ...]

    def library(self) -> str:
        """Import the library and return its name and version; whatever it raises says why it fails on this machine."""

    def fit(self, rows: Rows, config: Config, seed: int, pause: Pause) -> Fitted:
        """Train for `config["rounds"]`; `pause` raises Halted when a halt came."""

    def load(self, data: bytes) -> Fitted:
        """Return a stored model; of its training only the end is known."""


@dataclass(frozen=True)
class Boosted:
    """A booster of any tree library behind one face."""

    booster: Any
    predict: Callable[[Any, np.ndarray, int | None], np.ndarray]
    store: Callable[[Any], bytes]
    leaves: np.ndarray
    """Leaves of each tree."""
    splits: np.ndarray
    """How often each feature was split on."""

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return int(self.leaves.sum())

    def margin(self, x: np.ndarray, rounds: int | None = None) -> np.ndarray:
        """Return the log-odds above chance."""
        return np.asarray(self.predict(self.booster, x, rounds), dtype=float)

    def anatomy(self, x: np.ndarray) -> Anatomy:
        """Count trees without a split and features without one."""
        return Anatomy(float(np.mean(self.leaves < 2)), float(np.mean(self.splits == 0)))

    def dump(self) -> bytes:
        """Return the library's own format."""
        return self.store(self.booster)
