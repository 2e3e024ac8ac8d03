"""States from draws with planted truth: gaps, places in a block, missing draws, and every reason to refuse."""

import json
import random
import shutil
import subprocess
import time

import numpy as np
import pytest

from engine.recovery.answer import Found
from engine.recovery.elimination import recover
from engine.recovery.problem import Problem, calls_of, constant, periodic, rotations
from engine.recovery.systems import Hypothesis
from engine.recovery.systems import made as read
from hip_cuda_kernels import gf2, host

V8 = "v8_math_random/state52"
MT = "mt19937/init_genrand"


def planted(
    family: str, mapping: str, size: int, count: int, gap: int, *, seed: int = 4242, start: int = 0
) -> np.ndarray:
    return host.values(family, mapping, seed, 0, size - 1, count, start=start, gap=gap)


def made(problem: Problem, found: Found, count: int) -> np.ndarray:
    hypothesis = Hypothesis(found.pattern, found.place)
    return read(problem, problem.model.unpack(found.state), hypothesis, np.arange(count))


def predicting(problem: Problem, found: tuple[Found, ...], draws: np.ndarray) -> list[Found]:
    return [one for one in found if np.array_equal(made(problem, one, len(draws)), draws)]


@pytest.mark.parametrize(
    ("family", "mapping", "size", "count", "gap"),
    [
        ("xorshift128/marsaglia", "mod", 1000, 60, 33),
        ("xorshift128/marsaglia", "mulshift", 49, 60, 0),
        ("xorshift32/raw_seed", "float(32)", 1000, 10, 1000),
        ("taus88/boost", "mod", 1000, 50, 12),
        ("taus113/gsl", "mod", 1000, 60, 12),
        ("tw223/luajit", "float(52)", 1000, 40, 3),
        ("xoroshiro128/plus", "mod", 1000, 170, 5),
        ("pure_rand/xorshift128plus", "mod_reject(32)", 1000, 170, 5),
        ("erlang_exs/exsp", "mod_reject(58)", 1000, 170, 5),
        ("jsc_weak_random/seed32", "mod", 6, 170, 5),
        ("tt800/gsl", "mod", 1000, 300, 2),
        ("well512a/commons_math", "float(52)", 1000, 90, 2),
        ("well1024a/commons_math", "mulshift", 1000, 160, 2),
        ("v8_math_random/sum52", "mod", 1000, 200, 5),
    ],
)
def test_one_state_under_an_unknown_gap(family: str, mapping: str, size: int, count: int, gap: int) -> None:
    draws = planted(family, mapping, size, count + 50, gap)
    problem = Problem(family, mapping, 0, size - 1, constant(max(gap - 3, 0), gap + 3), draws=draws[:count])
    answer = recover(problem)
    best = predicting(problem, answer.found, draws)
    assert {one.pattern for one in best} == {(gap,)}, answer.reason
    assert problem.model.block > 1 or len(answer.found) == 1


@pytest.mark.parametrize(("start", "gap"), [(0, 0), (777, 137), (5001, 200), (63, 1)])
def test_v8_from_twenty_one_draws_at_an_unknown_place_and_gap_up_to_200(start: int, gap: int) -> None:
    draws = planted(V8, "float(52)", 1000, 121, gap, start=start)
    problem = Problem(V8, "float(52)", 0, 999, constant(0, 200), draws=draws[:21])
    begin = time.process_time()
    answer = recover(problem)
    assert time.process_time() - begin < 5
    truth = [one for one in answer.found if (one.pattern, one.place) == ((gap,), start % 64)]
    assert predicting(problem, tuple(truth), draws) == truth
    assert len(truth) == 1
    assert answer.exhausted
    assert answer.tried_bits == pytest.approx(128 + np.log2(201 * 64))


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize("seed", [None, 3])
def test_nodes_own_math_random_is_followed_across_blocks(seed: int | None) -> None:
    rng = random.Random(seed)
    skip, gap = rng.randrange(1000), rng.randrange(201)
    script = f"""for (let i = 0; i < {skip}; i++) Math.random();
        console.log(JSON.stringify([process.versions.v8, Array.from({{length: 124}}, () => {{
            const u = Math.random(); for (let i = 0; i < {gap}; i++) Math.random(); return Math.floor(u * 1000); }})]))"""
    command = ["node", "-e", script] if seed is None else ["node", f"--random-seed={seed}", "-e", script]
    version, draws = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    era = float(".".join(version.split(".")[:2]))
    if not 7.1 <= era < 14.2:
        pytest.skip(f"V8 {version} adds two words")
    family, mapping = (V8, "float(52)") if era < 13 else ("v8_math_random/state53", "float(53)")
    problem = Problem(family, mapping, 0, 999, constant(0, 200), draws=np.array(draws[:24]))
    best = predicting(problem, recover(problem).found, np.array(draws))
    assert {one.pattern for one in best} == {(gap,)}
    assert skip % 64 in {one.place for one in best}  # beside places that no draw tells apart


def test_missing_draws_cost_their_bits_and_no_more() -> None:
    draws = planted("xorshift128/marsaglia", "mod", 1000, 120, 4)
    holed = draws[:80].copy()
    holed[[0, 3, 17, 18, 40]] = -1
    problem = Problem("xorshift128/marsaglia", "mod", 0, 999, constant(0, 9), draws=holed)
    answer = recover(problem)
    assert [one.pattern for one in predicting(problem, answer.found, draws)] == [(4,)]
    assert not set(answer.found[0].solved_from) & {0, 3, 17, 18, 40}


def test_a_periodic_pattern_given_and_unknown() -> None:
    stream = planted("xorshift128/marsaglia", "mod", 1000, 600, 0)
    calls = calls_of((2, 0, 5), np.arange(130))
    draws = stream[calls]
    for patterns in (rotations((5, 2, 0)), periodic(3, 0, 5)):
        problem = Problem("xorshift128/marsaglia", "mod", 0, 999, patterns, draws=draws[:60])
        answer = recover(problem)
        assert [one.pattern for one in predicting(problem, answer.found, draws)] == [(2, 0, 5)]
        assert answer.tried_bits == pytest.approx(128 + np.log2(len(patterns)))


def test_draws_beyond_those_it_is_solved_from_are_left_as_evidence() -> None:
    draws = planted("xorshift128/marsaglia", "mod", 1000, 90, 0)
    draws[70] ^= 1
    (found,) = recover(Problem("xorshift128/marsaglia", "mod", 0, 999, constant(0, 3), draws=draws)).found
    assert max(found.solved_from) < 60


def test_random_draws_have_no_state_and_the_space_is_decided() -> None:
    draws = np.random.default_rng(1).integers(0, 1000, 80)
    answer = recover(Problem("xorshift128/marsaglia", "mod", 0, 999, constant(0, 50), draws=draws))
    assert answer.found == ()
    assert answer.exhausted


def test_states_that_meet_the_exact_bits_alone_are_not_reported() -> None:
    """11 draws x % 1000 show 33 bits, met by some hundred states under 201 gaps; the values leave one."""
    draws = planted("xorshift32/raw_seed", "mod", 1000, 11, 150)
    problem = Problem("xorshift32/raw_seed", "mod", 0, 999, constant(0, 200), draws=draws)
    assert [one.pattern for one in recover(problem).found] == [(150,)]


def test_a_null_space_of_few_dimensions_is_listed_in_full() -> None:
    """Masked words of 8 bits each show fewer equations than unknowns: every state that makes the draws is found."""
    draws = planted("xorshift32/raw_seed", "shift(24)", 256, 4, 0)[:4]
    draws[3] = -1
    problem = Problem("xorshift32/raw_seed", "shift(24)", 0, 255, constant(0, 0), draws=draws)
    answer = recover(problem)
    seeds = host.sieve(
        "xorshift32/raw_seed", "shift(24)", 0, 255, draws[None, :], np.array([3]),
        seed_lo=0, seed_count=1 << 32, starts=(0, 0), gaps=(0, 0), route="gf2",
    ).hits["seed"]  # fmt: skip
    assert {one.state for one in answer.found} == set(seeds.tolist())
    assert len(answer.found) > 1


@pytest.mark.parametrize(
    ("family", "mapping", "size", "count", "reason"),
    [
        ("xorshift128/marsaglia", "mod", 1000, 20, "exact bits"),
        ("xorshift128/marsaglia", "mod", 999, 200, "shows no bit"),
        ("v8_math_random/sum53", "float(53)", 1000, 50, "sum of two words"),
        ("lcg48/java", "java_bounded", 1000, 50, "no recurrence"),
        ("mt19937/cpython", "top_reject", 1000, 7000, "rejects words"),
        ("r250/gsl", "mod", 1000, 6000, "rank 750 of 8000"),
        ("xorshift128/marsaglia", "digits(2,mod)", 100, 50, "several calls"),
    ],
)
def test_what_it_cannot_decide_it_refuses_with_the_reason(
    family: str, mapping: str, size: int, count: int, reason: str
) -> None:
    draws = planted(family, mapping, size, count, 0)
    answer = recover(Problem(family, mapping, 0, size - 1, constant(0, 1), draws=draws))
    assert reason in answer.reason
    assert answer.found == ()
    assert not answer.exhausted


def test_the_draws_it_asks_for_suffice() -> None:
    draws = planted("xorshift128/marsaglia", "mod", 1000, 200, 7)
    need = recover(Problem("xorshift128/marsaglia", "mod", 0, 999, constant(0, 9), draws=draws[:10])).need
    assert need is not None
    assert recover(Problem("xorshift128/marsaglia", "mod", 0, 999, constant(0, 9), draws=draws[:need])).found


def test_rejection_that_is_unlikely_is_assumed_away_and_said() -> None:
    draws = planted("pure_rand/xorshift128plus", "mod_reject(32)", 1000, 170, 0)
    answer = recover(
        Problem("pure_rand/xorshift128plus", "mod_reject(32)", 0, 999, constant(0, 0), draws=draws)
    )
    assert "no word was rejected" in answer.reason
    assert answer.found
    assert not answer.exhausted


@pytest.mark.parametrize("family", ["xorshift128/marsaglia", MT])
def test_a_stop_ends_it_at_once_and_leaves_the_space_open(family: str) -> None:
    draws = planted(family, "mod", 1000, 7000, 0)
    answer = recover(
        Problem(family, "mod", 0, 999, constant(0, 3), draws=draws),
        stop=gf2.Stop(np.ones(1, dtype=np.uint32)),
    )
    assert not answer.exhausted
    assert "stopped" in answer.reason


def test_mt19937_from_three_bits_a_draw() -> None:
    """6,900 draws x % 1000."""
    draws = planted(MT, "mod", 1000, 7000, 1)
    problem = Problem(MT, "mod", 0, 999, constant(1, 1), draws=draws[:6900])
    answer = recover(problem)
    assert [one.pattern for one in predicting(problem, answer.found, draws)] == [(1,)]
    assert answer.exhausted


def test_a_large_state_is_solved_gap_by_gap_and_a_wrong_gap_contradicts_itself() -> None:
    draws = planted("mt11213b/boost", "mulshift", 1 << 16, 800, 0)
    problem = Problem("mt11213b/boost", "mulshift", 0, (1 << 16) - 1, constant(0, 1), draws=draws[:760])
    answer = recover(problem)
    assert [one.pattern for one in answer.found] == [(0,)]
    assert predicting(problem, answer.found, draws) == list(answer.found)
    assert answer.exhausted


def test_later_draws_that_bring_no_rank_ask_for_no_more() -> None:
    draws = planted("r250/gsl", "shift(29)", 8, 4000, 0)
    assert recover(Problem("r250/gsl", "shift(29)", 0, 7, constant(0, 0), draws=draws)).need is None
