"""What a report says comes from here: a run's order, draws, verdict, journal and counts, read and checked once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from engine.analyze import RESULT, Order, open_history
from engine.asked import must_be, must_hold
from engine.errors import BadInput, first_fault
from engine.evidence.chance import expected_false
from engine.history.history import History
from engine.pipeline.artifacts import MODEL_META, POOL, Contract, ModelMeta, Pool
from engine.pipeline.context import STEP_FINISHED
from engine.runs import SPEC
from engine.search import recorded
from engine.search.analysis import Analysis
from engine.search.cell import Cell
from engine.search.chunk import REAL, SHUFFLED, UNIFORM
from engine.search.question import chance_of
from engine.search.streams import stream_of, told
from engine.witness import chained
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
    """Read a run; raise BadInput where a record is damaged, or is not the one that the chained journal names."""
    order = Order.load(directory / SPEC)
    history = open_history(order, directory)
    try:
        with Journal.read_only(directory) as journal:
            journal.verify()
            closing, steps = _closing(journal), _by_steps(journal)
            must_hold(directory, history.digest, journal)
            return Facts(
                directory.name, order, history, _analysis(directory / RESULT, closing), tuple(_counts(journal, history)),
                tuple(_improvements(journal)), closing, _written(directory / MODEL_META, ModelMeta, steps),
                _written(directory / POOL, Pool, steps), _billed(journal), journal.seq, journal.head,
            )  # fmt: skip
    except StateError as error:
        raise BadInput(str(error)) from None


def _analysis(path: Path, closing: Mapping[str, Any]) -> Analysis | None:
    try:
        content = path.read_bytes()
        must_be(path, sha256(content).hexdigest(), closing.get("sha256"))
        return Analysis.model_validate(json.loads(content))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"{path}: no analysis/1 ({first_fault(error)}); go on with the run to have it written anew"
        ) from None


C = TypeVar("C", bound=Contract)


def _by_steps(journal: Journal) -> dict[str, str]:
    """Return what the steps of the pipeline wrote last, by name."""
    events = journal.events(kinds=[STEP_FINISHED])
    return {name: sha for event in events for name, sha in event.data["artifacts"].items()}


def _billed(journal: Journal) -> int:
    return sum(int(event.data["hypotheses"]) for event in journal.events(kinds=["bill.charged"]))


def _written(path: Path, contract: type[C], steps: Mapping[str, str]) -> C | None:
    """Return what a step of the pipeline wrote, None where it did not run."""
    try:
        content = path.read_bytes()
        must_be(path, sha256(content).hexdigest(), steps.get(path.name))
        return contract.parse(json.loads(content), path.name)
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
        yield _count(cell, chained(journal, cell), chances[key])


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
