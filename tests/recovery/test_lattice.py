"""The lattice route: planted states come back under an unknown gap, alone; chance, rejection and noise are told as they are."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from engine.recovery import lattice
from engine.recovery.answer import Answer
from engine.recovery.congruences import MODELS
from engine.recovery.cuts import cut_of
from engine.recovery.problem import Problem, constant
from hip_cuda_kernels import host

JAVA, DRAND, MUSL = "lcg48/java", "lcg48/drand48", "knuth_lcg64/musl"
# family, mapping, M, draws, largest gap: each form of a cut, and each family's own
PLANTED = [
    (DRAND, "float(48)", 1000, 8, 40),
    (DRAND, "float(48)", 10, 24, 10),
    (DRAND, "shift(17)", 1000, 8, 40),
    (JAVA, "java_bounded", 1000, 8, 20),
    (JAVA, "java_bounded", 999, 8, 20),
    (JAVA, "java_bounded", 1024, 8, 40),
    (JAVA, "java_bounded", 10, 24, 2),
    (JAVA, "float(53)", 1000, 8, 40),
    (JAVA, "mulshift", 1000, 8, 40),
    (MUSL, "mod", 1000, 10, 20),
    (MUSL, "float(31)", 1000, 10, 40),
    ("knuth_lcg64/newlib", "mod", 999, 10, 20),
    ("gforth_random/seed", "mulshift", 1000, 10, 20),
    ("gforth_random/seed", "mod", 999, 10, 20),
    ("msvc_rand/srand", "mod", 1000, 6, 20),
    ("msvc_rand/srand", "float(15)", 100, 9, 20),
    ("glibc_random/type0", "mod", 1000, 6, 20),
    ("vb_rnd/state", "float(24)", 1000, 5, 20),
    ("knuth_lcg/randu", "float(31)", 1000, 6, 5),
    ("knuth_lcg/borosh13", "mod", 999, 6, 20),
    ("knuth_lcg/vax", "float(32)", 1000, 6, 20),
    ("lcg31/minstd16807", "mod", 1000, 6, 40),
    ("lcg31/minstd48271", "float(31)", 1000, 6, 40),
    ("tcl_rand/srand", "float(31)", 1000, 6, 40),
]


def solve(
    draws: np.ndarray, family: str, mapping: str, lo: int, hi: int, gaps: tuple[int, int], *, noise: float = 0.0,
    stop: lattice.Stop | None = None,
) -> Answer:  # fmt: skip
    return lattice.solve(Problem(family, mapping, lo, hi, constant(*gaps), noise, draws), stop=stop)


@dataclass
class Planted:
    state: int
    draws: np.ndarray


def plant(name: str, mapping: str, size: int, count: int, gap: int, rng: np.random.Generator) -> Planted:
    model, cut = MODELS[name], cut_of(name, mapping, 0, size - 1)
    assert cut is not None
    state = int.from_bytes(rng.bytes(8), "little") % model.modulus or 1
    words = model.words(state, ((count - 1) * (gap + 1) + 1) * cut.words + 64)
    return Planted(state % cut.model.modulus, host.read(name, mapping, 0, size - 1, words, count, gap=gap))


def made_by(answer_state: int, name: str, mapping: str, size: int, count: int, gap: int) -> np.ndarray:
    words = MODELS[name].words(answer_state, count * (gap + 1) * 2 + 64)
    return host.read(name, mapping, 0, size - 1, words, count, gap=gap)


@pytest.mark.parametrize(("name", "mapping", "size", "count", "most"), PLANTED)
def test_a_planted_state_is_found_with_its_gap(
    name: str, mapping: str, size: int, count: int, most: int
) -> None:
    rng = np.random.default_rng(size)
    gap = int(rng.integers(0, most, endpoint=True))
    truth = plant(name, mapping, size, count, gap, rng)
    answer = solve(truth.draws, name, mapping, 0, size - 1, (0, most))
    assert (truth.state, (gap,)) in [(one.state, one.pattern) for one in answer.found]
    assert answer.exhausted
    for one in answer.found:
        made = made_by(one.state, name, mapping, size, count, one.pattern[0])
        assert np.array_equal(made[list(one.solved_from)], truth.draws[list(one.solved_from)])


@pytest.mark.parametrize(("name", "mapping", "size", "count", "most"), PLANTED[:14])
def test_draws_of_chance_have_no_state(name: str, mapping: str, size: int, count: int, most: int) -> None:
    draws = np.random.default_rng(size + 1).integers(0, size, count)
    answer = solve(draws, name, mapping, 0, size - 1, (0, most))
    assert answer.exhausted
    assert answer.found == ()


@pytest.mark.parametrize(
    ("mapping", "formula", "size"),
    [
        ("float(24)", lambda x: x * 40 >> 24, 40),
        ("mod", lambda x: x % 41, 41),
        ("mod", lambda x: x % 84, 84),
        ("shift(8)", lambda x: (x >> 8) % 41, 41),
        ("shift(8)", lambda x: (x >> 8) % 40, 40),
    ],
)
def test_all_states_are_found_where_few_draws_leave_several(
    mapping: str, formula: Callable[[np.ndarray], np.ndarray], size: int
) -> None:
    """Every state of a generator of 24 bits is tried beside it."""
    name, count, stride = "vb_rnd/state", 4, 3
    draws = plant(name, mapping, size, count, stride - 1, np.random.default_rng(9)).draws
    answer = solve(draws, name, mapping, 0, size - 1, (stride - 1, stride - 1))
    model, cut = MODELS[name], cut_of(name, mapping, 0, size - 1)
    assert cut is not None
    states = np.arange(cut.model.modulus, dtype=np.int64)
    for i, draw in enumerate(draws.tolist()):
        a, c = model.power(1 + i * stride)
        states = states[formula((states * a + c) & (model.modulus - 1)) == draw]
    assert answer.exhausted
    assert sorted(one.state for one in answer.found) == states.tolist()
    assert states.size > 1


def test_missing_draws_are_stepped_over_and_the_state_is_that_before_the_history() -> None:
    truth = plant(DRAND, "float(48)", 1000, 16, 7, np.random.default_rng(2))
    draws = truth.draws.copy()
    draws[[0, 1, 4, 8]] = -1
    (found,) = solve(draws, DRAND, "float(48)", 0, 999, (0, 20)).found
    assert (found.state, found.pattern) == (truth.state, (7,))
    assert not {0, 1, 4, 8} & set(found.solved_from)


def test_a_range_that_does_not_start_at_nought_is_shifted() -> None:
    truth = plant(JAVA, "java_bounded", 900, 10, 3, np.random.default_rng(3))
    (found,) = solve(truth.draws + 100, JAVA, "java_bounded", 100, 999, (0, 5)).found
    assert (found.state, found.pattern) == (truth.state, (3,))


def test_one_wrong_draw_among_those_solved_from_leaves_no_state() -> None:
    truth = plant(JAVA, "java_bounded", 1000, 8, 3, np.random.default_rng(4))
    draws = truth.draws.copy()
    draws[5] = (draws[5] + 1) % 1000
    assert solve(draws, JAVA, "java_bounded", 0, 999, (0, 5)).found == ()


def test_only_the_draws_that_suffice_are_solved_from() -> None:
    truth = plant(DRAND, "float(48)", 1000, 30, 3, np.random.default_rng(5))
    draws = truth.draws.copy()
    draws[20:] = 0
    (found,) = solve(draws, DRAND, "float(48)", 0, 999, (0, 5)).found
    assert max(found.solved_from) < 10
    assert found.tried_bits == pytest.approx(48 + np.log2(6))


def test_too_few_draws_are_refused_with_the_number_that_would_do() -> None:
    truth = plant(JAVA, "java_bounded", 1000, 8, 3, np.random.default_rng(6))
    answer = solve(truth.draws[:4], JAVA, "java_bounded", 0, 999, (0, 255))
    assert (answer.found, answer.exhausted, answer.need) == ((), False, 6)
    assert solve(truth.draws[:6], JAVA, "java_bounded", 0, 999, (0, 255)).need is None


@pytest.mark.parametrize(
    ("mapping", "size"), [("top_reject", 520), ("java_bounded", 3), ("sample(2)", 90), ("java_bounded", 1)]
)
def test_what_no_lattice_of_bearable_size_decides_is_refused_with_a_reason(mapping: str, size: int) -> None:
    draws = np.random.default_rng(1).integers(0, size, 90)
    answer = solve(draws, JAVA, mapping, 0, size - 1, (0, 100))
    assert (answer.found, answer.exhausted) == ((), False)
    assert answer.reason


def test_a_draw_that_no_word_makes_excludes_every_state() -> None:
    draws = np.array([1, 2, 40_000, 3, 4, 5, 6, 7])
    answer = solve(draws, "msvc_rand/srand", "mod", 0, 49_999, (0, 3))
    assert (answer.found, answer.exhausted) == ((), True)


def test_the_chance_of_a_word_drawn_again_is_told() -> None:
    truth = plant(JAVA, "java_bounded", 1000, 8, 3, np.random.default_rng(6))
    assert "drawn again" in solve(truth.draws, JAVA, "java_bounded", 0, 999, (0, 5)).reason
    assert solve(truth.draws, JAVA, "java_bounded", 0, 1023, (0, 5)).reason == ""


def test_a_word_drawn_again_between_the_draws_hides_the_state() -> None:
    """The low 10 bits are drawn again in 2.3 of 100 words; a window with one is not solved, and never solved wrongly."""
    size, count = 1000, 5
    for seed in range(12):
        truth = plant(JAVA, "mask_reject", size, count, 0, np.random.default_rng(seed))
        low = MODELS[JAVA].words(truth.state, count) & np.uint64(1023)
        states = [one.state for one in solve(truth.draws, JAVA, "mask_reject", 0, size - 1, (0, 0)).found]
        assert (truth.state in states) == bool((low < size).all())


def test_bits_that_never_show_are_said_to_be_unknown() -> None:
    truth = plant("glibc_random/type0", "mod", 1024, 9, 2, np.random.default_rng(7))
    answer = solve(truth.draws, "glibc_random/type0", "mod", 0, 1023, (0, 4))
    assert (truth.state, (2,)) in [(one.state, one.pattern) for one in answer.found]
    assert "only the low 10 bits" in answer.reason


class Stop:
    """Asks for an end after so many questions."""

    def __init__(self, after: int) -> None:
        self.left = after

    def asked(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_stop_ends_the_search_and_the_answer_says_where() -> None:
    truth = plant(DRAND, "float(48)", 1000, 8, 900, np.random.default_rng(8))
    answer = solve(truth.draws, DRAND, "float(48)", 0, 999, (0, 1000), stop=Stop(2))
    assert (answer.found, answer.exhausted) == ((), False)
    assert "gaps from 128 on were not tried" in answer.reason


def noisy(draws: np.ndarray, share: float, size: int, rng: np.random.Generator) -> np.ndarray:
    wrong = rng.random(len(draws)) < share
    return np.where(wrong, rng.integers(0, size, len(draws)), draws)


@pytest.mark.parametrize(("name", "mapping", "size"), [(DRAND, "float(48)", 1000), (MUSL, "mod", 999)])
def test_a_state_is_found_among_wrong_draws_from_a_run_of_right_ones(
    name: str, mapping: str, size: int
) -> None:
    rng = np.random.default_rng(10)
    truth = plant(name, mapping, size, 60, 3, rng)
    answer = solve(noisy(truth.draws, 0.1, size, rng), name, mapping, 0, size - 1, (0, 6), noise=0.1)
    assert [(one.state, one.pattern) for one in answer.found] == [(truth.state, (3,))]
    assert "run of right draws" in answer.reason


def test_a_state_that_the_other_draws_do_not_bear_out_is_dropped_under_noise() -> None:
    rng = np.random.default_rng(14)
    draws = np.append(plant(DRAND, "float(48)", 1000, 12, 3, rng).draws, rng.integers(0, 1000, 48))
    assert solve(draws, DRAND, "float(48)", 0, 999, (0, 6)).found != ()
    assert solve(draws, DRAND, "float(48)", 0, 999, (0, 6), noise=0.1).found == ()


def test_noise_that_leaves_no_hope_of_a_run_is_refused() -> None:
    truth = plant(DRAND, "float(48)", 1000, 40, 3, np.random.default_rng(11))
    answer = solve(truth.draws, DRAND, "float(48)", 0, 999, (0, 6), noise=0.35)
    assert (answer.found, answer.exhausted) == ((), False)
    assert answer.need is not None
    assert answer.need > 40
    hopeless = solve(truth.draws, DRAND, "float(48)", 0, 999, (0, 6), noise=0.6)
    assert (hopeless.found, hopeless.need) == ((), None)


def test_chance_has_no_state_under_noise_either() -> None:
    draws = np.random.default_rng(12).integers(0, 1000, 60)
    assert solve(draws, DRAND, "float(48)", 0, 999, (0, 6), noise=0.1).found == ()


def test_a_million_draws_are_no_burden() -> None:
    """Only the draws that suffice are read: the rest costs their look, not their solution."""
    truth = plant(DRAND, "float(48)", 1000, 30, 0, np.random.default_rng(15))
    draws = np.append(truth.draws, np.random.default_rng(15).integers(0, 1000, 1_000_000))
    began = time.process_time()
    assert [one.state for one in solve(draws, DRAND, "float(48)", 0, 999, (0, 3)).found] == [truth.state]
    assert solve(draws, DRAND, "float(48)", 0, 999, (0, 3), noise=0.1).found == ()
    assert time.process_time() - began < 3.0


def test_noise_and_likely_rejections_exclude_nothing() -> None:
    draws = np.random.default_rng(16).integers(0, 1000, 60)
    assert not solve(draws, DRAND, "float(48)", 0, 999, (0, 3), noise=0.1).exhausted
    assert not solve(draws, JAVA, "top_reject", 0, 999, (0, 0)).exhausted
    assert solve(draws, JAVA, "java_bounded", 0, 999, (0, 0)).exhausted


@pytest.mark.parametrize(
    ("name", "mapping", "size"),
    [(JAVA, "java_bounded", 5), (JAVA, "java_bounded", 9), (MUSL, "mod", 20), ("msvc_rand/srand", "mod", 5)],
)
def test_draws_that_say_too_little_each_are_refused_at_once(name: str, mapping: str, size: int) -> None:
    draws = plant(name, mapping, size, 80, 3, np.random.default_rng(4)).draws
    begin = time.process_time()
    answer = solve(draws, name, mapping, 0, size - 1, (0, 255))
    assert time.process_time() - begin < 0.5
    assert (answer.found, answer.exhausted) == ((), False)
    assert f"draws of {size} values say too little each" in answer.reason
