"""The feature table: documented families of columns, each from a survivor's past alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.pipeline import features_hits, features_values
from engine.pipeline.board import Board, Columns
from engine.pipeline.features_catalog import BY_NAME, family_of
from engine.pipeline.features_meta import Meta, record
from engine.pipeline.replay import Lines, predictions
from engine.search.alignment import Alignment

FAMILIES: dict[str, Callable[[Board], Columns]] = {
    "match": features_hits.match,
    "block": features_hits.block,
    "run": features_hits.run,
    "wait": features_hits.wait,
    "recency": features_hits.recency,
    "stretch": features_hits.stretch,
    "order": features_hits.order,
    "spectrum": features_hits.spectrum,
    "residue": features_values.residue,
    "digit": features_values.digit,
    "distance": features_values.distance,
    "bits": features_values.bits,
}
__all__ = ["FAMILIES", "FAMILY_NAMES", "Table", "board_of", "build", "columns", "family_of", "targets"]
FAMILY_NAMES: tuple[str, ...] = (*FAMILIES, "record")


@dataclass(frozen=True)
class Table:
    """Features `x` float (slots, K, F) with their names; slot s knows draws [0, reads[s]) only."""

    names: tuple[str, ...]
    x: np.ndarray

    def keep(self, names: Sequence[str]) -> Table:
        """Return the table with the named columns, in that order."""
        index = [self.names.index(name) for name in names]
        return Table(tuple(names), self.x[:, :, index])


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
    made |= {f"record.{name}": column for name, column in record(meta, board.chance).items()}
    return {name: column for name, column in made.items() if BY_NAME[name].least <= board.modulus}


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
