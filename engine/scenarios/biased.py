"""Biased, but no generator: independent draws, some values more often than others by a spread of `--strength`."""

from __future__ import annotations

import numpy as np

from engine.scenarios.scenario import Asked, Scenario, Truth


def chances(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """Return the probability of each value: log-normal weights, float (size,)."""
    weights = np.exp(asked.strength * rng.standard_normal(asked.size))
    return np.asarray(weights / weights.sum())


def make(asked: Asked, rng: np.random.Generator) -> Scenario:
    """Return draws that no seed explains and that are not uniform."""
    share = chances(asked, rng)
    values = asked.range[0] + rng.choice(asked.size, size=asked.draws, p=share)
    likeliest = ", ".join(f"{asked.range[0] + at} ({share[at]:.3g})" for at in np.argsort(-share)[:3])
    return Scenario(
        tuple(values.tolist()), asked.range, Truth(note=f"independent draws; likeliest {likeliest}")
    )
