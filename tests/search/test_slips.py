"""Slips: a draw that is missing, one that stands twice, a gap that changed, each named; the next draws follow; chance shows none."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.history.history import History
from engine.search.cell import Cell
from engine.search.claims import Hit, predicted, score
from engine.search.identify import Identification
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.slips import Slip, slip
from engine.search.space import Space
from hip_cuda_kernels import host
from state.journal import Journal

CELL = Cell(
    "lcg48/java", "java_bounded", 0, 999, Range(0, 2**16 - 1), (0, 5), (0, 3), 0.2, 9, 4, 36, None, 1.0, 1.0
)  # fmt: skip
TRUE = host.values("lcg48/java", "java_bounded", 77, 0, 999, 400, start=4)[::3]  # start 4, gap 2


def found(draws: np.ndarray, cell: Cell = CELL) -> Slip | None:
    return slip(score(cell, Hit(77, 4, 2), draws, 1e-3, None, 1), draws, 1e-3, 1e-6)


@pytest.mark.parametrize(
    ("draws", "calls", "told"),
    [
        (np.delete(TRUE[:61], 30), 3, "1 missing before draw 31"),
        (np.delete(TRUE[:62], [30, 31]), 6, "2 missing before draw 31"),
        (np.insert(TRUE[:59], 30, TRUE[29]), -3, "1 too many before draw 31"),
        (
            np.concatenate([TRUE[:31], host.values("lcg48/java", "java_bounded", 77, 0, 999, 400, start=98, gap=2)[:29]]),
            1,
            "the gap before draw 32 is 1 calls wider",
        ),
    ],
)  # fmt: skip
def test_a_slip_is_named_and_the_next_draws_follow_it(draws: np.ndarray, calls: int, told: str) -> None:
    one = found(draws)
    assert one is not None
    assert (one.calls, told in one.line()) == (calls, True), one.line()
    last = int(np.flatnonzero(host.values("lcg48/java", "java_bounded", 77, 0, 999, 400) == draws[-1])[0])
    assert (
        one.future.tolist()
        == host.values("lcg48/java", "java_bounded", 77, 0, 999, 400)[last + 3 : last + 33 : 3].tolist()
    )


def test_wrong_draws_are_no_slip() -> None:
    draws = TRUE[:60].copy()
    draws[::3] = np.random.default_rng(1).integers(0, 1000, 20)
    assert found(draws) is None
    assert found(TRUE[:60]) is None


def test_a_slip_is_looked_for_where_gaps_are_constant_and_time_runs_forward() -> None:
    draws = np.delete(TRUE[:61], 30)
    assert found(draws, replace(CELL, session="backward")) is None
    assert predicted(CELL, 77, 4, 2, 30).tolist() == draws[:30].tolist()


@pytest.mark.asyncio(loop_scope="package")
async def test_the_next_draws_of_a_search_follow_the_slip_and_the_search_names_it(
    compute: Compute, journal: Journal, make_history: Callable[[np.ndarray], History]
) -> None:
    space = Space(
        families=("lcg48/java",), mappings=("java_bounded",), seeds=(Range(0, 255),), starts=Range(0, 5), gaps=Range(0, 3),
        range=(0, 999), noise=0.2,
    )  # fmt: skip
    search = Identification(Question(make_history(np.delete(TRUE[:61], 30)), space))
    analysis = await search.run(compute, journal)
    assert analysis.next_draws == TRUE[61:71].tolist()
    assert [line.split(":")[0] for line in search.slips] == ["1 missing before draw 31"]
