"""One generator, a gap of its own before every draw (0 to `--gap` calls thrown away, each as likely), a share `--noise` wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.scenarios import plants
from engine.scenarios.scenario import Asked, Scenario, Truth


def make(asked: Asked, rng: np.random.Generator) -> Scenario:
    """Return draws of one stream at calls that no constant gap joins; the truth tells every gap."""
    plant = plants.choose(asked, rng)
    gaps = rng.integers(0, asked.gap + 1, size=asked.draws - 1)
    calls = np.concatenate([[0], np.cumsum(gaps + 1)])
    right = plants.replay(plant, int(calls[-1]) + 1)[calls]
    values, wrong = plants.spoil(right, asked.noise, asked.range, rng)
    told = replace(plants.segment(plant, 0), gap=asked.gap, gaps=tuple(gaps.tolist()))
    return Scenario(tuple(values.tolist()), asked.range, Truth((told,), tuple(right.tolist()), wrong))
