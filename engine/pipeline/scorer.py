"""The scorer: a ridge logistic score over features, tuned on twins of this history in which the truth is planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.compute.stop import Stop
from engine.pipeline import features
from engine.pipeline.board import Board
from engine.pipeline.decoys import chance_survivors, reseeded
from engine.pipeline.features_meta import Meta
from engine.pipeline.replay import NONE, Lines, predictions, tally
from engine.search.alignment import Alignment

NOISES = (0.0, 0.3, 0.6, 0.9, 0.97, 0.99)  # of the twins; the hardest are out of reach on purpose
NEWTON_STEPS = 25


@dataclass(frozen=True)
class Scorer:
    """A linear score of standardised, clipped columns."""

    names: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    intercept: float
    clip: float

    def score(self, x: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """Return the log-odds of "true rather than chance" for rows of a table that has at least this scorer's columns."""
        index = [list(names).index(name) for name in self.names]
        z = np.clip((x[..., index] - self.centre) / self.scale, -self.clip, self.clip)
        return np.asarray(z @ self.weights + self.intercept)


def fit(x: np.ndarray, truth: np.ndarray, names: Sequence[str], penalty: float, clip: float) -> Scorer:
    """Fit by Newton's method; `x` (rows, F), `truth` bool (rows,), the two classes weighted alike."""
    centre = np.median(x, axis=0)
    scale = x.std(axis=0)
    scale[scale < 1e-12] = 1.0
    z = np.column_stack([np.clip((x - centre) / scale, -clip, clip), np.ones(len(x))])
    weight = np.where(truth, 0.5 / max(1, truth.sum()), 0.5 / max(1, (~truth).sum()))
    ridge = np.full(z.shape[1], penalty)
    ridge[-1] = 1e-6
    beta = np.zeros(z.shape[1])
    for _ in range(NEWTON_STEPS):
        rate = 1.0 / (1.0 + np.exp(-np.clip(z @ beta, -30.0, 30.0)))
        gradient = z.T @ (weight * (truth - rate)) - ridge * beta
        curve = (z * (weight * rate * (1.0 - rate) + 1e-9)[:, None]).T @ z + np.diag(ridge)
        step = np.linalg.solve(curve, gradient)
        beta += step * min(1.0, 5.0 / max(1e-12, float(np.abs(step).max())))
        if np.abs(step).max() < 1e-8:
            break
    return Scorer(tuple(names), centre, scale, beta[:-1], float(beta[-1]), clip)


def ranking_bits(scores: np.ndarray) -> float:
    """Return the mean bits lost in naming the truth, column 0 of `scores` (twins, candidates); 0 is perfect."""
    top = scores.max(axis=1, keepdims=True)
    total = np.log2(np.exp(scores - top).sum(axis=1))
    return float(np.mean(total - (scores[:, 0] - top[:, 0]) / np.log(2.0)))


def reciprocal_rank(scores: np.ndarray) -> float:
    """Return the mean of 1 / rank of the truth, ties counted against it."""
    return float(np.mean(1.0 / (scores >= scores[:, :1]).sum(axis=1)))


def twins_job(
    params: dict[str, Any], arrays: dict[str, np.ndarray], stop: Stop
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Make twins of a history: one planted truth each, among hypotheses that chance let through the same window.

    `arrays["matches"]`: the forward matches seen among survivors, from which the decoys' are drawn.
    """
    lines = Lines.from_task(params, arrays)
    patterns = [Alignment.model_validate(one) for one in params["alignments"]]
    rng = np.random.default_rng(params["seed"])
    names: tuple[str, ...] = ()
    tables, noises = [], []
    for twin in range(params["twins"]):
        stop.raise_if_asked()
        reads = params["reads"][twin % len(params["reads"])]
        noise = NOISES[twin // len(params["reads"]) % len(NOISES)]
        board, meta = _twin(params, lines, patterns[twin % len(patterns)], arrays["matches"], noise, rng)
        columns = features.columns(board, meta, reads)
        names = tuple(columns)
        tables.append(np.stack([columns[name] for name in names], axis=1))
        noises.append(noise)
    train = rng.permutation(params["twins"]) % 2 == 0
    return {"names": list(names), "noises": noises}, {"x": np.stack(tables), "train": train}


def _twin(
    params: dict[str, Any],
    lines: Lines,
    pattern: Alignment,
    matches: np.ndarray,
    noise: float,
    rng: np.random.Generator,
) -> tuple[Board, Meta]:
    lo, hi = params["range"]
    window = (params["window"][0], params["window"][1])
    truth = predictions([reseeded(pattern, rng)], lines)
    uniform = rng.integers(lo, hi, size=len(lines), endpoint=True)
    told = (truth[0] != NONE) & (lines.values != NONE)
    wanted = rng.choice(matches, size=params["decoys"] + 1)
    kept = _selected(told & (rng.random(len(lines)) >= noise), told, window, int(wanted[0]), rng)
    drawn = np.where(lines.values == NONE, NONE, np.where(kept, truth[0], uniform))
    decoys = chance_survivors(drawn, wanted[1:], window, (lo, hi), rng)
    board = Board(np.vstack([truth, decoys]), drawn, lo, hi)
    return board, _meta(board, window, params["confirm"], pattern)


def _selected(
    kept: np.ndarray, told: np.ndarray, window: tuple[int, int], wanted: int, rng: np.random.Generator
) -> np.ndarray:
    """Let the truth, too, match as often in the window as a survivor must; else a noisy truth is known by its failure there."""
    inside = np.zeros(len(kept), dtype=bool)
    inside[window[0] : window[1]] = True
    spare = rng.permutation(np.flatnonzero(told & inside & ~kept))
    kept = kept.copy()
    kept[spare[: max(0, wanted - int((kept & inside).sum()))]] = True
    return kept


def _meta(board: Board, window: tuple[int, int], confirm: list[int], pattern: Alignment) -> Meta:
    rows = len(board.predicted)
    spans = {
        "forward": window,
        "backward": (0, window[0]),
        "confirm": (max(confirm[0], window[1]), confirm[1]),
    }
    columns = {}
    for name, (lo, hi) in spans.items():
        matched, scored = tally(board.predicted, board.drawn, lo, hi)
        columns[f"{name}_matched"], columns[f"{name}_scored"] = matched.astype(float), scored.astype(float)
    columns["start"] = np.full(rows, float(pattern.start or 0))
    columns["gap"] = np.full(rows, float(pattern.gap.value or 0))
    return Meta(columns)


def trial_job(
    params: dict[str, Any], arrays: dict[str, np.ndarray], stop: Stop
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Fit one scorer on the `train` twins and judge it on the others; with `final` fit it on all of them."""
    x, names = arrays["x"], params["names"]
    chosen = [name for name in names if features.family_of(name) in params["families"]]
    x = x[:, :, [names.index(name) for name in chosen]]
    train = arrays["train"]
    fitted = np.ones(len(x), dtype=bool) if params["final"] else train
    made = fit(*_rows(x[fitted]), chosen, params["penalty"], params["clip"])
    stop.raise_if_asked()
    scores = made.score(x[~train], chosen)
    meta = {
        "names": chosen,
        "intercept": made.intercept,
        "bits": ranking_bits(scores),
        "reciprocal_rank": reciprocal_rank(scores),
        "candidates": int(x.shape[1]),
    }
    return meta, {"centre": made.centre, "scale": made.scale, "weights": made.weights}


def _rows(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth = np.zeros(x.shape[:2], dtype=bool)
    truth[:, 0] = True
    return x.reshape(-1, x.shape[2]), truth.reshape(-1)
