"""The operating system's entropy: no truth at all, and, unlike the others, not repeatable."""

from __future__ import annotations

import secrets

import numpy as np

from engine.scenarios.scenario import Asked, Scenario, Truth


def make(asked: Asked, rng: np.random.Generator) -> Scenario:
    """Return draws that nobody can foretell; `rng` is not asked."""
    lo = asked.range[0]
    values = tuple(lo + secrets.randbelow(asked.size) for _ in range(asked.draws))
    return Scenario(values, asked.range, Truth(note="operating system entropy"))
