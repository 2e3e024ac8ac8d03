"""The contract plan/1: the costs of a search before it runs."""

import numpy as np
import pytest

from engine.history.history import History
from engine.search.outline import Outline, outline
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space


def planned(space: Space, *, draws: int = 60, workers: int = 2) -> Outline:
    values = np.random.default_rng(4).integers(0, 1000, draws)
    return outline(Question(History.of(values.tolist(), source="t"), space), workers)


def test_the_totals_are_the_sums_of_the_cells() -> None:
    made = planned(Space(families=("java", "msvc"), range=(0, 999)))
    assert made.totals.cells == len(made.cells)
    assert made.totals.hypotheses == sum(cell.hypotheses for cell in made.cells)
    assert any(cell.route == "lattice" and cell.seeds == f"0:{2**48 - 1}" for cell in made.cells)
    assert made.totals.core_seconds == pytest.approx(sum(cell.seconds for cell in made.cells), abs=0.1)
    assert made.totals.seconds == pytest.approx(made.totals.core_seconds / 2, abs=0.1)


def test_the_time_limit_reaches_as_many_cells_as_end_before_it() -> None:
    made = planned(Space(families=("java",), range=(0, 999), time_limit=5.0))
    assert 0 < made.totals.within < made.totals.cells
    assert made.cells[made.totals.within - 1].done_after <= 5.0 < made.cells[made.totals.within].done_after


def test_twice_the_workers_take_half_the_time() -> None:
    one, two = (planned(Space(families=("java",), range=(0, 999)), workers=n) for n in (1, 2))
    assert one.totals.seconds == pytest.approx(2 * two.totals.seconds, rel=1e-3)


def test_what_the_draws_cannot_identify_is_listed_with_the_need() -> None:
    made = planned(Space(families=("java",), range=(0, 999), seeds=Range(0, 2**48 - 1)), draws=5)
    assert made.cells == []
    assert made.totals.seconds == 0.0
    assert all("need at least" in one.reason for one in made.unplanned)


def test_the_record_survives_its_own_json() -> None:
    made = planned(Space(families=("java",)))
    again = Outline.model_validate_json(made.model_dump_json())
    assert again == made
    assert made.model_dump()["schema"] == "plan/1"
