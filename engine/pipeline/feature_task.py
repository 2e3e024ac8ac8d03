"""The worker side of `features` tasks: one job by name, each a pure function of params and arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.compute.stop import Stop
from engine.errors import UsageError
from engine.pipeline import judge, scorer
from engine.pipeline.board import Board
from engine.pipeline.features import board_of, build, targets
from engine.pipeline.features_meta import Meta
from engine.pipeline.lint import BLIND_ROWS, future_blind

Params = dict[str, Any]
Arrays = dict[str, np.ndarray]


def table_job(params: Params, arrays: Arrays, stop: Stop) -> tuple[Params, Arrays]:
    """Replay survivors and return their features per slot, block targets, and the draw-by-draw hits of the blocks."""
    board, meta = board_of(params, arrays), Meta.from_task(arrays)
    stop.raise_if_asked()
    table = build(board, meta, params["reads"])
    stop.raise_if_asked()
    few = slice(0, BLIND_ROWS)
    sample = Board(board.predicted[few], board.drawn, board.lo, board.hi)
    leaks = future_blind(sample, meta.rows(few), params["reads"][:-1], np.random.default_rng(params["seed"]))
    blocks = [(lo, hi) for lo, hi in params["blocks"]]
    marks = np.where(board.valid, board.hits, -1).astype(np.int8)
    inside = [marks[:, lo:hi] for lo, hi in blocks]
    return {"names": list(table.names), "leaks": leaks}, {
        "x": table.x,
        "targets": targets(board, blocks),
        "marks": np.concatenate(inside, axis=1) if inside else np.zeros((len(marks), 0), dtype=np.int8),
    }


JOBS: dict[str, Callable[[Params, Arrays, Stop], tuple[Params, Arrays]]] = {
    "table": table_job,
    "twins": scorer.twins_job,
    "scorer": scorer.trial_job,
    "judge": judge.judge_job,
}


def run_task(params: Params, arrays: Arrays, stop: Stop) -> tuple[Params, Arrays]:
    """Do one `features` task: the job named in its params."""
    job = JOBS.get(params["job"])
    if job is None:
        raise UsageError(f"features task: unknown job {params['job']!r}; known are {', '.join(JOBS)}")
    stop.raise_if_asked()
    return job(params, arrays, stop)
