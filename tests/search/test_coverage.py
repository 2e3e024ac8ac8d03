"""Coverage arithmetic: intervals as sets, rules that imply each other, and a search that spares what another has excluded."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compute.cluster import Compute
from engine.history.history import History
from engine.search.books import Books
from engine.search.cell import Cell
from engine.search.certificate import Certificate, digest, of_history, of_ledger
from engine.search.coverage import (
    DoneChunk,
    Judged,
    block_digests,
    covers,
    merged,
    part_of,
    rectangles,
    remaining,
    rows_of,
    size,
    without,
)
from engine.search.design import LONGEST_BLOCK
from engine.search.identify import Identification
from engine.search.ledger import Shelf, read, record
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space
from hip_cuda_kernels import host
from state.coverage import CoverageRow
from state.journal import Journal

Maker = Callable[[np.ndarray], History]
JUDGED = Judged("build-1", 1e-6, None)
CELL = Cell(
    "lcg48/java", "java_bounded", 0, 999, Range(0, 2**16 - 1), (0, 3), (0, 3), 0.0, 4, 4, 36, None, 1.0, 1.0
)  # fmt: skip
DRAWS = np.random.default_rng(3).integers(0, 1000, 40)
DIGESTS = block_digests(DRAWS, 0, 999, 0, 64)
ENDS = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair)))


def members(intervals: list[tuple[int, int]]) -> set[int]:
    return {value for lo, hi in intervals for value in range(lo, hi + 1)}


def row(cell: Cell = CELL, *, seeds: tuple[int, int] | None = None, judged: Judged = JUDGED) -> CoverageRow:
    chunk = DoneChunk(seeds or cell.seeds[:2], 2, 60, 60, "d" * 64)
    (made,) = rows_of(cell, [chunk], DIGESTS[cell.block], judged, run="r-1", history="h")
    return replace(made, seq=1)


@given(st.lists(ENDS, max_size=8))
def test_a_union_holds_the_same_integers_in_disjoint_rising_intervals(spans: list[tuple[int, int]]) -> None:
    union = merged(spans)
    assert members(union) == members(spans)
    assert size(spans) == len(members(spans))
    assert all(left[1] + 1 < right[0] for left, right in pairwise(union))


@given(ENDS, st.lists(ENDS, max_size=8))
def test_holes_and_cover_partition_the_whole(whole: tuple[int, int], spans: list[tuple[int, int]]) -> None:
    holes = without(whole, spans)
    assert members(holes) == members([whole]) - members(spans)
    assert merged(holes) == holes


def test_intervals_reach_the_last_64_bit_seed() -> None:
    top = 2**64 - 1
    assert without((0, top), [(5, top)]) == [(0, 4)]
    assert without((0, top), [(0, top - 1)]) == [(top, top)]
    assert size([(0, top)]) == 2**64


@given(st.data())
def test_a_covering_rule_keeps_whatever_the_covered_one_keeps(data: st.DataObject) -> None:
    blocks = st.integers(1, 8)
    wide, narrow = data.draw(blocks), data.draw(blocks)
    known = row(replace(CELL, block=wide, threshold=data.draw(st.integers(1, wide))))
    cell = replace(CELL, block=narrow, threshold=data.draw(st.integers(1, narrow)))
    if covers(known, cell, DIGESTS):
        matches = np.array(data.draw(st.lists(st.booleans(), min_size=8, max_size=8)))
        kept_by_cell = matches[: cell.block].sum() >= cell.threshold
        assert not kept_by_cell or matches[: known.block].sum() >= known.threshold


@pytest.mark.parametrize(
    "change",
    [
        {"family": "msvc_rand/srand"}, {"mapping": "mod"}, {"starts": (0, 4)}, {"gaps": (0, 4)}, {"threshold": 3},
        {"confirm": 0}, {"law": "range"}, {"lo": 1},
    ],
)  # fmt: skip
def test_another_question_is_not_covered(change: dict[str, object]) -> None:
    assert covers(row(), CELL, DIGESTS)
    other = replace(CELL, **change)
    assert not covers(row(), other, block_digests(DRAWS, other.lo, 999, 0, 64))


def test_other_draws_are_not_covered() -> None:
    changed = DRAWS.copy()
    changed[3] = (changed[3] + 1) % 1000
    assert not covers(row(), CELL, block_digests(changed, 0, 999, 0, 64))
    later = np.append(DRAWS, 7)
    assert covers(row(), CELL, block_digests(later, 0, 999, 0, 64))


def test_a_missing_draw_names_another_block() -> None:
    gone = DRAWS.copy()
    gone[1] = -1
    assert block_digests(gone, 0, 999, 0, 4)[3] != DIGESTS[3]
    assert max(block_digests(gone, 0, 999, 0, 64)) == 39


@pytest.mark.parametrize(
    ("judged", "held"),
    [
        (Judged("build-1", 1e-6, None), True), (Judged("build-1", 1e-9, None), True), (Judged("build-1", 1e-3, None), False),
        (Judged("build-2", 1e-6, None), False), (Judged("build-1", 1e-6, 0.2), False),
    ],
)  # fmt: skip
def test_only_a_verdict_at_least_as_lax_by_the_same_kernels_counts(judged: Judged, held: bool) -> None:
    assert judged.accepts(row()) is held


def test_a_part_keeps_the_rule_and_pays_for_the_whole() -> None:
    (left, right), used = remaining(CELL, [row(seeds=(100, 199))], DIGESTS)
    assert (left.seeds[:2], right.seeds[:2]) == ((0, 99), (200, 2**16 - 1))
    assert (left.block, left.threshold, left.whole) == (CELL.block, CELL.threshold, CELL)
    assert [one.survivors for one in used] == [2]
    assert part_of(left, (5, 9)).whole == CELL


def test_a_row_is_an_unbroken_stretch_of_chunks() -> None:
    chunks = [DoneChunk((lo, lo + 9), 1, 60, 60, f"{lo:064x}") for lo in (0, 10, 30)]
    made = rows_of(CELL, chunks, DIGESTS[4], JUDGED, run="r", history="h")
    assert [(one.seed_lo, one.seed_hi, one.chunks, one.planted) for one in made] == [
        (0, 19, 2, 120),
        (30, 39, 1, 60),
    ]
    assert made[0].proof != made[1].proof


def test_a_resumed_run_counts_its_truths_once() -> None:
    short, long = row(seeds=(0, 99)), replace(row(seeds=(0, 999)), seq=2, planted=70, found=70)
    ((_, seeds, kept),) = rectangles([short, long])
    assert (seeds, [one.planted for one in kept]) == ([(0, 999)], [70])
    other = replace(short, run="r-2")
    assert len(rectangles([short, long, other])[0][2]) == 2


SPACE = Space(
    families=("lcg48/java",), seeds=Range(0, 2**13 - 1), starts=Range(0, 2), gaps=Range(0, 5), noise=0.0, range=(0, 999)
)  # fmt: skip


async def searched(
    history: History, space: Space, compute: Compute, journal: Journal, known: tuple[CoverageRow, ...] = ()
) -> Identification:
    made = Identification(Question(history, space, known=known, kernel="build-1"), run="r-1")
    made.answer = await made.run(compute, journal)  # type: ignore[attr-defined]
    return made


def numbered(rows: list[CoverageRow]) -> tuple[CoverageRow, ...]:
    return tuple(replace(one, seq=number) for number, one in enumerate(rows, start=1))


@pytest.mark.asyncio(loop_scope="package")
async def test_what_is_excluded_is_not_searched_again_and_a_wider_space_only_in_its_holes(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    history = make_history(np.random.default_rng(5).integers(0, 1000, 60))
    first = await searched(history, SPACE, compute, journal)
    rows = numbered(first.coverage())
    again = Question(history, SPACE, known=rows, kernel="build-1")
    assert (again.plan.cells, again.spared) == ((), again.asked.hypotheses)
    wider = SPACE.model_copy(update={"seeds": (Range(0, 2**14 - 1),)})
    second = await searched(history, wider, compute, journal, rows)
    assert {cell.seeds[:2] for cell in second.question.plan.cells} == {(2**13, 2**14 - 1)}
    answer = second.answer  # type: ignore[attr-defined]
    assert answer.hypotheses_tested == answer.excluded_before == second.question.asked.hypotheses // 2
    assert {one.run for one in answer.excluded} == {None, "r-1"}
    assert answer.complete


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize("law", ["constant", "periodic"])
async def test_states_that_algebra_excluded_are_not_solved_again(
    law: str, compute: Compute, journal: Journal, make_history: Maker
) -> None:
    history = make_history(np.random.default_rng(6).integers(0, 1000, 60))
    space = Space(
        families=("lcg48/java",), mappings=("java_bounded",), range=(0, 999), methods="algebra", gap_law=law,  # type: ignore[arg-type]
        gaps=Range(0, 2),
    )  # fmt: skip
    first = await searched(history, space, compute, journal)
    rows = numbered(first.coverage())
    assert {(one.origin, one.seed_hi) for one in rows} == {("state", 0)}
    again = Question(history, space, known=rows, kernel="build-1")
    assert (again.plan.cells, again.spared) == ((), again.asked.hypotheses)
    wider = space.model_copy(update={"gaps": Range(0, 3)})
    assert Question(history, wider, known=rows, kernel="build-1").plan.hypotheses == sum(
        cell.tested for cell in Question(history, wider).plan.cells
    )
    made = of_history(again, Shelf(rows, 7, "f" * 64), "build-1")
    assert made.rectangles[0].seeds == ["all 2^48 states"]
    assert made.totals.share == 1.0
    assert made.totals.excluded == sum(one.hypotheses for one in made.rectangles)


@pytest.mark.asyncio(loop_scope="package")
async def test_states_that_take_more_draws_than_a_search_block_are_excluded_too(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    dice = make_history(np.random.default_rng(1).integers(1, 7, 120))
    space = Space(
        families=("v8_math_random/state52",), mappings=("float(52)",), range=(1, 6), methods="algebra", gaps=Range(0, 1)
    )  # fmt: skip
    first = await searched(dice, space, compute, journal)
    rows = numbered(first.coverage())
    assert [one.block > LONGEST_BLOCK for one in rows] == [True]
    assert not Question(dice, space, known=rows, kernel="build-1").plan.cells


@pytest.mark.asyncio(loop_scope="package")
async def test_a_formula_is_kept_like_any_other_mapping(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    history = make_history(np.random.default_rng(7).integers(0, 1000, 60))
    space = SPACE.model_copy(update={"mappings": ("formula(floor(u*1000))",), "seeds": (Range(0, 2047),)})
    first = await searched(history, space, compute, journal)
    again = Question(history, space, known=numbered(first.coverage()), kernel="build-1")
    assert (again.plan.cells, again.spared) == ((), again.asked.hypotheses)


@pytest.mark.asyncio(loop_scope="package")
async def test_a_claimed_family_is_never_excluded(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = host.values("lcg48/java", "java_bounded", 4711, 0, 999, 40, start=1, gap=3)
    space = SPACE.model_copy(update={"families": ("java", "msvc"), "exhaust": True})
    first = await searched(make_history(draws), space, compute, journal)
    assert first.answer.stopped_by == "exhausted"  # type: ignore[attr-defined]
    assert {one.family for one in first.coverage()} == {"msvc_rand/srand"}
    again = Question(make_history(draws), space, known=numbered(first.coverage()), kernel="build-1")
    assert {cell.family for cell in again.plan.cells} == {"lcg48/java"}


@pytest.mark.asyncio(loop_scope="package")
async def test_survivors_of_earlier_runs_raise_the_price_of_later_ones(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    history = make_history(np.random.default_rng(11).integers(0, 10, 120))
    space = SPACE.model_copy(update={"range": (0, 9)})
    first = await searched(history, space, compute, journal)
    rows = numbered(first.coverage())
    met = sum(one.survivors for one in rows)
    assert met == first.books.carried[0] > 0
    assert Books(Question(history, space, known=rows, kernel="build-1")).carried[0] == met


def test_a_certificate_names_what_is_excluded_and_what_is_not(make_history: Maker) -> None:
    history = make_history(DRAWS)
    cell = next(one for one in Question(history, SPACE).asked.cells if one.mapping == "java_bounded")
    known = (row(cell, seeds=(0, 2**12 - 1), judged=Judged("build-1", 1e-6, 0.0)),)
    seen = Question(history, SPACE, known=known, kernel="build-1")
    made = of_history(seen, Shelf(known, 7, "f" * 64), "build-1")
    assert made.totals.share == pytest.approx(1 / 8)  # half of one of four mappings
    assert [one.seeds for one in made.rectangles] == [["0:4095"]]
    assert made.rectangles[0].power > 0.95
    assert made.holes[0].seeds in ("4096:8191", "0:8191")
    assert sum(one.hypotheses for one in made.holes) + made.totals.excluded == made.totals.asked
    others = Question(history, SPACE.model_copy(update={"families": ("msvc",)}), kernel="build-1")
    assert of_history(others, Shelf(known, 7, "f" * 64), "build-1").rectangles == [], (
        "of families not asked for"
    )
    again = Certificate.model_validate_json(made.model_dump_json())
    assert again.sha256 == digest(again.model_dump(mode="json"))
    assert again.chain.head == "f" * 64
    tampered = again.model_copy(update={"kernel": "build-2"})
    assert digest(tampered.model_dump(mode="json")) != again.sha256


def test_the_ledger_of_a_state_directory_is_shared_and_waits_for_another_writer(tmp_path: Path) -> None:
    assert read(tmp_path) == Shelf()
    assert record(tmp_path, [row()]) == 1
    held = Journal.open(tmp_path / "coverage")
    Timer(0.3, held.close).start()
    assert record(tmp_path, [row(seeds=(7, 2**64 - 1))]) == 1
    shelf = read(tmp_path)
    assert [one.seed_hi for one in shelf.rows] == [2**16 - 1, 2**64 - 1]
    assert len(read(tmp_path, until=shelf.rows[0].seq).rows) == 1
    assert of_ledger(shelf, "build-1").totals.rectangles == 1
