"""Streams from a state: as wide as said, drawn like the kernels draw, and led back to the seed they came from."""

from itertools import pairwise

import numpy as np
import pytest

from engine.recovery import states
from engine.recovery.answer import Found
from engine.recovery.congruences import MODELS as CONGRUENCES
from engine.recovery.methods import METHODS, method_for, why_not
from engine.recovery.problem import Problem, constant
from engine.recovery.recurrences.models import MODELS as RECURRENCES
from hip_cuda_kernels import host

FAMILIES = sorted({**RECURRENCES, **CONGRUENCES})
V8 = "v8_math_random/state52"


def found(family: str, mapping: str, state: int, place: int = 0) -> Found:
    return Found(family, mapping, 0, 999, state, (0,), (), 0.0, place)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_random_state_fits_its_width_and_its_stream_never_stands_still(family: str) -> None:
    state = states.random(family, np.random.default_rng(1))
    assert 0 < state < 1 << states.bits(family)
    assert states.unknown_bits(family) <= states.bits(family)
    assert len(set(states.words(family, state, 40).tolist())) > 20


def test_what_no_model_steps_is_not_known() -> None:
    assert states.known(V8)
    assert not states.known("isaac/isaac_rng")


def test_java_goes_on_from_the_scrambled_seed() -> None:
    seed = 987_654_321_012
    state = seed ^ 0x5DEECE66D
    drawn = states.values("lcg48/java", "java_bounded", state, 0, 999, 30, start=4, gap=2)
    assert np.array_equal(drawn, host.values("lcg48/java", "java_bounded", seed, 0, 999, 30, start=4, gap=2))
    assert states.seed_of(found("lcg48/java", "java_bounded", state)) == (seed, 0)


def test_words_drawn_again_are_made_up_for() -> None:
    """A mapping that refuses half of the words needs about twice as many."""
    state = states.random("mt19937/init_genrand", np.random.default_rng(2))
    drawn = states.values("mt19937/init_genrand", "mask_reject", state, 0, 512, 300)
    assert len(drawn) == 300
    assert drawn.max() <= 512


def test_the_place_in_a_block_of_cached_words_is_part_of_the_state() -> None:
    state = states.random(V8, np.random.default_rng(3)) // 64 * 64
    first = states.values(V8, "float(52)", state, 0, 999, 64)
    assert len(set(first.tolist())) > 50
    assert states.recurring(V8, state + 9) == states.recurring(V8, state)
    assert states.number(found(V8, "float(52)", state // 64, place=9)) == state + 9
    assert states.used("v8_math_random/state52", (1 << 100) * 64 + 17) == (17, 64)
    assert states.used("lcg48/java", 1 << 40) is None


@pytest.mark.parametrize(
    ("family", "mapping", "hi", "name"),
    [
        (V8, "float(52)", 999, "gf2"),
        ("xoroshiro128/plus", "mod", 999, "gf2"),
        ("xoroshiro128/plus", "float(53)", 999, None),  # the upper bits of a sum
        ("xoroshiro128/plus", "mod", 998, None),  # an odd modulus shows no low bit
        ("mt19937/init_genrand", "mask_reject", 599, None),  # words are drawn again
        ("lcg48/java", "java_bounded", 998, "lattice"),
        ("splitmix64/raw_seed", "mod", 999, None),
    ],
)
def test_a_problem_finds_the_method_that_reads_its_draws(
    family: str, mapping: str, hi: int, name: str | None
) -> None:
    method = method_for(Problem(family, mapping, 0, hi))
    assert (method.name if method else None) == name


@pytest.mark.parametrize("name", METHODS)
def test_usual_gaps_join_up_and_share_all_belief_at_most_once(name: str) -> None:
    family = {"gf2": V8, "lattice": "lcg48/java"}[name]
    tiers = METHODS[name].usual_gaps(family)
    assert tiers[0][0] == 0
    assert all(one[1] + 1 == other[0] for one, other in pairwise(tiers))
    assert sum(share for _, _, share in tiers) <= 1.0 + 1e-9


def test_more_draws_are_asked_for_more_gaps_and_fewer_values() -> None:
    few, many = (
        METHODS["lattice"].least_draws(Problem("lcg48/java", "java_bounded", 0, 999, constant(0, top)))
        for top in (0, 999)
    )
    coarse = METHODS["lattice"].least_draws(Problem("lcg48/java", "java_bounded", 0, 9))
    assert few < many < coarse


@pytest.mark.parametrize(
    ("family", "mapping", "hi", "noise", "words"),
    [
        ("mt19937/cpython", "top_reject", 999, 0.0, "drawn again"),
        ("mt19937/init_genrand", "mod", 999, 0.1, "up to 256 bits, this one has 19937"),
        ("xoroshiro128/plus", "float(53)", 999, 0.0, "only the lowest bit"),
        ("splitmix64/raw_seed", "mod", 999, 0.0, "its seeds alone are searched"),
        ("lcg48/java", "digits(3)", 999, 0.0, "several calls"),
        (V8, "float(52)", 999, 0.1, ""),
    ],
)
def test_what_algebra_does_not_serve_is_said_in_words(
    family: str, mapping: str, hi: int, noise: float, words: str
) -> None:
    told = why_not(Problem(family, mapping, 0, hi, noise=noise))
    assert words in told
    assert bool(told) is bool(words)
