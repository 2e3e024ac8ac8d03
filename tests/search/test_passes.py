"""Passes: which cells share one, what they cost, and that their chunks are answered, recorded and resumed as those of cells alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.compute.kinds import resolve
from engine.compute.stop import Stop, StopWord
from engine.compute.task import Task, TaskResult
from engine.errors import MimicryError
from engine.history.history import History
from engine.search import chunk, chunks
from engine.search.identify import Identification
from engine.search.passes import LEAST_SEEDS, joined, units
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space
from engine.search.sweeper import answers_of, chunk_order
from hip_cuda_kernels import host
from state.journal import Journal

TWISTER = "mt19937/init_genrand"
LADDER = Space(families=(TWISTER, "lcg48/java", "glibc_random/type3"))
ONE_PASS = Space(
    families=(TWISTER,), mappings=("php_range", "mod"), range=(1, 100), seeds=(Range(0, LEAST_SEEDS - 1),), starts=Range(0, 0),
    gaps=Range(0, 1), noise=0.0,
)  # fmt: skip
DRAWS = host.values(TWISTER, "php_range", LEAST_SEEDS - 7, 1, 100, 40, gap=1).tolist()


def question(space: Space = ONE_PASS) -> Question:
    return Question(History.of(DRAWS), space)


def test_a_pass_holds_cells_of_one_family_s_same_seeds_and_costs_less_than_they_do() -> None:
    made = question(LADDER).plan.cells
    assert {cell.whole.key for cell in made} == {cell.key for cell in question(LADDER).asked.cells}
    shared = [unit for unit in units(made) if len(unit) > 1]
    assert shared
    for unit in shared:
        assert len({(cell.family, cell.seeds, cell.chunk, cell.company) for cell in unit}) == 1
        assert len(unit) == unit[0].company
        assert sum(cell.seconds for cell in unit) < sum(cell.whole.seconds for cell in unit)


def test_passes_and_cells_alone_follow_each_other_by_belief_a_second() -> None:
    worth = [
        sum(cell.prior for cell in unit) / sum(cell.seconds for cell in unit)
        for unit in units(question(LADDER).plan.cells)
    ]
    assert worth == sorted(worth, reverse=True)


@pytest.mark.parametrize(
    "change",
    [{"law": "range"}, {"origin": "state"}, {"window": 3}, {"route": "orbit"}, {"seeds": Range(0, LEAST_SEEDS - 2)}, {"gaps": (0, 512)}],
)  # fmt: skip
def test_what_shares_no_words_is_searched_alone(change: dict[str, Any]) -> None:
    cells = [cell for cell in question().asked.cells if cell.family == TWISTER]
    assert any(cell.company > 1 for cell in joined(cells))
    assert all(cell.company == 1 for cell in joined([replace(cell, **change) for cell in cells]))


def test_the_cut_of_a_shared_pass_stands_in_its_key() -> None:
    (unit, *_) = units(question().plan.cells)
    assert len(unit) > 1
    assert all(f" by {cell.chunk}|" in cell.key and " by " not in cell.whole.key for cell in unit)


class Never:
    array, generation = np.zeros(1, dtype=np.uint32), 0

    def asked(self) -> bool:
        return False


def test_a_chunk_of_a_pass_is_answered_as_each_of_its_cells_is_alone() -> None:
    asked = question()
    (unit, *_) = units(asked.plan.cells)
    orders = [
        chunk_order(cell, asked.streams[cell.session, cell.lo, cell.hi], 0, (LEAST_SEEDS - 1024, 1024), 7) for cell in unit
    ]  # fmt: skip
    meta, arrays = chunks.run(*chunks.bundled(orders), Never())
    answers = [chunk.run(*order, Never()) for order in orders]
    for (told, own), (expected, hits) in zip(chunks.parted(meta, arrays, len(unit)), answers, strict=True):
        assert told == expected
        assert np.array_equal(own["hits"], hits["hits"])
    assert meta["hypotheses"] == sum(told["hypotheses"] for told, _ in answers)
    assert any(len(hits["hits"]) for _, hits in answers), "the seed of the draws is among them"


def test_hits_that_overflow_in_a_pass_are_taken_part_by_part_as_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (chunks, __import__("engine.search.layouts", fromlist=["x"])):
        monkeypatch.setattr(module, "MAX_HITS", 40)
    order = {
        "family": TWISTER, "mapping": "mod", "lo": 0, "hi": 1, "law": "constant", "width": 6, "threshold": 6, "seed_lo": 0,
        "count": 1024, "interval": [0, 1023], "starts": [0, 0], "gaps": [0, 0], "window": 0, "plants": 0, "rng": 1,
        "alignments": 1, "told": 16,
    }  # fmt: skip
    parts = [
        (order | {"mapping": name}, {"draws": np.tile([0, 1, 0, 0, 1, 1], (3, 1))})
        for name in ("mod", "shift(1)")
    ]
    meta, arrays = chunks.run(*chunks.bundled(parts), Never())
    for own, alone in zip(
        chunks.parted(meta, arrays, 2), [chunk.run(*part, Never()) for part in parts], strict=True
    ):
        assert own[0] == alone[0]
        assert len(own[1]["hits"]) > 40
        assert np.array_equal(own[1]["hits"], alone[1]["hits"])


@pytest.mark.parametrize(
    ("meta", "arrays"),
    [
        ({}, {}), ({"parts": [{}, {}, {}]}, {}), ({"parts": [{}, 7]}, {}), ({"parts": {"0": {}}}, {}),
        ({"parts": [{}, {}]}, {"2.hits": np.zeros(1)}), ({"parts": [{}, {}]}, {"hits": np.zeros(1)}), ({"parts": [{}, {}]}, {"9" * 5000 + ".hits": np.zeros(1)}),
    ],
)  # fmt: skip
def test_an_answer_that_was_not_put_together_so_is_out_of_form(
    meta: dict[str, Any], arrays: dict[str, Any]
) -> None:
    result = TaskResult("key/0#3+4", True, meta, arrays, None, 1.0, "rig", False)
    parts = answers_of(result)
    assert [number for number, _ in parts] == [3, 4]
    assert all((one.meta, one.arrays) == ({}, {}) for _, one in parts)


def test_what_went_wrong_went_wrong_for_every_cell_of_the_pass() -> None:
    result = TaskResult("key/0#3+4", False, {}, {}, "broke", 1.0, "rig", False)
    assert answers_of(result) == [(3, result), (4, result)]


class Here:
    """The compute engine's interface in this process: does `most` tasks, keeps their kinds, answers as `spoilt` makes of it."""

    def __init__(
        self, folder: Path, most: int = 1 << 30, spoilt: Callable[[Any], Any] = lambda meta: meta
    ) -> None:
        self.word, self.most, self.spoilt = StopWord(folder / "stop.word"), most, spoilt
        self.kinds: list[str] = []

    async def map(
        self, tasks: AsyncIterator[Task], *, window: int | None = None
    ) -> AsyncIterator[TaskResult]:
        async for task in tasks:
            if len(self.kinds) == self.most:
                return
            self.kinds.append(task.kind)
            meta, arrays = resolve(task.kind)(
                task.params, task.arrays, Stop(self.word, self.word.generation())
            )
            yield TaskResult(task.key, True, self.spoilt(meta), arrays, None, 0.01, "here", False)


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut a pass into four chunks."""
    monkeypatch.setattr("engine.search.passes.chunk_size", lambda seeds, seconds: LEAST_SEEDS // 4)


async def test_a_pass_that_a_halt_cut_off_goes_on_and_names_the_seed(
    tmp_path: Path, short_chunks: None
) -> None:
    with Journal.open(tmp_path) as journal:
        first = Here(tmp_path, most=1)
        halted = await Identification(question()).run(first, journal)  # type: ignore[arg-type]
        assert (halted.stopped_by, halted.verdict) == ("halt", "no_evidence")
        again = Here(tmp_path)
        whole = await Identification(question()).run(again, journal)  # type: ignore[arg-type]
    assert set(first.kinds + again.kinds) == {"sieves"}
    assert len(again.kinds) == 3, "the chunk on record is not searched again"
    tested = sum(cell.tested for cell in question().plan.cells)
    assert whole.hypotheses_tested == tested, (
        "all that was searched with it is on the bill that the claim pays"
    )
    assert (whole.verdict, int(whole.hypotheses[0].origin["value"], 16)) == ("identified", LEAST_SEEDS - 7)


async def test_a_worker_that_answers_for_fewer_cells_is_not_believed(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        liar = Here(tmp_path, spoilt=lambda meta: meta | {"parts": meta["parts"][:-1]})
        with pytest.raises(MimicryError, match="out of form"):
            await Identification(question()).run(liar, journal)  # type: ignore[arg-type]
