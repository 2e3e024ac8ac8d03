"""One generator with gaps, a share `--noise` of its draws wrong."""

from __future__ import annotations

import numpy as np

from engine.scenarios import plants
from engine.scenarios.scenario import Asked, Scenario, Truth


def make(asked: Asked, rng: np.random.Generator) -> Scenario:
    """Return a gapped stream of which some draws are replaced by other values."""
    plant = plants.choose(asked, rng, asked.gap)
    right = plants.replay(plant, asked.draws)
    values, wrong = plants.spoil(right, asked.noise, asked.range, rng)
    truth = Truth((plants.segment(plant, 0),), tuple(right.tolist()), wrong)
    return Scenario(tuple(values.tolist()), asked.range, truth)
