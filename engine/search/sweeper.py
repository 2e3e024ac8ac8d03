"""Run cells on the compute engine: bill first, record every chunk once, give results back in the order of the plan."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import numpy as np

from engine.compute.cluster import Compute
from engine.compute.codec import pack, unpack
from engine.compute.groups import grouped
from engine.compute.task import Task, TaskResult
from engine.errors import Halted, MimicryError
from engine.search import algebra, answered, chunks, clock
from engine.search.cell import Cell
from engine.search.design import NEXT_DRAWS
from engine.search.memory import SeedHalves, need, need_together
from engine.search.passes import units
from engine.search.twins import Stream
from engine.search.words import packed
from hip_cuda_kernels.host import HIT
from hip_cuda_kernels.routes import WHOLE_SPACE
from state.journal import Journal
from state.ledgers import ChunkRow

NO_HITS = np.empty(0, HIT)  # of a cell that algebra decided: its solutions stand in the chunk's meta
HALVES = SeedHalves()
BOOKED = 64
"""Chunks whose cells are billed at once: as much as a search that ends early may have billed and not tried."""
Unit = Sequence[tuple[Cell, dict[int, ChunkRow]]]
"""A pass: its cells, each with what the ledger holds of it."""
POWER_PLANTS = 59  # 59 of 59 found proves at least 95 % power with 95 % confidence


@dataclass(frozen=True)
class ChunkOutcome:
    """One finished chunk of one cell: its seeds, and the digest of its recorded result.

    `last` marks the cell's final chunk; `more` that the same seeds of the next cell of its pass follow, which are searched already.
    """

    cell: Cell
    index: int
    seeds: tuple[int, int]
    digest: str
    meta: Mapping[str, Any]
    hits: np.ndarray
    last: bool
    more: bool = False


@dataclass(frozen=True)
class _Piece:
    """One chunk before it has run."""

    cell: Cell
    index: int
    seeds: tuple[int, int]
    last: bool
    more: bool

    def outcome(self, digest: str, meta: Mapping[str, Any], hits: np.ndarray) -> ChunkOutcome:
        return ChunkOutcome(self.cell, self.index, self.seeds, digest, meta, hits, self.last, self.more)


@dataclass(frozen=True)
class Sweeper:
    """Runs cells of given streams. The journal's ledger is the truth: a chunk that it holds is never run again."""

    compute: Compute
    journal: Journal
    streams: Mapping[tuple[str | None, int, int], Stream]
    seed: int
    prefix: str = ""

    def stream(self, cell: Cell) -> Stream:
        """Return the stream that a cell searches."""
        return self.streams[cell.session, cell.lo, cell.hi]

    async def run(self, cells: Iterable[Cell]) -> AsyncGenerator[ChunkOutcome, None]:
        """Yield every chunk's outcome in plan order, whatever order the workers finish in; raise Halted on a halt."""
        pieces: list[_Piece] = []
        ready: dict[int, ChunkOutcome] = {}
        served = 0
        async with aclosing(self._tasks(cells, pieces, ready)) as tasks:
            async with aclosing(grouped(self.compute.map(tasks))) as groups:
                async for group in groups:
                    finished = [part for result in group for part in answers_of(result)]
                    ready |= await asyncio.to_thread(
                        self._record, [(n, pieces[n], one) for n, one in finished]
                    )
                    while served in ready:
                        yield ready.pop(served)
                        served += 1
            # a halt that comes while nothing is in flight may end the map before the plan is read: what the ledger holds is served still
            halted = await anext(tasks, None) is not None
        while served in ready:
            yield ready.pop(served)
            served += 1
        if halted or served < len(pieces):
            raise Halted("halted between two chunks; finished chunks are recorded")

    async def _tasks(
        self, cells: Iterable[Cell], pieces: list[_Piece], ready: dict[int, ChunkOutcome]
    ) -> AsyncGenerator[Task, None]:
        """Book cells before their first chunk, then hand out the chunks that the ledger does not hold yet."""
        for group in booked_at_once(cells):
            for unit in await asyncio.to_thread(self._book, group):
                for index, (first, count) in enumerate(unit[0][0].chunks()):
                    if asked := _laid_out(unit, index, (first, first + count - 1), pieces, ready):
                        yield self._task(asked)

    def _book(self, group: Sequence[Sequence[Cell]]) -> list[Unit]:
        """Bill cells in one transaction; return with each what the ledger holds of it. Waits for the disk: not for the loop."""
        with self.journal.transaction():
            for cell in chain.from_iterable(group):
                detail = {"family": cell.family, "mapping": cell.mapping}
                if cell.origin == "state":
                    detail |= {"route": cell.route, "states": cell.seeds.text()}
                self.journal.bill(self.prefix + cell.key, cell.tested, detail)
        return [[(cell, self.journal.chunks(self.prefix + cell.key)) for cell in unit] for unit in group]

    def _task(self, asked: Mapping[int, _Piece]) -> Task:
        """Return what a worker is told of one chunk, of one cell or of several that share a pass, each with its number."""
        piece = next(iter(asked.values()))
        cell, index, (first, last) = piece.cell, piece.index, piece.seeds
        key = f"{self.prefix}{cell.key}/{index}#{'+'.join(map(str, asked))}"
        if cell.origin == "state":
            return algebra.task(cell, self.stream(cell).first(cell.block), key, self.seed)
        count = last - first + 1
        orders = [
            chunk_order(one.cell, self.stream(one.cell), index, (first, count), self.seed)
            for one in asked.values()
        ]
        if len(orders) > 1:
            return Task("sieves", key, *chunks.bundled(orders), memory=need_together(len(orders)))
        params, arrays = orders[0]
        halves = None if cell.route in WHOLE_SPACE else HALVES
        return Task("sieve", key, params, arrays, memory=need(params, count), split=halves)

    def _record(self, group: Sequence[tuple[int, _Piece, TaskResult]]) -> dict[int, ChunkOutcome]:
        """Record finished chunks in one transaction; one that is no result is raised after the others are on disk."""
        packed: list[tuple[int, _Piece, TaskResult, bytes]] = []
        fault: MimicryError | None = None
        for number, piece, result in group:
            try:
                self._check(piece, result)
            except MimicryError as error:
                fault = fault or error
            else:
                packed.append((number, piece, result, pack(dict(result.meta), dict(result.arrays))))
        with self.journal.transaction():
            kept = {number: self._keep(piece, result, payload) for number, piece, result, payload in packed}
        if fault is not None:
            raise fault
        return kept

    def _check(self, piece: _Piece, result: TaskResult) -> None:
        """Raise for a chunk that is no result: stopped, failed, or its worker missed a planted truth."""
        cell, index = piece.cell, piece.index
        if result.stopped or result.meta.get("stopped"):
            raise Halted(f"{cell.key}: halted in chunk {index}; finished chunks are recorded")
        if not result.ok:
            raise MimicryError(f"{cell.key} chunk {index} failed on {result.worker}: {result.error}")
        if wrong := answered.fault(result.meta, result.arrays, piece.seeds, states=cell.origin == "state"):
            raise MimicryError(
                f"{cell.key} chunk {index}: the answer of {result.worker} is out of form: {wrong}; nothing of it is taken: "
                "look at that machine"
            )
        if not _proven(cell, result.meta["found"], result.meta["planted"]):
            raise MimicryError(
                f"power check failed: {cell.key} chunk {index} found {result.meta['found']} of {result.meta['planted']} planted "
                "truths; the kernels on this machine cannot be trusted: run `mimicry doctor`"
            )

    def _keep(self, piece: _Piece, result: TaskResult, payload: bytes) -> ChunkOutcome:
        """Record a finished chunk, with the canary that its worker found."""
        digest = hashlib.sha256(payload).hexdigest()
        self.journal.chunk_done(
            self.prefix + piece.cell.key,
            piece.index,
            digest,
            {
                "seconds": result.seconds, "worker": result.worker, "canary": result.meta["canary"],
                "planted": result.meta["planted"], "found": result.meta["found"], "seeds": result.meta.get("seeds_done"),
            },
            payload,
        )  # fmt: skip
        return piece.outcome(digest, result.meta, result.arrays.get("hits", NO_HITS))


def _laid_out(
    unit: Unit, index: int, seeds: tuple[int, int], pieces: list[_Piece], ready: dict[int, ChunkOutcome]
) -> dict[int, _Piece]:
    """Number one chunk of every cell of a pass; return those that are to be searched, what the ledger holds is ready."""
    asked: dict[int, _Piece] = {}
    for left, (cell, done) in zip(range(len(unit) - 1, -1, -1), unit, strict=True):
        number, piece = len(pieces), _Piece(cell, index, seeds, seeds[1] == cell.seeds.hi, left > 0)
        pieces.append(piece)
        if index in done:
            meta, arrays = unpack(done[index].result)
            ready[number] = piece.outcome(done[index].digest, meta, arrays.get("hits", NO_HITS))
        else:
            asked[number] = piece
    return asked


def booked_at_once(cells: Iterable[Cell]) -> Iterator[list[list[Cell]]]:
    """Yield passes in groups that are billed at once: BOOKED chunks or a little more, so that little is billed too early."""
    group: list[list[Cell]] = []
    booked = 0
    for unit in units(cells):
        group.append(unit)
        booked += len(list(islice(unit[0].chunks(), BOOKED)))
        if booked >= BOOKED:
            yield group
            group, booked = [], 0
    if group:
        yield group


def answers_of(result: TaskResult) -> list[tuple[int, TaskResult]]:
    """Return (place in the order of the plan, its own answer) of each chunk that a task was asked for."""
    numbers = [int(number) for number in result.key.rsplit("#", 1)[1].split("+")]
    if len(numbers) == 1 or not result.ok:
        return [(number, result) for number in numbers]
    seconds = result.seconds / len(numbers)
    return [
        (number, replace(result, meta=meta, arrays=arrays, seconds=seconds))
        for number, (meta, arrays) in zip(
            numbers, chunks.parted(result.meta, result.arrays, len(numbers)), strict=True
        )
    ]


def _proven(cell: Cell, found: int, planted: int) -> bool:
    """Say whether planted truths prove the worker: a sieve finds all; what algebra finds of them is its power."""
    return found == planted or cell.origin == "state"


def chunk_order(
    cell: Cell, stream: Stream, index: int, seeds: tuple[int, int], rng: int
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what a worker is told of one chunk, `seeds` being (first, count): equal orders have equal results on every machine."""
    width = stream.width(cell)
    params = {
        "family": cell.family, "mapping": cell.mapping, "lo": cell.lo, "hi": cell.hi,
        "seed_lo": seeds[0], "count": seeds[1], "interval": [cell.seeds.lo, cell.seeds.hi],
        "starts": list(cell.starts), "gaps": list(cell.gaps), "window": cell.window, "width": width,
        "threshold": cell.threshold, "plants": POWER_PLANTS if index == 0 else 0, "rng": rng,
        "law": cell.law, "period": cell.period, "alignments": cell.alignments, "told": len(stream.real) + NEXT_DRAWS,
    }  # fmt: skip
    arrays = {"draws": stream.part(cell.window, cell.window + width)}
    if cell.law == "clock" and cell.times is not None:
        arrays["later"] = clock.deltas(cell.times, str(cell.seeds.unit))[:width]
    if cell.seeds.way is not None:  # truths are planted among the words that travel
        first, end = seeds[0], seeds[0] + seeds[1]
        params |= {"law": f"words {cell.law}", "way": cell.seeds.way, "interval": [first, end - 1]}
        arrays["words"] = packed(cell.words[first:end])
    return params, arrays
