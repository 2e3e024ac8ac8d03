"""From a state to its seed: the nearest of all seedings, the telling one further back, and nothing where there is none."""

import numpy as np
import pytest

from engine.recovery.cuts import cut_of
from engine.recovery.seeding_lcg import MOST_BY_CHANCE, SEEDINGS, origins
from hip_cuda_kernels import host
from hip_cuda_kernels.registry import family


def state_after(name: str, mapping: str, seed: int, calls: int) -> int:
    cut = cut_of(name, mapping, 0, 99)
    assert cut is not None
    return cut.model.jump(SEEDINGS[name].state(seed) % cut.model.modulus, calls * cut.words)


@pytest.mark.parametrize("name", SEEDINGS)
def test_a_small_seed_some_calls_back_is_named(name: str) -> None:
    mapping = family(name).mappings[0]
    found = origins(name, mapping, 0, 99, state_after(name, mapping, 5, 40), look_back=100)
    assert (5, 40) in [(one.seed, one.start) for one in found]


@pytest.mark.parametrize("name", SEEDINGS)
def test_every_seed_found_makes_the_draws_of_the_state(name: str) -> None:
    mapping = family(name).mappings[0]
    cut = cut_of(name, mapping, 0, 99)
    assert cut is not None
    state = state_after(name, mapping, 77, 9)
    wanted = host.read(name, mapping, 0, 99, cut.model.words(state, 300), 100)
    for one in origins(name, mapping, 0, 99, state, look_back=500):
        assert np.array_equal(host.values(name, mapping, one.seed, 0, 99, 100, start=one.start), wanted)


def test_calls_of_two_words_are_counted_as_calls() -> None:
    found = origins("lcg48/java", "float(53)", 0, 99, state_after("lcg48/java", "float(53)", 42, 1000))
    assert [(one.seed, one.start) for one in found[1:]] == [(42, 1000)]


def test_every_java_state_is_a_seed_at_no_distance() -> None:
    state = 0x123456789ABC
    nearest = origins("lcg48/java", "java_bounded", 0, 99, state)[0]
    assert (nearest.seed, nearest.start) == (state ^ 0x5DEECE66D, 0)


def test_every_state_of_drand48_has_a_seed_within_the_period_of_its_low_bits() -> None:
    for state in np.random.default_rng(4).integers(0, 1 << 48, 3).tolist():
        assert len(origins("lcg48/drand48", "float(48)", 0, 99, state)) >= 1


def test_a_random_state_of_64_bits_has_no_seed() -> None:
    assert origins("knuth_lcg64/musl", "mod", 0, 99, 0x9E3779B97F4A7C15) == []


def test_what_is_named_further_back_is_rare_by_chance() -> None:
    states = np.random.default_rng(6).integers(0, 1 << 48, 3).tolist()
    named = [one for state in states for one in origins("lcg48/java", "java_bounded", 0, 99, state)[1:]]
    assert len(named) <= 1
    assert all(one.by_chance <= MOST_BY_CHANCE for one in named)


def test_seeds_that_a_seeding_mends_are_given_as_the_smallest() -> None:
    one = state_after("knuth_lcg/borosh13", "mod", 0, 0)
    assert origins("knuth_lcg/borosh13", "mod", 0, 99, one)[0].seed == 0
    assert origins("lcg31/minstd16807", "mod", 0, 99, 1)[0].seed == 0


def test_a_family_without_a_model_has_no_origins() -> None:
    assert origins("mt19937/init_genrand", "mod", 0, 99, 1) == []
