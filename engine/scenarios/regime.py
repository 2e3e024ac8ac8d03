"""A regime change: one generator up to a draw at random in the middle half, entropy from there on."""

from __future__ import annotations

import numpy as np

from engine.scenarios import plants
from engine.scenarios.scenario import Asked, Scenario, Truth


def make(asked: Asked, rng: np.random.Generator) -> Scenario:
    """Return a gapped stream that ends; every draw after it counts as wrong."""
    plant = plants.choose(asked, rng, asked.gap)
    end = int(rng.integers(asked.draws // 4, max(asked.draws // 4 + 1, 3 * asked.draws // 4)))
    right = plants.replay(plant, asked.draws)
    values = right.copy()
    values[end:] = rng.integers(asked.range[0], asked.range[1], size=asked.draws - end, endpoint=True)
    truth = Truth(
        (plants.segment(plant, 0),),
        tuple(right.tolist()),
        tuple(range(end, asked.draws)),
        f"the stream ends at draw {end}",
    )
    return Scenario(tuple(values.tolist()), asked.range, truth)
