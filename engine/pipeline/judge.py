"""The final block's judge: replays every row on it once, and says what each model's trust was worth, with intervals and p-values."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compute.stop import Stop
from engine.pipeline.features import board_of
from engine.pipeline.gains import draw_gains, hit_shares, weights
from engine.pipeline.intervals import Interval, mean_interval, permutation_ps


def judge_job(
    params: dict[str, Any], arrays: dict[str, np.ndarray], stop: Stop
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Judge stated rates on draws [cut, end): `rates` (models, K) over all rows, the first `real` of them survivors.

    Without survivors the decoys stand in: their lift must be 1.
    """
    board = board_of(params, arrays)
    lo, hi = params["final"]
    trusted = slice(0, params["real"] or len(board.predicted))
    present = np.flatnonzero(board.drawn[lo:hi] >= 0) + lo
    marks = np.where(board.valid[:, present], board.hits[:, present], -1).astype(np.int8)
    stop.raise_if_asked()
    rng = np.random.default_rng(params["seed"])
    answers = []
    for rate in arrays["rates"]:
        share = weights(rate[trusted], board.chance)
        permuted = permutation_ps(
            board.predicted[trusted][:, present],
            board.drawn[present],
            share,
            params["rounds"],
            rng,
            stop.raise_if_asked,
        )
        answers.append(
            {
                "lift": lift(share, marks[trusted], board.chance, params["confidence"]).dump(),
                "bits": _mean(draw_gains(rate, marks, board.chance)),
                "permutation_p": permuted.weighted,
                "permutation_p_random_ties": permuted.random_ties,
                "best_of_all_p": permuted.best,
            }
        )
    single = np.zeros(len(marks[trusted]))
    single[params["single"]] = 1.0
    baseline = lift(single, marks[trusted], board.chance, params["confidence"])
    meta = {"models": answers, "single": baseline.dump(), "draws": len(present), "rows": len(marks[trusted])}
    return meta, {"marks": marks}


def lift(share: np.ndarray, marks: np.ndarray, chance: float, confidence: float) -> Interval:
    """Return the trusted rows' hit rate over chance, the draw as the unit; no scored draw gives the whole range."""
    return mean_interval(hit_shares(share, marks), confidence).scaled(1.0 / chance)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0
