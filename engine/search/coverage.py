"""Coverage arithmetic: which part of a cell earlier searches exclude, and what is left. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.search.cell import Cell
from engine.search.ranges import Range
from state.coverage import CoverageRow

Interval = tuple[int, int]  # both ends included


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the union as disjoint intervals in rising order; those that touch are joined."""
    union: list[Interval] = []
    for lo, hi in sorted(intervals):
        if union and lo <= union[-1][1] + 1:
            union[-1] = (union[-1][0], max(union[-1][1], hi))
        else:
            union.append((lo, hi))
    return union


def without(whole: Interval, covered: Iterable[Interval]) -> list[Interval]:
    """Return the parts of `whole` that no covered interval holds, in rising order: the holes."""
    holes, at = [], whole[0]
    for lo, hi in merged(covered):
        if at < lo and at <= whole[1]:
            holes.append((at, min(lo - 1, whole[1])))
        at = max(at, hi + 1)
    return holes + ([(at, whole[1])] if at <= whole[1] else [])


def size(intervals: Iterable[Interval]) -> int:
    """Return how many integers lie in the union."""
    return sum(hi - lo + 1 for lo, hi in merged(intervals))


def block_digests(
    values: np.ndarray, lo: int, hi: int, window: int, longest: int, times: np.ndarray | None = None
) -> dict[int, str]:
    """Return for n = 1..longest the sha-256 that names the first n present draws from `window` on, and where the missing ones lie.

    With `times` it names those too, where they are the draws' seeds.
    """
    state = hashlib.sha256(f"block 1 {lo}:{hi} @{window}\n".encode())
    digests: dict[int, str] = {}
    marks = [""] * len(values) if times is None else [f" {time}" for time in times.tolist()]
    for value, mark in zip(values[window:].tolist(), marks[window:], strict=True):
        state.update(b"-\n" if value < 0 else f"{value}{mark}\n".encode())
        if value >= 0:
            digests[len(digests) + 1] = state.hexdigest()
        if len(digests) == longest:
            break
    return digests


@dataclass(frozen=True)
class Judged:
    """What a row must have been judged by to count now: the kernels' build, the error rate, the stated noise."""

    kernel: str
    alpha: float
    scoring: float | None

    def accepts(self, row: CoverageRow) -> bool:
        """Say whether a row's verdict on its survivors holds under these terms: a laxer claim was refused then."""
        return row.kernel == self.kernel and row.alpha >= self.alpha and row.scoring == self.scoring


def covers(row: CoverageRow, cell: Cell, digests: Mapping[int, str]) -> bool:
    """Say whether every survivor of the cell with a seed of the row's must have been a survivor there.

    `digests` are the block digests of the cell's own draws. A row on a first part of the cell's block that forgave at least as
    many misses kept everything that the cell would keep. Without a confirm block the evidence changes with every draw, so there the
    blocks must be the same.
    """
    forgiving = row.block - row.threshold >= cell.block - cell.threshold and row.block <= cell.block
    return (
        (row.family, row.mapping, row.origin, row.law, row.period)
        == (cell.family, cell.mapping, cell.origin, cell.law, cell.period)
        and digests.get(row.block) == row.draws
        and forgiving
        and _same_seeds(row, cell)
        and bool(row.confirm) == bool(cell.confirm)
        and (bool(cell.confirm) or row.block == cell.block)
        and (cell.origin == "seed" or row.noise == cell.noise)
        and row.start_lo <= cell.starts[0] <= cell.starts[1] <= row.start_hi
        and row.gap_lo <= cell.gaps[0] <= cell.gaps[1] <= row.gap_hi
    )


def _same_seeds(row: CoverageRow, cell: Cell) -> bool:
    """Say whether equal integers are equal seeds: times are integers like others, but places in a list and ticks that go on are not."""
    plain = cell.law != "clock" and Range(0, 0, row.unit).words is None and cell.seeds.words is None
    return plain or row.unit == cell.seeds.unit


def remaining(
    cell: Cell, rows: Iterable[CoverageRow], digests: Mapping[int, str]
) -> tuple[list[Cell], list[CoverageRow]]:
    """Return the parts of the cell that no row covers, and the rows that exclude the rest.

    A part keeps the rule of the whole cell and pays for all of it. All states of a cell are decided together: a row covers all or none.
    """
    used = [
        row for row in rows
        if covers(row, cell, digests) and row.seed_lo <= cell.seeds.hi and row.seed_hi >= cell.seeds.lo
    ]  # fmt: skip
    if not used:
        return [cell], []
    if cell.origin == "state":
        return [], used[:1]
    holes = without(cell.seeds[:2], [(row.seed_lo, row.seed_hi) for row in used])
    return [part_of(cell, hole) for hole in holes], used


def part_of(cell: Cell, seeds: Interval) -> Cell:
    """Return the cell cut to these seeds."""
    share = (seeds[1] - seeds[0] + 1) / cell.seeds.size
    cut = cell.seeds._replace(lo=seeds[0], hi=seeds[1])
    return replace(
        cell, seeds=cut, seconds=cell.seconds * share, prior=cell.prior * share, part=cell.part or cell
    )


def rectangles(rows: Sequence[CoverageRow]) -> list[tuple[CoverageRow, list[Interval], list[CoverageRow]]]:
    """Group rows that differ in their seeds, counts and runs only: (one of them, the union of their seeds, all of them).

    A run that was resumed adds its stretches again, longer; the shorter ones inside them count no more.
    """
    groups: dict[object, list[CoverageRow]] = {}
    for row in rows:
        groups.setdefault(_same(row), []).append(row)
    return [
        (group[0], merged((row.seed_lo, row.seed_hi) for row in group), _outermost(group))
        for group in groups.values()
    ]


def _outermost(rows: list[CoverageRow]) -> list[CoverageRow]:
    """Drop rows whose seeds lie inside a later or longer row of the same run."""
    kept: list[CoverageRow] = []
    for row in sorted(rows, key=lambda one: (one.seed_lo - one.seed_hi, -one.seq)):
        if not any(
            one.run == row.run and one.seed_lo <= row.seed_lo <= row.seed_hi <= one.seed_hi for one in kept
        ):
            kept.append(row)
    return sorted(kept, key=lambda one: one.seq)


def _same(row: CoverageRow) -> CoverageRow:
    """Return the row without what may differ inside a rectangle."""
    return replace(
        row, run="", history="", seed_lo=0, seed_hi=0, noise=0.0, survivors=0, planted=0, found=0, chunks=0, proof="", seq=0,
        confirm=int(row.confirm > 0),
    )  # fmt: skip


@dataclass(frozen=True)
class DoneChunk:
    """What the ledger needs of one finished chunk: its seeds, survivors of the real draws, planted truths, its result's digest."""

    seeds: Interval
    survivors: int
    planted: int
    found: int
    digest: str


def rows_of(
    cell: Cell, chunks: Iterable[DoneChunk], draws: str, judged: Judged, *, run: str, history: str
) -> list[CoverageRow]:
    """Return the rows that a cell's finished chunks earn: one for each unbroken stretch of seeds."""
    stretches: list[list[DoneChunk]] = []
    for chunk in sorted(chunks, key=lambda one: one.seeds):
        if stretches and chunk.seeds[0] == stretches[-1][-1].seeds[1] + 1:
            stretches[-1].append(chunk)
        else:
            stretches.append([chunk])
    return [
        CoverageRow(
            run=run, kernel=judged.kernel, history=history, session=cell.session, family=cell.family, mapping=cell.mapping,
            range_lo=cell.lo, range_hi=cell.hi, seed_lo=stretch[0].seeds[0], seed_hi=stretch[-1].seeds[1], unit=cell.seeds.unit,
            start_lo=cell.starts[0], start_hi=cell.starts[1], law=cell.law, gap_lo=cell.gaps[0], gap_hi=cell.gaps[1],
            noise=cell.noise, scoring=judged.scoring, alpha=judged.alpha, draws=draws, block=cell.block,
            threshold=cell.threshold, confirm=cell.confirm, survivors=sum(one.survivors for one in stretch),
            planted=sum(one.planted for one in stretch), found=sum(one.found for one in stretch), chunks=len(stretch),
            origin=cell.origin, period=cell.period,
            proof=hashlib.sha256("".join(one.digest for one in stretch).encode()).hexdigest(),
        )
        for stretch in stretches
    ]  # fmt: skip
