"""How much of a model's stated excess over chance came true out of fold; what it states later is shrunk by that."""

from __future__ import annotations

import numpy as np

from engine.pipeline.gains import draw_gains
from engine.pipeline.proper import reliability_slope

SHARES = np.linspace(0.05, 1.0, 20)


def shrunk(rate: np.ndarray, share: float, chance: float) -> np.ndarray:
    """Return rates with only a share of their distance from chance."""
    return np.asarray(chance + share * (rate - chance))


def _blocks(held_out: np.ndarray, marks: np.ndarray, first: int, length: int) -> list[np.ndarray]:
    return [marks[:, at * length : (at + 1) * length] for at in range(first, first + len(held_out))]


def best_share(held_out: np.ndarray, marks: np.ndarray, first: int, length: int, chance: float) -> float:
    """Return the share that would have earned most bits on the outer blocks, `held_out` (folds, K) from block `first` on."""
    parts = _blocks(held_out, marks, first, length)
    earned = [
        sum(
            float(draw_gains(shrunk(rate, share, chance), part, chance).sum())
            for rate, part in zip(held_out, parts, strict=True)
        )
        for share in SHARES
    ]
    return float(SHARES[int(np.argmax(earned))])


def slope(held_out: np.ndarray, marks: np.ndarray, first: int, length: int) -> float | None:
    """Return the slope of hits over stated rates on the outer blocks; None where all rates are alike."""
    stated, came = [], []
    for rate, part in zip(held_out, _blocks(held_out, marks, first, length), strict=True):
        seen = part >= 0
        stated.append(np.broadcast_to(rate[:, None], part.shape)[seen])
        came.append((part[seen] == 1).astype(float))
    found = reliability_slope(np.concatenate(stated), np.concatenate(came))
    return found if np.isfinite(found) else None
