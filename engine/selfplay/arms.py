"""The transforms that the bandit chooses among: one row each, from a name to a concrete policy. The generator alone picks columns and strengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from engine.selfplay.rules import Filter, Mask, Policy, Weight, Window


@dataclass(frozen=True)
class Draw:
    """What an arm draws from: a seeded generator, the table's columns, the number of blocks."""

    rng: np.random.Generator
    names: tuple[str, ...]
    blocks: int

    def column(self) -> str:
        """Return one column."""
        return self.names[int(self.rng.integers(len(self.names)))]

    def of(self, *values: float) -> float:
        """Return one of the values."""
        return float(values[int(self.rng.integers(len(values)))])

    def filter(self, *quantiles: float, below: bool = False) -> Filter:
        """Return a filter of one column at one of the quantiles."""
        return Filter(column=self.column(), side="below" if below else "above", quantile=self.of(*quantiles))

    def weight(self, *powers: float) -> Weight:
        """Return a weight by one column with one of the powers."""
        return Weight(column=self.column(), power=self.of(*powers))

    def mask(self, hidden: list[str]) -> Mask | None:
        """Return a mask of the columns, at least one and never all; None where there is only one column."""
        if len(self.names) < 2:
            return None
        return Mask(columns=tuple(sorted(hidden)) if 0 < len(hidden) < len(self.names) else (self.column(),))

    def family(self) -> Mask | None:
        """Return a mask of all columns that share a prefix."""
        prefix = self.column().partition(".")[0]
        return self.mask([name for name in self.names if name.partition(".")[0] == prefix])

    def half(self) -> Mask | None:
        """Return a mask of a random half of the columns."""
        count = len(self.names) // 2
        return self.mask([self.names[at] for at in self.rng.permutation(len(self.names))[:count].tolist()])

    def window(self, most: int) -> Window:
        """Return a window of 1 to `most` newest blocks."""
        return Window(blocks=int(self.rng.integers(1, max(2, min(most, self.blocks) + 1))))


Make = Callable[[Draw], Policy]

ARMS: Mapping[str, Make] = {
    "filter above": lambda draw: Policy(filter=draw.filter(0.1, 0.15, 0.2, 0.25)),
    "filter below": lambda draw: Policy(filter=draw.filter(0.9, 0.85, 0.8, 0.75, below=True)),
    "filter upper half": lambda draw: Policy(filter=draw.filter(0.45, 0.5, 0.6)),
    "filter lower half": lambda draw: Policy(filter=draw.filter(0.4, 0.5, 0.55, below=True)),
    "weight up": lambda draw: Policy(weight=draw.weight(0.5, 1.0, 2.0)),
    "weight down": lambda draw: Policy(weight=draw.weight(-0.5, -1.0, -2.0)),
    "mask column": lambda draw: Policy(mask=draw.mask([draw.column()])),
    "mask family": lambda draw: Policy(mask=draw.family()),
    "mask half": lambda draw: Policy(mask=draw.half()),
    "window short": lambda draw: Policy(window=draw.window(3)),
    "filter + window": lambda draw: Policy(filter=draw.filter(0.1, 0.25), window=draw.window(3)),
    "mask + weight": lambda draw: _visible(Policy(mask=draw.family(), weight=draw.weight(-1.0, 1.0, 2.0))),
}


def propose(arm: str, names: tuple[str, ...], rng: np.random.Generator, blocks: int) -> Policy:
    """Make a concrete policy of an arm's kind."""
    return ARMS[arm](Draw(rng, names, blocks))


def on_top_of(base: Policy, change: Policy) -> Policy:
    """Return the base policy with the parts that the change has an opinion on replaced."""
    parts = {
        name: getattr(change, name) or getattr(base, name) for name in ("filter", "weight", "mask", "window")
    }
    return Policy(**parts)


def _visible(policy: Policy) -> Policy:
    """Return the policy without a weight by a column that it hides itself: the two would fight."""
    hidden = set() if policy.mask is None else set(policy.mask.columns)
    return (
        policy
        if policy.weight is None or policy.weight.column not in hidden
        else policy.model_copy(update={"weight": None})
    )
