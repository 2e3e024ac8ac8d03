"""Replay: one meaning of start, gap and session; what cannot be replayed is refused by name."""

import numpy as np
import pytest

from engine.history.history import History
from engine.pipeline.replay import NONE, Lines, NotReplayable, predictions, refuse, stream, tally
from engine.search.alignment import Alignment, Gap, Origin
from hip_cuda_kernels import host

BASE = Alignment(family="lcg48/java", mapping="java_bounded", range=(0, 99), origin=Origin.seed(99, 48))
CALLS = host.values("lcg48/java", "java_bounded", 99, 0, 99, 400)


def aligned(**changes):
    return BASE.model_copy(update=changes)


@pytest.mark.parametrize(("start", "gap"), [(0, 0), (3, 0), (0, 4), (7, 2)])
def test_draw_t_lies_at_start_plus_t_strides(start, gap):
    got = stream(aligned(start=start, gap=Gap.constant(gap)), 0, 20)
    assert got.tolist() == [CALLS[start + t * (gap + 1)] for t in range(20)]


def test_a_stream_entered_later_goes_on_where_it_was():
    one = aligned(start=5, gap=Gap.constant(3))
    assert stream(one, 12, 8).tolist() == stream(one, 0, 20)[12:].tolist()


def test_before_the_stream_begins_nothing_is_predicted():
    got = stream(aligned(start=-5, gap=Gap.constant(1)), 0, 10)
    assert got.tolist() == [NONE] * 3 + [CALLS[-5 + 2 * t] for t in range(3, 10)]


def test_a_periodic_gap_walks_its_pattern():
    one = aligned(start=2, gap=Gap(law="periodic", pattern=(0, 3, 1)))
    calls, at = [2], 2
    for t in range(19):
        at += 1 + (0, 3, 1)[t % 3]
        calls.append(at)
    assert stream(one, 0, 20).tolist() == [CALLS[call] for call in calls]
    assert stream(one, 7, 5).tolist() == [CALLS[call] for call in calls[7:12]]


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": "backward"},
        {"gap": Gap(law="range", lo=0, hi=3)},
        {"gap": Gap(law="unknown")},
        {"gap": Gap(law="constant", unit="word", value=1)},
        {"family": "isaac/isaac_rng", "start": None, "origin": Origin(kind="state", bits=64, value="0x1")},
        {"start": None},
    ],
)
def test_what_predicts_no_single_value_is_refused_with_a_reason(changes):
    assert refuse(aligned(**changes))
    with pytest.raises(NotReplayable):
        stream(aligned(**changes), 0, 3)


def test_a_session_stream_advances_only_with_its_own_draws():
    labels = ["a", "b", "a", "a", "b"]
    history = History.of([1, 2, 3, 4, 5], sessions=labels)
    got = predictions([aligned(session="a"), aligned(session="b"), BASE], Lines.of(history))
    assert got[0].tolist() == [CALLS[0], NONE, CALLS[1], CALLS[2], NONE]
    assert got[1].tolist() == [NONE, CALLS[0], NONE, NONE, CALLS[1]]
    assert got[2].tolist() == CALLS[:5].tolist()


def test_missing_draws_take_a_place_and_are_never_scored():
    values = CALLS[:6].tolist()
    history = History.of([*values[:2], None, *values[3:]])
    lines = Lines.of(history)
    matched, scored = tally(predictions([BASE], lines), lines.values, 0, 6)
    assert (int(matched[0]), int(scored[0])) == (5, 5)
    assert np.array_equal(predictions([BASE], lines)[0], CALLS[:6])
