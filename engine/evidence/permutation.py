"""Permutation test of the best of K survivors on holdout draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def permutation_p(
    predicted: NDArray[np.int64], actual: NDArray[np.int64], rng: np.random.Generator, *, rounds: int = 999
) -> float:
    """Return p of the best survivor's hits when the order of the holdout draws is permuted `rounds` times.

    predicted is (K, n), actual (n,); a negative actual is a missing draw and neither moves nor counts.
    """
    if predicted.ndim != 2 or actual.shape != predicted.shape[1:] or rounds < 1:
        raise ValueError(
            f"predicted {predicted.shape}, actual {actual.shape}, rounds {rounds}: want (K, n), (n,), >= 1"
        )
    present = actual >= 0
    forecast, draws = predicted[:, present], actual[present]
    if forecast.size == 0:
        return 1.0
    observed = _best(forecast, draws)
    reached = sum(_best(forecast, rng.permutation(draws)) >= observed for _ in range(rounds))
    return (1 + reached) / (1 + rounds)


def _best(forecast: NDArray[np.int64], draws: NDArray[np.int64]) -> int:
    return int(np.count_nonzero(forecast == draws, axis=1).max())
