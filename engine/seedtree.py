"""The seed tree of a run: every stochastic part draws from a generator named after what it does."""

from __future__ import annotations

import hashlib

import numpy as np


def named_rng(seed: int, *names: object) -> np.random.Generator:
    """Return the generator of the branch `names` under the root `seed`; the same names give the same stream."""
    return np.random.default_rng(named_seed(seed, *names))


def named_seed(seed: int, *names: object) -> int:
    """Return a 63-bit seed for the branch `names` under the root `seed`."""
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
