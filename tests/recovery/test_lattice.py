"""The lattice route: planted states come back under an unknown gap, alone; chance, rejection and noise are told as they are."""

from dataclasses import dataclass

import numpy as np
import pytest

from engine.recovery.congruences import MODELS
from engine.recovery.cuts import cut_of
from engine.recovery.lattice import solve
from engine.recovery.lattice_points import points_in_box, reduced
from engine.recovery.windows import run_chance
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
    (JAVA, "java_bounded", 6, 30, 3),
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
def test_a_planted_state_is_found_with_its_gap(name: str, mapping: str, size: int, count: int, most: int) -> None:
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
    ("name", "mapping", "size", "count"),
    [("vb_rnd/state", "float(24)", 50, 4), ("msvc_rand/srand", "mod", 100, 4), ("lcg31/ran0", "mod", 77, 5)],
)
def test_all_states_are_found_where_few_draws_leave_several(name: str, mapping: str, size: int, count: int) -> None:
    """Every state of a small generator is tried beside it."""
    truth = plant(name, mapping, size, count, 2, np.random.default_rng(9))
    answer = solve(truth.draws, name, mapping, 0, size - 1, (2, 2))
    model, cut = MODELS[name], cut_of(name, mapping, 0, size - 1)
    assert cut is not None
    fitting = brute(model.modulus, lambda s: s, truth.draws, name, mapping, size)
    assert answer.exhausted
    assert sorted(one.state for one in answer.found) == fitting
    assert len(fitting) > 1
