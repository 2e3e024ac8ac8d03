"""The feature table: documented families of columns, each from a survivor's past alone. And the worker side of `features` tasks."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.compute.stop import Stop
from engine.errors import UsageError
from engine.pipeline import features_hits, features_values
from engine.pipeline.board import Board, Columns
from engine.pipeline.features_meta import Meta, record
from engine.pipeline.replay import Lines, predictions
from engine.search.alignment import Alignment

FAMILIES: dict[str, Callable[[Board], Columns]] = {
    "match": features_hits.match,
    "block": features_hits.block,
    "run": features_hits.run,
    "recency": features_hits.recency,
    "order": features_hits.order,
    "spectrum": features_hits.spectrum,
    "residue": features_values.residue,
    "digit": features_values.digit,
    "distance": features_values.distance,
    "bits": features_values.bits,
}
FAMILY_NAMES: tuple[str, ...] = (*FAMILIES, "record")
JOBS = {
    "table": "engine.pipeline.features:table_job",
    "twins": "engine.pipeline.scorer:twins_job",
    "scorer": "engine.pipeline.scorer:trial_job",
    "judge": "engine.pipeline.judge:judge_job",
}


@dataclass(frozen=True)
class Table:
    """Features `x` float (slots, K, F) with their names; slot s knows draws [0, reads[s]) only."""

    names: tuple[str, ...]
    x: np.ndarray

    def keep(self, names: Sequence[str]) -> Table:
        """Return the table with the named columns, in that order."""
        index = [self.names.index(name) for name in names]
        return Table(tuple(names), self.x[:, :, index])


def family_of(column: str) -> str:
    """Return the family in a column's name."""
    return column.partition(".")[0]


def past(board: Board, reads: int) -> Board:
    """Return the part of the board that a slot may read."""
    return board.head(reads)


def columns(board: Board, meta: Meta, reads: int) -> Columns:
    """Return every column for one slot, named family.column."""
    seen = past(board, reads)
    made = {
        f"{family}.{name}": column
        for family, function in FAMILIES.items()
        for name, column in function(seen).items()
    }
    return made | {f"record.{name}": column for name, column in record(meta, board.chance).items()}


def build(board: Board, meta: Meta, reads: Sequence[int]) -> Table:
    """Compute the whole table; every slot has the same columns."""
    slots = [columns(board, meta, read) for read in reads]
    names = tuple(slots[0])
    return Table(names, np.stack([np.stack([slot[name] for name in names], axis=1) for slot in slots]))


def targets(board: Board, blocks: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return hits and scored draws in each block, int32 (2, blocks, K)."""
    hits = [board.hits[:, lo:hi].sum(axis=1) for lo, hi in blocks]
    scored = [board.valid[:, lo:hi].sum(axis=1) for lo, hi in blocks]
    return np.array([hits, scored], dtype=np.int32).reshape(2, len(blocks), len(board.predicted))


def board_of(params: dict[str, Any], arrays: dict[str, np.ndarray]) -> Board:
    """Replay the alignments of a task against its draws."""
    lines = Lines.from_task(params, arrays)
    alignments = [Alignment.model_validate(one) for one in params["alignments"]]
    lo, hi = params["range"]
    return Board(predictions(alignments, lines), lines.values, lo, hi)


def table_job(
    params: dict[str, Any], arrays: dict[str, np.ndarray], stop: Stop
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Replay survivors and return their features per slot, block targets, and the draw-by-draw hits of the blocks."""
    from engine.pipeline.lint import BLIND_ROWS, future_blind

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


def run_task(
    params: dict[str, Any], arrays: dict[str, np.ndarray], stop: Stop
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Do one `features` task: the job named in its params."""
    address = JOBS.get(params["job"])
    if address is None:
        raise UsageError(f"features task: unknown job {params['job']!r}; known are {', '.join(JOBS)}")
    module, _, name = address.partition(":")
    stop.raise_if_asked()
    meta, out = getattr(importlib.import_module(module), name)(params, arrays, stop)
    return meta, out
