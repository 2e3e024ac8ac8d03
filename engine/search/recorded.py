"""A run's journal read back: the cells that it billed, in the order of search, and what each finished chunk returned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from engine.compute.codec import unpack
from engine.errors import BadInput
from engine.recovery.methods import METHODS
from engine.search.cell import Cell
from engine.search.coverage import Interval
from engine.search.design import Law
from engine.search.ranges import parse_range
from engine.search.sweeper import NO_HITS
from state.journal import Journal

LARGEST = 1 << 40_000  # above every state of every family
_SPAN = r"(\d+):(\d+)"
_TAIL = re.compile(
    rf"(-?\d+):(-?\d+)\|([^|]+)\|{_SPAN}\|{_SPAN}(?: (range|reseed|clock|inverse|periodic)(?: (\d+))?)?\|(\d+)/(\d+)@(\d+)(?: by (\d+))?\|(.*)",
    re.S,
)


@dataclass(frozen=True)
class RecordedChunk:
    """One finished chunk: its seeds, the digest that the journal keeps, and its result as the worker packed it."""

    index: int
    seeds: Interval
    digest: str
    result: bytes
    meta: Mapping[str, Any]
    hits: np.ndarray

    @property
    def overflow(self) -> bool:
        """Return whether its list of hits was cut, so that it excludes nothing."""
        return bool(self.meta["overflow"])


def cells(journal: Journal) -> Iterator[Cell]:
    """Yield the billed cells that name themselves by `Cell.key`; what only a plan knows (noise, prior, seconds) is 0."""
    for event in journal.events(kinds=["bill.charged"]):
        family, mapping = (event.data["detail"].get(name) for name in ("family", "mapping"))
        head = f"{family}|{mapping}|"
        if event.data["key"].startswith(head):
            yield cell_of(family, mapping, event.data["key"].removeprefix(head))


def cell_of(family: str, mapping: str, tail: str) -> Cell:
    """Return the cell behind the rest of its key; BadInput where it is no key of this version."""
    route = next((name for name in METHODS if tail.endswith(f"|{name}")), None)
    found = _TAIL.fullmatch(tail if route is None else tail.removesuffix(f"|{route}"))
    if found is None:
        raise BadInput(f"bill {family}|{mapping}|{tail}: no cell's key; another version wrote this journal")
    lo, hi, seeds, s0, s1, g0, g1, law, period, threshold, block, window, chunk, session = found.groups()
    cell = Cell(
        family, mapping, int(lo), int(hi), parse_range(seeds, what="the cell's seeds", highest=LARGEST), (int(s0), int(s1)),
        (int(g0), int(g1)), 0.0, int(block), int(threshold), 0, session or None, 0.0, 0.0, int(window),
        law=cast("Law", law or "constant"), period=int(period or 1), chunk=int(chunk or 0),
    )  # fmt: skip
    return cell if route is None else replace(cell, route=route, origin="state")


def chunks(journal: Journal, cell: Cell) -> list[RecordedChunk]:
    """Return a cell's finished chunks by index; where their seeds lie follows from what each one searched."""
    rows = journal.chunks(cell.key)
    opened = {index: unpack(row.result) for index, row in rows.items()}
    whole = [
        meta["seeds_done"] for meta, _ in opened.values() if "seeds_done" in meta and not meta["overflow"]
    ]
    size = max(whole, default=0)
    return [
        RecordedChunk(
            index, _seeds(cell, index, size, meta), rows[index].digest, rows[index].result, meta, arrays.get("hits", NO_HITS)
        )
        for index, (meta, arrays) in opened.items()
    ]  # fmt: skip


def _seeds(cell: Cell, index: int, size: int, meta: Mapping[str, Any]) -> Interval:
    """Return a chunk's seeds: chunks are of one size but the last, which ends the cell; the canary lies in its own chunk.

    Algebra decides all states of a cell in one chunk.
    """
    if cell.origin == "state":
        return cell.seeds.lo, cell.seeds.hi
    done, canary = meta["seeds_done"], meta["canary"][0]
    places = (cell.seeds.lo + index * size, cell.seeds.hi + 1 - done)
    first = next((place for place in places if place <= canary < place + done), places[0])
    return first, first + done - 1
