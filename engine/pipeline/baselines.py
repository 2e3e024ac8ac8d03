"""What a model has to beat besides chance: the survivor that had hit most often so far, trusted alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.pipeline.fitting import PRIOR_DRAWS
from engine.pipeline.selection import Candidate, out_of_fold

SINGLE = "single survivor"


def best_row(targets: np.ndarray, blocks: Sequence[int], rows: int) -> int:
    """Return the row, of the first `rows`, with the largest share of hits in some blocks; `targets` int (2, dev, K)."""
    hits, scored = (part[list(blocks), :rows].sum(axis=0) for part in targets)
    return int((hits / np.maximum(1, scored)).argmax())


def single_rates(targets: np.ndarray, blocks: Sequence[int], rows: int, chance: float) -> np.ndarray:
    """Return the rates that trust the best row as often as it hit, after one draw's worth of chance, and nobody else."""
    best = best_row(targets, blocks, rows)
    hits, scored = (float(part[list(blocks), best].sum()) for part in targets)
    stated = np.full(targets.shape[2], chance)
    stated[best] = (hits + PRIOR_DRAWS * chance) / (scored + PRIOR_DRAWS)
    return stated


def single(
    targets: np.ndarray,
    marks: np.ndarray,
    folds: Sequence[tuple[int, Sequence[int]]],
    rows: int,
    length: int,
    chance: float,
) -> Candidate:
    """Return the baseline out of fold: in each fold the best row of the blocks before it."""
    stated = np.stack([single_rates(targets, trains, rows, chance) for _, trains in folds])
    blocks = range(folds[0][0], folds[-1][0] + 1)
    return Candidate(SINGLE, out_of_fold(stated, marks, blocks, length, chance), 1)
