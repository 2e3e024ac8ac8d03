"""One run as a witness: its order, its draws, and the chunks that its chained journal records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.analyze import Order, open_history
from engine.errors import BadInput
from engine.history.history import History
from engine.runs import SPEC
from engine.search import recorded
from engine.search.cell import Cell
from engine.search.recorded import RecordedChunk
from state.coverage import CoverageRow
from state.journal import Journal

SAME_RULE = tuple(
    one.name for one in fields(CoverageRow) if one.name in
    ("family", "mapping", "range_lo", "range_hi", "unit", "start_lo", "start_hi", "law", "gap_lo", "gap_hi", "block", "threshold", "session", "origin", "period")
)  # fmt: skip


@dataclass
class Recorded:
    """One run as a witness: its order, draws and cells, read when first asked for."""

    directory: Path
    matched: list[tuple[CoverageRow, Cell, int]] = field(default_factory=list)

    @cached_property
    def cells(self) -> dict[tuple[Any, ...], list[Cell]]:
        """Return the billed cells by the rule that a ledger's row names, after the chain was recomputed."""
        by_rule: dict[tuple[Any, ...], list[Cell]] = {}
        with Journal.read_only(self.directory) as journal:
            journal.verify()
            for cell in recorded.cells(journal):
                by_rule.setdefault(_rule(cell), []).append(cell)
        return by_rule

    @cached_property
    def order(self) -> Order:
        """Return what the run was asked."""
        return Order.load(self.directory / SPEC)

    @cached_property
    def history(self) -> History:
        """Return the run's own copy of the draws."""
        return open_history(self.order, self.directory)

    def stretches(self, row: CoverageRow) -> Iterator[tuple[Cell, list[RecordedChunk]]]:
        """Yield, for each cell that the row may stand for, its chunks within the row's seeds, in order."""
        for cell in self.cells.get(tuple(getattr(row, name) for name in SAME_RULE), []):
            if cell.seeds.lo <= row.seed_lo <= row.seed_hi <= cell.seeds.hi:
                with Journal.read_only(self.directory) as journal:
                    found = chained(journal, cell)
                inside = [
                    one for one in found
                    if cell.origin == "state" or (row.seed_lo <= one.seeds[0] and one.seeds[1] <= row.seed_hi)
                ]  # fmt: skip
                yield cell, [one for one in inside if not one.overflow]


def _rule(cell: Cell) -> tuple[Any, ...]:
    named = {
        "family": cell.family, "mapping": cell.mapping, "range_lo": cell.lo, "range_hi": cell.hi, "unit": cell.seeds.unit,
        "start_lo": cell.starts[0], "start_hi": cell.starts[1], "law": cell.law, "gap_lo": cell.gaps[0],
        "gap_hi": cell.gaps[1], "block": cell.block, "threshold": cell.threshold, "session": cell.session,
        "origin": cell.origin, "period": cell.period,
    }  # fmt: skip
    return tuple(named[name] for name in SAME_RULE)


def chained(journal: Journal, cell: Cell) -> list[RecordedChunk]:
    """Return a cell's chunks by seeds; BadInput where a result is not the one that its chained event names."""
    told = {
        one.data["index"]: one.data["digest"]
        for one in journal.story(cell.key, role="sweep", limit=-1) if one.kind == "chunk.done"
    }  # fmt: skip
    for index, row in journal.chunks(cell.key).items():
        if not told.get(index) == row.digest == hashlib.sha256(row.result).hexdigest():
            raise BadInput(
                f"{journal.path}: {cell.key} chunk {index}: its result is not the one that the journal recorded"
            )
    return sorted(recorded.chunks(journal, cell), key=lambda one: one.seeds)
