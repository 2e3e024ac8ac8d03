"""Gaps that take turns: some turn proposes every hypothesis that counts, every pattern is counted, seeds are found with theirs."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.history.history import History
from engine.recovery.problem import Patterns, calls_of
from engine.search.identify import identify
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space
from engine.search.turns import Turns, allowances, constant_part
from hip_cuda_kernels import host
from state.journal import Journal
from tests.search.by_definition import counted, searched, turns

Maker = Callable[[np.ndarray], History]


@pytest.mark.parametrize("counts", [(4, 4), (5, 4), (3, 3, 2), (2, 0), (1, 3, 3)])
def test_some_turn_stays_within_its_allowance_whatever_the_misses_are(counts: tuple[int, ...]) -> None:
    for missable in range(sum(counts)):
        allowed = allowances(counts, missable)
        assert all(-1 <= misses < max(count, 1) for misses, count in zip(allowed, counts, strict=True))
        for misses in product(*(range(count + 1) for count in counts)):
            if sum(misses) <= missable:
                assert any(one <= most for one, most in zip(misses, allowed, strict=True))


def test_without_a_miss_one_turn_alone_is_searched() -> None:
    assert allowances((5, 4), 0) == [0, -1]


def test_the_draws_of_a_turn_lie_where_constant_gaps_look() -> None:
    for turn, (start, pattern) in product(range(3), product((2, 5), Patterns(1, 3, 3))):
        calls = start + calls_of(pattern, np.arange(9))[turn::3]
        (first, last), (least, most) = constant_part((2, 5), (1, 3), 3, turn)
        assert first <= calls[0] <= last
        assert {least <= gap <= most for gap in np.diff(calls) - 1} == {True}


@pytest.mark.parametrize("period", [2, 3])
def test_every_pattern_is_laid_out_under_its_code(period: int) -> None:
    laid, patterns = Turns(1, 3, period, 7), Patterns(1, 3, period)
    assert [tuple(one) for one in laid.gaps.tolist()] == list(patterns)
    assert laid.codes.tolist() == [patterns.code(one) for one in patterns]
    assert laid.calls.tolist() == [calls_of(one, np.arange(7)).tolist() for one in patterns]


def test_every_pattern_that_fits_a_proposal_is_counted() -> None:
    stream = np.random.default_rng(1).integers(0, 4, 200)
    draws = stream[3 + calls_of((2, 0), np.arange(7))]
    laid = Turns(0, 2, 2, 7)
    begin, codes, matched = laid.counted(stream, draws, (0, 4), 1, 3 + 3, 3)
    found = dict(zip(zip(begin.tolist(), codes.tolist(), strict=True), matched.tolist(), strict=True))
    patterns = Patterns(0, 2, 2)
    for start, pattern in product(range(5), patterns):
        if sum(pattern) == 2 and start + pattern[0] + 1 == 6:
            want = int((stream[start + calls_of(pattern, np.arange(7))] == draws).sum())
            assert found.pop((start, patterns.code(pattern))) == want
    assert not found


@pytest.mark.parametrize(("period", "threshold"), [(2, 7), (3, 8)])
def test_the_search_equals_brute_force(period: int, threshold: int) -> None:
    rng = np.random.default_rng(1)
    code, seeds, patterns = ("msvc_rand/srand", "mod"), range(860, 920), Patterns(1, 3, period)
    draws = rng.integers(0, 4, (3, 8))
    draws[:, 5] = -1 if threshold < 8 else draws[:, 5]
    laid = [(pattern, calls_of(pattern, np.arange(8))) for pattern in patterns]
    hidden = host.values(*code, 900, 0, 3, 60)[1 + laid[5][1]]
    draws[2] = np.where(draws[2] < 0, -1, hidden)
    params = {
        "family": code[0], "mapping": code[1], "lo": 0, "hi": 3, "starts": [0, 2], "gaps": [1, 3], "period": period,
        "threshold": threshold,
    }  # fmt: skip
    found = searched("periodic", params, draws, 860, 60)
    streams = [host.values(*code, seed, 0, 3, 60) for seed in seeds]
    assert found == counted(streams, draws, turns((0, 2), (1, 3), 8, period), threshold, 860)
    assert (900, 1, patterns.code(laid[5][0]), 2, threshold if threshold < 8 else 8) in found


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize("pattern", [(3, 1), (0, 2, 1)])
async def test_a_seed_is_found_with_its_pattern_among_wrong_draws(
    pattern: tuple[int, ...], compute: Compute, journal: Journal, make_history: Maker
) -> None:
    calls = 4 + calls_of(pattern, np.arange(60))
    true = host.values("mt19937/cpython", "top_reject", 5000, 0, 999, int(calls[-1]) + 1)[calls]
    draws = true[:50].copy()
    draws[::8] = (draws[::8] + 1) % 1000
    space = Space(
        families=("python",), mappings=("top_reject",), seeds=(Range(4096, 8191),), starts=Range(0, 7), gaps=Range(0, 3),
        gap_law="periodic", range=(0, 999), noise=0.2,
    )  # fmt: skip
    found = await identify(make_history(draws), space, compute, journal, run="t")
    assert found.verdict == "identified"
    (best,) = found.hypotheses  # a pattern that shares one turn with the right one is the same discovery
    assert (int(best.origin["value"], 16), best.start) == (5000, 4)
    assert best.gap == {"law": "periodic", "unit": "call", "pattern": list(pattern)}
    assert found.next_draws == true[50:].tolist()
    assert found.controls.cells_found == found.controls.cells_planted >= 60


def test_more_patterns_than_a_worker_can_lay_out_are_left_out_with_the_reason(make_history: Maker) -> None:
    draws = np.random.default_rng(9).integers(0, 1000, 60)
    asked = Space(
        families=("python",), mappings=("top_reject",), seeds=(Range(0, 4095),), gaps=Range(0, 99), gap_law="periodic",
        range=(0, 999), noise=0.0,
    )  # fmt: skip
    plan = Question(make_history(draws), asked).plan
    assert [cell.period for cell in plan.cells] == [2]
    assert "1,000,000 patterns of 3 gaps" in plan.unplanned[0].reason
