"""A generator's draws in an order that nothing made: every count is right, no alignment holds."""

from __future__ import annotations

import numpy as np

from engine.scenarios import plants
from engine.scenarios.scenario import Asked, Scenario, Truth


def make(asked: Asked, rng: np.random.Generator) -> Scenario:
    """Return a gapped stream, shuffled."""
    right = plants.replay(plants.choose(asked, rng, asked.gap), asked.draws)
    return Scenario(tuple(rng.permutation(right).tolist()), asked.range, Truth(note="no order, no generator"))
