"""One generator, every draw shown, none wrong."""

from __future__ import annotations

import numpy as np

from engine.scenarios import plants
from engine.scenarios.scenario import Asked, Scenario, Truth


def make(asked: Asked, rng: np.random.Generator) -> Scenario:
    """Return contiguous draws of one stream."""
    plant = plants.choose(asked, rng)
    right = tuple(plants.replay(plant, asked.draws).tolist())
    return Scenario(right, asked.range, Truth((plants.segment(plant, 0),), right))
