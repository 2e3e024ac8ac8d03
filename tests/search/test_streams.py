"""Streams by their labels: sessions, turns, directions; and a search for a stream whose newest draw stands first."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.errors import BadInput
from engine.history.history import History
from engine.search.certificate import of_history
from engine.search.identify import Identification, identify
from engine.search.ledger import Shelf
from engine.search.outline import outline
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space
from engine.search.streams import labels, parts, stream_of
from hip_cuda_kernels import host
from state.journal import Journal

Maker = Callable[[np.ndarray], History]
SPACE = {
    "families": ("lcg48/java",),
    "mappings": ("java_bounded",),
    "seeds": Range(4096, 5119),
    "starts": Range(0, 2),
    "gaps": Range(0, 5),
    "noise": 0.0,
    "range": (0, 999),
}
MIXED = History.of(range(6), sessions=["a", "b", None, "a", "b", "a"])


@pytest.mark.parametrize(
    ("asked", "direction", "streams"),
    [
        ("all", "both", {None: [0, 1, 2, 3, 4, 5], "backward": [5, 4, 3, 2, 1, 0]}),
        ("a", "backward", {"backward a": [5, 3, 0]}),
        ("each", "forward", {None: [0, 1, 2, 3, 4, 5], "a": [0, 3, 5], "b": [1, 4]}),
        ("turns:2", "backward", {"backward turn 1 of 2": [4, 2, 0], "backward turn 2 of 2": [5, 3, 1]}),
    ],
)
def test_a_label_names_the_draws_and_their_order(asked, direction, streams):
    named = labels(MIXED, asked, direction)
    assert {label: stream_of(MIXED, label).values.tolist() for label in named} == streams


def test_a_label_is_read_as_session_and_direction():
    assert [parts(one) for one in (None, "a", "backward", "backward a b")] == [
        (None, "forward"), ("a", "forward"), (None, "backward"), ("a b", "backward")
    ]  # fmt: skip


@pytest.mark.parametrize("label", ["backward", "backward 2", "turn 1 of 2"])
def test_a_session_that_is_called_as_a_direction_or_a_turn_is_refused(label):
    history = History.of(range(4), sessions=["a", label, "a", label])
    with pytest.raises(BadInput, match="rename it"):
        labels(history, "each", "forward")
    assert labels(history, "all", "forward") == [None]


def newest_first(count: int = 40) -> tuple[np.ndarray, list[int]]:
    draws = host.values("lcg48/java", "java_bounded", 4711, 0, 999, count + 10, start=1, gap=3)
    return draws[:count][::-1], draws[count:].tolist()


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize(
    ("direction", "verdict"), [("forward", "no_evidence"), ("backward", "identified"), ("both", "identified")]
)
async def test_draws_that_stand_newest_first_are_found_backward_alone(
    direction: str, verdict: str, compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws, future = newest_first()
    found = await identify(
        make_history(draws), Space(**SPACE, direction=direction), compute, journal, run="t"
    )
    assert found.verdict == verdict
    if verdict == "identified":
        best = found.hypotheses[0]
        assert (best.direction, best.session, best.start, best.gap["value"]) == ("backward", None, 1, 3)
        assert int(best.origin["value"], 16) == 4711
        assert best.confirmed.matched == best.confirmed.scored > 20
        assert found.next_draws == future


@pytest.mark.asyncio(loop_scope="package")
async def test_a_generator_stepped_back_by_its_inverse_is_found_backward(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    family, words = "xorshift32/raw_seed", host.walk("xorshift32/raw_seed", 777, 0, 31, 31)
    first = int(words[0])  # this word is the state, and the seed that the others follow
    space = SPACE | {"families": (family,), "mappings": ("mod",), "seeds": Range(first - 500, first + 500)}
    file = (words[1:] % 1000).astype(np.int64)[::-1]
    found = await identify(
        make_history(file), Space(**space, direction="backward"), compute, journal, run="t"
    )
    assert [(one.family, one.direction, int(one.origin["value"], 16)) for one in found.hypotheses] == [
        (family, "backward", first)
    ]


@pytest.mark.asyncio(loop_scope="package")
async def test_chance_is_excluded_in_both_directions_with_power_of_their_own(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    history = make_history(np.random.default_rng(5).integers(0, 1000, 40))
    search = Identification(Question(history, Space(**SPACE, direction="both"), kernel="k"), run="t")
    one_way = Question(history, Space(**SPACE), kernel="k")
    assert search.question.plan.hypotheses == 2 * one_way.plan.hypotheses
    assert [one.direction for one in outline(search.question, 1).cells] == ["forward", "backward"]
    found = await search.run(compute, journal)
    assert found.verdict == "no_evidence"
    assert sorted(one.direction for one in found.excluded) == ["backward", "forward"]
    assert all(one.power >= 0.95 for one in found.excluded)
    assert found.controls.cells_planted == found.controls.cells_found == 2 * 60
    rows = search.coverage()
    assert {row.session for row in rows} == {None, "backward"}
    again = Question(history, Space(**SPACE, direction="both"), known=rows, kernel="k")
    assert again.plan.cells == ()
    ahead = Question(history, Space(**SPACE), known=[row for row in rows if row.session], kernel="k")
    assert ahead.plan.hypotheses == one_way.plan.hypotheses  # what is excluded backward is open forward
    made = of_history(again, Shelf(tuple(rows), 2, "h"), "k")
    assert {one.session for one in made.rectangles} == {None, "backward"}
