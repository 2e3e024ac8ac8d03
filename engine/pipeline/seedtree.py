"""The pipeline's view of a run's seed tree: a node that hands out named generators and seeds below its own path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.seedtree import named_rng, named_seed


@dataclass(frozen=True)
class SeedTree:
    """A node of the tree; the order in which children are asked for changes nothing."""

    seed: int
    path: tuple[str, ...] = ()

    def child(self, name: str) -> SeedTree:
        """Return the subtree called `name`."""
        return SeedTree(self.seed, (*self.path, name))

    def rng(self, name: str) -> np.random.Generator:
        """Return a generator of its own for the leaf called `name`."""
        return named_rng(self.seed, *self.path, name)

    def integer(self, name: str) -> int:
        """Return a 31-bit seed for a foreign library, so that a C `int` holds it."""
        return named_seed(self.seed, *self.path, name) >> 32
