"""One generator that takes a new seed every `--every` draws, noisy and gapped."""

from __future__ import annotations

import numpy as np

from engine.scenarios import plants
from engine.scenarios.scenario import Asked, Scenario, Segment, Truth


def make(asked: Asked, rng: np.random.Generator) -> Scenario:
    """Return streams of one generator, one after the other, each from a seed of its own."""
    return joined(asked, rng, range(0, asked.draws, max(1, asked.every)))


def once(asked: Asked, rng: np.random.Generator, at: int) -> Scenario:
    """Return two streams, the second from draw `at` on."""
    return joined(asked, rng, (0, at))


def joined(asked: Asked, rng: np.random.Generator, firsts: range | tuple[int, ...]) -> Scenario:
    """Return one stream per first draw, up to the next one's."""
    plant = plants.choose(asked, rng, asked.gap)
    parts: list[np.ndarray] = []
    segments: list[Segment] = []
    for first, end in zip(firsts, (*firsts[1:], asked.draws), strict=True):
        plant = plants.again(plant, asked, rng) if segments else plant
        segments.append(plants.segment(plant, first))
        parts.append(plants.replay(plant, end - first))
    right = np.concatenate(parts)
    values, wrong = plants.spoil(right, asked.noise, asked.range, rng)
    truth = Truth(tuple(segments), tuple(right.tolist()), wrong)
    return Scenario(tuple(values.tolist()), asked.range, truth)
