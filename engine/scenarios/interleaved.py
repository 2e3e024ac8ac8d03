"""Several sessions (`--sessions`), each a stream of its own, their draws mixed in time and labelled."""

from __future__ import annotations

import numpy as np

from engine.scenarios import plants
from engine.scenarios.scenario import Asked, Scenario, Truth


def make(asked: Asked, rng: np.random.Generator) -> Scenario:
    """Return draws that come from the sessions in random order."""
    plant = plants.choose(asked, rng, asked.gap)
    names = [f"table-{number + 1}" for number in range(asked.sessions)]
    turn = rng.integers(len(names), size=asked.draws)
    right = np.zeros(asked.draws, dtype=np.int64)
    segments = []
    for number, name in enumerate(names):
        mine = np.flatnonzero(turn == number)
        plant = plants.again(plant, asked, rng) if number else plant
        right[mine] = plants.replay(plant, len(mine))
        segments.append(plants.segment(plant, int(mine[0]) if len(mine) else 0, name))
    sessions = tuple(names[at] for at in turn)
    draws = tuple(right.tolist())
    return Scenario(draws, asked.range, Truth(tuple(segments), draws), sessions)
