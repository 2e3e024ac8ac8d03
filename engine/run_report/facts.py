"""What a report says comes from here: a run's order, draws, verdict, journal and counts, read and checked once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from engine.analyze import RESULT, Order, open_history
from engine.errors import BadInput
from engine.evidence.chance import expected_false
from engine.history.history import History
from engine.pipeline.artifacts import MODEL_META, POOL, Contract, ModelMeta, Pool
from engine.runs import SPEC
from engine.search import recorded
from engine.search.analysis import Analysis
from engine.search.cell import Cell
from engine.search.chunk import REAL, SHUFFLED, UNIFORM
from engine.search.question import chance_of
from engine.search.streams import stream_of, told
from state.errors import StateError
from state.journal import Journal

Stream = tuple[str | None, int, int]  # session, lo, hi


@dataclass(frozen=True)
class CellCount:
    """One billed cell: what its finished chunks searched, met on the real draws and on each twin, planted and found.

    `p` is the chance that a fixed prediction matches a draw, `expected` how many survivors chance expects of one vector of draws.
    """

    cell: Cell
    p: float
    chunks: int
    hypotheses: int
    real: int
    shuffled: int
    uniform: int
    expected: float
    planted: int
    found: int


@dataclass(frozen=True)
class Improvement:
    """The leaders after so many hypotheses; bits of None: nothing yet, or minus infinity."""

    hypotheses: int
    best: Mapping[str, Any] | None
    null_bits: float | None

    @property
    def bits(self) -> float | None:
        """Return the bits of the best survivor of the real draws."""
        return None if self.best is None else self.best["evidence_bits"]


@dataclass(frozen=True)
class Facts:
    """One run as it was recorded; `analysis` is None where it ended before a verdict."""

    run: str
    order: Order
    history: History
    analysis: Analysis | None
    cells: tuple[CellCount, ...]
    improvements: tuple[Improvement, ...]
    closing: Mapping[str, Any]
    model: ModelMeta | None
    pool: Pool | None
    billed: int
    events: int
    head: str

    def values(self, session: str | None) -> np.ndarray:
        """Return the int64 draws of one stream; -1 is a missing one."""
        return told(self.history, session, self.order.space.gap_law)[0]

    def times(self, session: str | None) -> np.ndarray:
        """Return when the draws of one stream were made, in microseconds since 1970."""
        return stream_of(self.history, session).times

    def chance(self, session: str | None, lo: int, hi: int) -> float:
        """Return the probability that a fixed prediction matches a draw of the stream."""
        return chance_of(self.values(session), lo, hi, self.order.space.gap_law)


def read(directory: Path) -> Facts:
    """Read a run; raise BadInput where its journal or a record is damaged."""
    order = Order.load(directory / SPEC)
    history = open_history(order, directory)
    try:
        with Journal.read_only(directory) as journal:
            journal.verify()
            return Facts(
                directory.name, order, history, _analysis(directory / RESULT), tuple(_counts(journal, history)),
                tuple(_improvements(journal)), _closing(journal), _written(directory / MODEL_META, ModelMeta),
                _written(directory / POOL, Pool), journal.billed(), journal.seq, journal.head,
            )  # fmt: skip
    except StateError as error:
        raise BadInput(str(error)) from None


def _analysis(path: Path) -> Analysis | None:
    try:
        return Analysis.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(
            f"{path}: no analysis/1 ({reason}); go on with the run to have it written anew"
        ) from None


C = TypeVar("C", bound=Contract)


def _written(path: Path, contract: type[C]) -> C | None:
    """Return what a step of the pipeline wrote, None where it did not run."""
    try:
        return contract.parse(json.loads(path.read_bytes()), path.name)
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON ({error}); run the step that writes it again") from None


def _closing(journal: Journal) -> Mapping[str, Any]:
    last = journal.last(["analysis"])
    return {} if last is None else last.data


def _improvements(journal: Journal) -> Iterator[Improvement]:
    """Yield the leaders of the last session that searched; a resumed one goes through everything from the start."""
    opened = journal.last(["journal.opened"])
    for event in journal.events(after=opened.seq if opened else 0, kinds=["evidence.improved"]):
        yield Improvement(int(event.data["hypotheses"]), event.data["best"], event.data["null_bits"])


def _counts(journal: Journal, history: History) -> Iterator[CellCount]:
    chances: dict[Stream, float] = {}
    for cell in recorded.cells(journal):
        key = (cell.session, cell.lo, cell.hi)
        if key not in chances:
            values = told(history, cell.session, cell.law)[0]
            chances[key] = chance_of(values, cell.lo, cell.hi, cell.law)
        yield _count(cell, recorded.chunks(journal, cell), chances[key])


def _count(cell: Cell, chunks: list[recorded.RecordedChunk], p: float) -> CellCount:
    met: Counter[int] = Counter()
    for one in chunks:
        met.update(one.hits["vector"].tolist())
        met.update(row for row, *_ in one.meta.get("states", ()))
    hypotheses = sum(one.meta["hypotheses"] for one in chunks)
    return CellCount(
        cell, p, len(chunks), hypotheses, met[REAL], met[SHUFFLED], met[UNIFORM],
        expected_false(hypotheses * cell.untold, cell.block, cell.threshold, p),
        sum(one.meta["planted"] for one in chunks), sum(one.meta["found"] for one in chunks),
    )  # fmt: skip
