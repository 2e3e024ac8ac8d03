"""Planted states among wrong draws, and what subset sampling says where it fails."""

import numpy as np
import pytest

from engine.recovery.problem import Problem, constant
from engine.recovery.subsets import recover_among_wrong
from hip_cuda_kernels import host

V8 = "v8_math_random/state53"


def noisy(
    family: str, mapping: str, count: int, wrong: float, *, gap: int, start: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    draws = host.values(family, mapping, 31, 0, 999, count, start=start, gap=gap)
    spoilt = np.random.default_rng(6).random(count) < wrong
    return draws, np.where(spoilt, (draws + 317) % 1000, draws)


def problem_of(draws: np.ndarray, family: str, mapping: str, gaps: tuple[int, int], wrong: float) -> Problem:
    return Problem(family, mapping, 0, 999, constant(*gaps), wrong, draws)


@pytest.mark.parametrize("wrong", [0.05, 0.1])
def test_v8_is_found_among_wrong_draws(wrong: float) -> None:
    truth, draws = noisy(V8, "float(53)", 60, wrong, gap=9, start=70)
    assert (truth != draws).any()
    problem = problem_of(draws, V8, "float(53)", (8, 10), wrong)
    answer = recover_among_wrong(problem, 200, np.random.default_rng(1))
    assert (9,) in {one.pattern for one in answer.found}, answer.reason
    for one in answer.found:
        assert np.array_equal(draws[list(one.solved_from)], truth[list(one.solved_from)])
        assert one.tried_bits >= problem.tried_bits


def test_random_draws_are_not_taken_for_noisy_ones() -> None:
    draws = np.random.default_rng(2).integers(0, 1000, 60)
    answer = recover_among_wrong(
        problem_of(draws, V8, "float(53)", (0, 3), 0.1), 50, np.random.default_rng(1)
    )
    assert answer.found == ()
    assert not answer.exhausted
    assert "50 subsets" in answer.reason


def test_its_probability_is_that_of_one_subset_without_a_wrong_draw() -> None:
    draws = np.random.default_rng(2).integers(0, 1000, 60)
    answer = recover_among_wrong(problem_of(draws, V8, "float(53)", (0, 0), 0.5), 1, np.random.default_rng(1))
    size = int(answer.reason.split("of ")[1].split()[0])
    assert f"probability {0.5**size:.3g} " in answer.reason


@pytest.mark.parametrize(
    ("family", "mapping", "count", "reason"),
    [
        ("tt800/gsl", "mod", 256, "exact bits"),
        ("well512a/commons_math", "mod", 250, "no wrong draw"),
        (V8, "float(53)", 19, "judge"),
    ],
)
def test_it_refuses_what_it_cannot_do(family: str, mapping: str, count: int, reason: str) -> None:
    _, draws = noisy(family, mapping, count, 0.1, gap=0)
    answer = recover_among_wrong(
        problem_of(draws, family, mapping, (0, 0), 0.1), 10, np.random.default_rng(1)
    )
    assert answer.found == ()
    assert reason in answer.reason
