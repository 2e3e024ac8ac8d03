"""The vector filter of composed draws proposes every hit: the same set as the interpreter's on every seed; and it is chosen where it is cheaper."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hip_cuda_kernels import host, routes
from hip_cuda_kernels.composed import lower_composed
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.formula import evaluate, parse_formula
from hip_cuda_kernels.intervals import bounds
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.pins import sight_of
from hip_cuda_kernels.registry import family

SPACE = {"seed_lo": 0, "seed_count": 3000, "starts": (1, 3), "gaps": (0, 2)}
# few values, so that chance meets many hits
MANY = [
    ("xorshift32/raw_seed", "digits(2,mod)", 8, (6, 4)),
    ("mt19937/init_genrand", "digits(3,php_range)", 7, (7, 5)),
    ("lcg48/java", "digits(2,java_bounded)", 48, (3, 2)),
    ("splitmix64/raw_seed", "digits(2,hi32:mask_reject)", 8, (6, 4)),
    ("splitmix64/raw_seed", "digits(2,halves:lemire)", 24, (4, 2)),
    ("mt19937/cpython", "digits(2,float(53))", 8, (6, 4)),
    ("mt19937/cpython", "digits(2,top_reject)", 8, (6, 4)),
    ("glibc_random/type3", "sample(2,pool,ordered,mod)", math.perm(5, 2) - 1, (5, 3)),
    ("xorshift32/raw_seed", "sample(2,forward,sorted,mod)", math.comb(4, 2) - 1, (3, 3)),
    ("pcg32/pcg_basic", "sample(3,pool,sorted,mulshift)", math.comb(5, 3) - 1, (3, 3)),
    ("xorshift128/marsaglia", "formula(floor(10/(1.0001-u)))", 40, (4, 2)),
    ("lcg48/java", "formula(max(1,floor(5/(1-u))))", 40, (4, 2)),
    ("lcg31/minstd48271", "formula(3+floor(abs(u-0.5)*8))", 6, (6, 4)),
    ("drand48", "formula(floor(-2*log(1-u)))", 9, (6, 5)),
]


def both(name, mapping, hi, draws, needed, **space):
    """Return the hits of the interpreter alone and of the interpreter behind the filter."""
    job = (name, mapping, 0, hi, draws, np.full(len(draws), needed))
    plain, filtered = (host.sieve(*job, route=route, **SPACE | space) for route in ("sieve", "pinned"))
    assert (filtered.seeds_done, filtered.overflow) == (plain.seeds_done, plain.overflow)
    return plain.hits, filtered.hits


@pytest.mark.parametrize(("name", "mapping", "hi", "rule"), MANY)
def test_the_filter_leaves_the_hits_of_the_interpreter(name, mapping, hi, rule):
    width, needed = rule
    rng = np.random.default_rng(3)
    planted = host.values(name, mapping, 700, 0, hi, width, start=2, gap=1)
    others = [
        host.values(name, mapping, int(seed), 0, hi, width) for seed in rng.integers(1 << 20, 1 << 21, 2)
    ]
    draws = np.stack([planted, *others])
    if width > needed:
        draws[1, 1] = -1
    plain, filtered = both(name, mapping, hi, draws, needed)
    assert len(plain) > 20
    assert np.array_equal(plain, filtered)
    assert ((filtered["seed"] == 700) & (filtered["start"] == 2) & (filtered["gap"] == 1)).any()


def test_draws_that_nothing_makes_are_left_out_and_misses_stay_within_the_threshold():
    draws = host.values("xorshift32", "digits(2,mod)", 700, 0, 8, 6, start=2, gap=1)[None, :]
    draws[0, 2] = 77
    plain, filtered = both("xorshift32", "digits(2,mod)", 8, draws, 4)
    assert np.array_equal(plain, filtered)
    nothing = ("xorshift32", "digits(2,mod)", 0, 8, np.full((1, 6), 77), np.array([4]))
    assert len(routes.search(*nothing, **SPACE).hits) == 0


@pytest.mark.parametrize(
    ("name", "mapping", "hi"),
    [
        ("lcg48/java", "sample(3,pool,sorted,java_bounded)", math.comb(7, 3) - 1),  # a word drawn again shifts the rest
        ("xorshift32", "sample(3,shuffle,sorted,mod)", math.comb(7, 3) - 1),
        ("xorshift32", "sample(3,reject,ordered,mod)", math.perm(7, 3) - 1),
    ],
)  # fmt: skip
def test_what_pins_no_call_down_is_searched_without_a_filter(name, mapping, hi):
    draws = np.full((1, 4), 3)
    with pytest.raises(KernelError, match="pin no single call down"):
        host.sieve(name, mapping, 0, hi, draws, np.array([4]), route="pinned", **SPACE)
    offered = routes.options(name, mapping, 0, hi, draws, np.array([4]), **SPACE)
    assert [route.name for route in offered] == ["sieve"]


def test_a_stuck_generator_is_found_all_the_same():
    draws = np.zeros(
        (1, 4), np.int64
    )  # xorshift32 goes on from seed 0 with words that `rejecting` draws again without end
    rejecting = "digits(2,lemire)"
    plain, filtered = both("xorshift32", rejecting, 8, draws, 4)
    assert np.array_equal(plain, filtered)
    assert 0 in filtered["seed"]


def test_large_searches_are_filtered_and_small_ones_are_not():
    draws = host.values("xorshift32", "digits(3,mod)", 700, 0, 999, 6)[None, :]
    job = ("xorshift32", "digits(3,mod)", 0, 999, draws, np.array([6]))
    assert routes.choose(*job, **SPACE | {"seed_count": 1 << 24}).name == "pinned"
    assert routes.choose(*job, **SPACE | {"seed_count": 64}).name == "sieve"


def test_stop_progress_and_overflow_hold_behind_the_filter():
    draws = np.array([[12, 40, 7]])
    job = ("xorshift32", "digits(2,mod)", 0, 99, draws, np.array([1]))
    scope = {"seed_lo": 0, "seed_count": 5000, "starts": (0, 0), "gaps": (0, 0), "route": "pinned"}
    progress = np.zeros(1, dtype=np.uint64)
    assert host.sieve(*job, **scope, progress=progress).seeds_done == progress[0] == 5000
    assert host.sieve(*job, **scope, stop=np.ones(1, dtype=np.uint32)).stopped
    cut = host.sieve(*job, **scope, max_hits=5)
    assert (len(cut.hits), cut.overflow) == (5, True)


FORMULAS = [
    "floor(100/(1.0001-u))", "u*M", "lo+u*(hi-lo+1)", "round(u*(M-1))", "-u*7+x%1000//3", "max(1,floor(97/(1-u)))", "min(M, 3**(u*5))",
    "trunc(sqrt(-2*log(1-u))*cos(6.283185307179586*u)*100)+abs(-5)", "ceil(exp(u*4)) + sin(w)", "x/2**w*M", "(u-0.3)**2*40", "log(u-0.5)*9",
    "1/(u-0.5)", "sqrt(u-0.25)*30 - abs(0.5-u)", "(10*u)//(u+0.1) % 7",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_a_result_lies_within_the_bounds_of_its_stretch(text):
    program = parse_formula(text).program({"M": 1001, "lo": 5, "hi": 1005, "w": 32})
    words = np.random.default_rng(4).integers(0, 1 << 32, 3000)
    u, x = words / 2.0**32, words.astype(float)
    half = 2.0**-9
    low, high = bounds(
        program,
        (np.maximum(u - half, 0), np.minimum(u + half, 1)),
        (np.maximum(x - half * 2**32, 0), x + half * 2**32),
    )
    for at, (own, word) in enumerate(zip(u.tolist(), x.tolist(), strict=True)):
        result = evaluate(program, own, word)
        assert not math.isfinite(result) or low[at] <= result <= high[at]


def test_a_double_of_one_is_no_digit():
    entry = family("ran3/gsl")  # divides by less than its words reach
    recipe = lower_composed(parse_mapping("digits(2,float)", entry), entry, 0, 99)
    reaches = math.floor(((1 << recipe.steps[0].bits) - 1) / recipe.steps[0].unit * 10) >= 10
    assert (sight_of(recipe) is None) == reaches
