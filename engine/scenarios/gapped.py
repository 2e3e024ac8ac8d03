"""One generator, `--gap` calls thrown away between two draws."""

from __future__ import annotations

import numpy as np

from engine.scenarios import plants
from engine.scenarios.scenario import Asked, Scenario, Truth


def make(asked: Asked, rng: np.random.Generator) -> Scenario:
    """Return every (gap + 1)-th draw of one stream."""
    plant = plants.choose(asked, rng, asked.gap)
    right = tuple(plants.replay(plant, asked.draws).tolist())
    return Scenario(right, asked.range, Truth((plants.segment(plant, 0),), right))
