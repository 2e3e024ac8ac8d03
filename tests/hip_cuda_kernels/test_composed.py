"""Composed draws are what the runtimes' loops give, and planted ones are found: digits, samples, formulas."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

import numpy as np
import pytest

from hip_cuda_kernels import host
from hip_cuda_kernels.errors import IncompatibleMapping, UnknownName
from hip_cuda_kernels.formula import evaluate, parse_formula
from hip_cuda_kernels.mappings import parse_mapping, resolve_mappings
from hip_cuda_kernels.registry import family
from hip_cuda_kernels.samples import rank_sample, sample_count
from hip_cuda_kernels.task import Scope, build_task

Below = Callable[[int], int]


def pool(below: Below, k: int, n: int) -> list[int]:
    left = list(range(n))
    taken = []
    for _ in range(k):
        j = below(len(left))
        left[j], left[-1] = left[-1], left[j]
        taken.append(left.pop())
    return taken


def forward(below: Below, k: int, n: int) -> list[int]:
    a = list(range(n))
    for i in range(k):
        j = i + below(n - i)
        a[i], a[j] = a[j], a[i]
    return a[:k]


def shuffle(below: Below, k: int, n: int) -> list[int]:
    a = list(range(n))
    for i in range(n, 1, -1):
        j = below(i)
        a[i - 1], a[j] = a[j], a[i - 1]
    return a[:k]


def inside_out(below: Below, k: int, n: int) -> list[int]:
    a = [0]
    for i in range(1, n):
        j = below(i + 1)
        a.append(a[j] if j < i else i)
        a[j] = i
    return a[:k]


def reject(below: Below, k: int, n: int) -> list[int]:
    taken: dict[int, None] = {}
    while len(taken) < k:
        taken[below(n)] = None
    return list(taken)


def select(below: Below, k: int, n: int) -> list[int]:
    taken: list[int] = []
    for i in range(n):
        if len(taken) < k and below(n - i) < k - len(taken):
            taken.append(i)
    return taken


WAYS = {"pool": pool, "forward": forward, "shuffle": shuffle, "inside_out": inside_out, "reject": reject, "select": select}  # fmt: skip
FAMILIES = (
    ("xorshift32/raw_seed", "mod"),
    ("lcg48/java", "java_bounded"),
    ("splitmix64/raw_seed", "hi32:mask_reject"),
)


def below_of(name: str, inner: str, seed: int) -> Below:
    """Return the runtime's bounded call, played from the raw words alone."""
    words = iter(host.raw(name, seed, 5000).tolist())

    def below(m: int) -> int:
        if inner == "mod":
            return next(words) % m
        if inner == "java_bounded":
            u = next(words) >> 1
            return m * u >> 31 if m & (m - 1) == 0 else u % m  # rejection is rarer than one in 10^7 here
        mask = (1 << (m - 1).bit_length()) - 1
        return next(word for word in iter(lambda: (next(words) >> 32) & mask, None) if word < m)

    return below


@pytest.mark.parametrize(("name", "inner"), FAMILIES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("k", "n", "order"), [(3, 10, "sorted"), (6, 49, "ordered"), (5, 5, "ordered"), (20, 80, "sorted")]
)
def test_samples_are_the_loops(name: str, inner: str, way: str, k: int, n: int, order: str) -> None:
    ordered, below = order == "ordered", below_of(name, inner, 7)
    expected = [rank_sample(WAYS[way](below, k, n), n, ordered=ordered) for _ in range(8)]
    most = sample_count(k, n, ordered=ordered) - 1
    assert host.values(name, f"sample({k},{way},{order},{inner})", 7, 0, most, 8).tolist() == expected


def test_samples_and_shuffles_of_cpython_are_reproduced() -> None:
    runtime = random.Random(42)
    most = sample_count(6, 49, ordered=True) - 1
    expected = [rank_sample(runtime.sample(range(49), 6), 49, ordered=True) for _ in range(10)]
    assert host.values("python", "sample(6,ordered,top_reject)", 42, 0, most, 10).tolist() == expected
    runtime, shuffled = random.Random(43), []
    for _ in range(10):
        deck = list(range(52))
        runtime.shuffle(deck)
        shuffled.append(rank_sample(deck[:5], 52, ordered=True))
    most = sample_count(5, 52, ordered=True) - 1
    assert host.values("python", "sample(5,shuffle,ordered)", 43, 0, most, 10).tolist() == shuffled


@pytest.mark.parametrize(("name", "inner"), FAMILIES)
@pytest.mark.parametrize(("count", "base"), [(3, 10), (1, 7), (12, 10), (5, 16)])
def test_digits_come_most_significant_first(name: str, inner: str, count: int, base: int) -> None:
    below = below_of(name, inner, 11)
    expected = []
    for _ in range(20):
        value = 0
        for _ in range(count):
            value = value * base + below(base)
        expected.append(value)
    assert host.values(name, f"digits({count},{inner})", 11, 0, base**count - 1, 20).tolist() == expected


FORMULAS = [
    "floor(100/(1.0001-u))", "u*M", "lo+u*(hi-lo+1)", "round(u*(M-1))", "-u*7+x%1000//3", "max(1,floor(97/(1-u)))", "min(M, 3**(u*5))",
    "trunc(sqrt(-2*log(1-u))*cos(6.283185307179586*u)*100)+abs(-5)", "ceil(exp(u*4)) + sin(w)", "x/2**w*M", "1/(u-u)", "log(u-2)",
]  # fmt: skip


@pytest.mark.parametrize("name", ["xorshift32", "php", "java", "drand48", "splitmix64", "minstd"])
@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_run_alike_in_both_interpreters(name: str, text: str) -> None:
    entry = family(name)
    words = host.raw(name, 3, 60).tolist()
    mapping = parse_mapping(f"formula({text})", entry)
    assert mapping.formula is not None
    program = mapping.formula.program({"M": 1001, "lo": 5, "hi": 1005, "w": entry.word_bits})
    calls = zip(*[iter(words)] * mapping.words, strict=True)
    expected = []
    for taken in calls:
        result = evaluate(program, own_double(entry, taken), float(taken[0]))
        expected.append(math.floor(result) if math.isfinite(result) else None)
    drawn = host.values(name, f"formula({text})", 3, 5, 1005, len(expected)).tolist()
    assert [None if abs(each) > 1 << 61 else each for each in drawn] == expected


def own_double(entry: object, words: tuple[int, ...]) -> float:
    bits, width = entry.float_bits, entry.word_bits
    if len(words) == 2:
        first, second = entry.float_split
        return ((words[0] >> (width - first) << second) + (words[1] >> (width - second))) / 2**bits
    return (words[0] >> (width - bits)) / (entry.float_unit or 2**bits)


def test_formulas_have_one_canonical_text() -> None:
    entry = family("xorshift32")
    texts = ("formula( floor(100 / (1.0001 - u)) )", "Formula(floor(100/(1.0001-(u))))")
    assert {parse_mapping(text, entry).id for text in texts} == {"formula(floor(100/(1.0001-u)))"}
    assert [m.id for m in resolve_mappings(["formula(u*M)", "mod"], entry)] == ["formula(u*M)", "mod"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("floor(u", "character 6: write an expression"),
        ("u+__import__('os')", "character 3: functions: floor"),
        ("u+y", "character 3: 'y' is no name here; names: u, x, w, M, lo, hi"),
        ("u if u else 1", "character 1: allowed are numbers"),
        ("u<1", "character 1: allowed"),
        ("'u'*3", "character 1: allowed"),
        ("min(u)", "character 1: functions"),
        ("u.real", "character 1: allowed"),
        ("(lambda: u)()", "functions"),
        ("M+1", "the generator does not occur in it"),
        ("u+" + "(u+" * 70 + "1" + ")" * 70, "more than 64 operands"),
        ("u+" * 600 + "1", "at most 1000 characters"),
    ],
)
def test_a_formula_outside_the_list_is_told_the_place_and_the_rule(text: str, rule: str) -> None:
    with pytest.raises(IncompatibleMapping) as caught:
        parse_formula(text)
    assert rule in str(caught.value)
    assert "\n" not in str(caught.value)


PLANTED = [
    ("xorshift32/raw_seed", "digits(3,mod)", 999),
    ("mt19937/init_genrand", "digits(4,php_range)", 9999),
    ("mt19937/cpython", "sample(6,pool,sorted,top_reject)", math.comb(49, 6) - 1),
    ("lcg48/java", "sample(5,shuffle,ordered,java_bounded)", math.perm(52, 5) - 1),
    ("glibc_random/type3", "sample(6,reject,sorted,mod)", math.comb(45, 6) - 1),
    ("pcg32/pcg_basic", "sample(20,forward,sorted,lemire)", math.comb(80, 20) - 1),
    ("splitmix64/raw_seed", "sample(4,select,sorted,float(53))", math.comb(30, 4) - 1),
    ("xoshiro128pp/splitmix64", "sample(3,inside_out,ordered,mulshift)", math.perm(9, 3) - 1),
    ("xorshift128/marsaglia", "formula(floor(100/(1.0001-u)))", 5000),
    ("lcg48/java", "formula(floor(97/(1-u)))", 5000),
    ("lcg31/minstd48271", "formula(1+floor(u*6))", 6),
]


@pytest.mark.parametrize(("name", "mapping", "hi"), PLANTED)
def test_planted_seeds_are_found_and_counted_exactly(name: str, mapping: str, hi: int) -> None:
    draws = np.stack([host.values(name, mapping, seed, 0, hi, 14, start=2, gap=1) for seed in (70, 333)])
    draws[0, 3], draws[0, 8], draws[1, 5] = (draws[0, 3] + 1) % (hi + 1), -1, hi + 99
    found = host.sieve(
        name, mapping, 0, hi, draws, np.array([12, 13]), seed_lo=0, seed_count=400, starts=(1, 3), gaps=(0, 2)
    )
    hits = {
        tuple(int(hit[key]) for key in ("vector", "matched", "start", "gap", "seed")) for hit in found.hits
    }
    assert {(0, 12, 2, 1, 70), (1, 13, 2, 1, 333)} <= hits
    for vector, matched, start, gap, seed in hits:
        stream = host.values(name, mapping, seed, 0, hi, 14, start=start, gap=gap)
        assert matched == int(((stream == draws[vector]) & (draws[vector] != -1)).sum())
    assert found.seeds_done == 400


def every_alignment(
    name: str,
    mapping: str,
    hi: int,
    draws: np.ndarray,
    least: list[int],
    seeds: int,
    starts: range,
    gaps: range,
) -> list[tuple[int, ...]]:
    """Return what the search must report, in its order, by counting every alignment."""
    reach, width = starts[-1] + (draws.shape[1] - 1) * (gaps[-1] + 1) + 1, np.arange(draws.shape[1])
    found = []
    for seed in range(seeds):
        stream = host.values(name, mapping, seed, 0, hi, reach)
        for start, gap in itertools.product(starts, gaps):
            same = (stream[start + width * (gap + 1)] == draws) & (draws != -1)
            found += [
                (v, count, start, gap, seed) for v, count in enumerate(same.sum(axis=1)) if count >= least[v]
            ]
    return found


@pytest.mark.parametrize(
    ("mapping", "hi"),
    [
        ("digits(1,mod)", 9),  # so few values that every alignment is counted
        ("digits(3,mod)", 999),
        ("sample(2,reject,sorted,mod)", math.comb(9, 2) - 1),
        ("sample(6,shuffle,sorted,mod)", math.comb(20, 6) - 1),
        ("sample(6,pool,ordered,mod)", math.perm(49, 6) - 1),
    ],
)
def test_the_search_reports_every_alignment_once_and_in_order(mapping: str, hi: int) -> None:
    rng, name, starts, gaps = np.random.default_rng(3), "xorshift32/raw_seed", range(1, 7), range(4)
    # each draw of a vector stands in another stream, at another place, and two vectors hold the same draws
    made = [
        host.values(name, mapping, int(seed), 0, hi, 30)[rng.integers(0, 30)]
        for seed in rng.integers(0, 60, 24)
    ]
    draws = np.array(made).reshape(4, 6)
    draws[1, 2], draws[2, 0], draws[3] = -1, -1, draws[0]
    draws[2, 1:5] = host.values(
        name, mapping, 17, 0, hi, 4, start=6, gap=2
    )  # lies before the first start + index
    least = [1, 1, 2, 2]
    found = host.sieve(
        name, mapping, 0, hi, draws, np.array(least), seed_lo=0, seed_count=60,
        starts=(starts[0], starts[-1]), gaps=(gaps[0], gaps[-1]),
    )  # fmt: skip
    told = [
        tuple(int(hit[key]) for key in ("vector", "matched", "start", "gap", "seed")) for hit in found.hits
    ]
    assert told == every_alignment(name, mapping, hi, draws, least, 60, starts, gaps)
    assert told


def test_a_formula_that_leaves_the_range_is_found_all_the_same() -> None:
    text, hi = "formula(floor(100/(1.0001-u)))", 300
    draws = host.values("pcg32", text, 55, 0, hi, 20)
    assert draws.max() > hi
    found = host.sieve(
        "pcg32",
        text,
        0,
        hi,
        draws[None, :],
        np.array([20]),
        seed_lo=0,
        seed_count=100,
        starts=(0, 0),
        gaps=(0, 0),
    )
    assert found.hits["seed"].tolist() == [55]


def test_gpus_and_other_searches_of_single_calls_refuse_composed_draws() -> None:
    entry = family("pcg32")
    with pytest.raises(IncompatibleMapping, match="composed of several calls"):
        build_task(
            entry,
            parse_mapping("digits(3,mod)", entry),
            0,
            999,
            np.zeros((1, 5), np.int64),
            np.array([5]),
            Scope(0, 9, (0, 0), (0, 0)),
        )


def test_stop_progress_and_overflow_hold_for_composed_draws() -> None:
    draws = host.values("xorshift32", "digits(1,mod)", 9, 0, 9, 3)[None, :]
    job = ("xorshift32", "digits(1,mod)", 0, 9, draws, np.array([1]))
    scope = {"seed_lo": 0, "seed_count": 5000, "starts": (0, 0), "gaps": (0, 0)}
    progress = np.zeros(1, dtype=np.uint64)
    assert host.sieve(*job, **scope, progress=progress).seeds_done == progress[0] == 5000
    assert host.sieve(*job, **scope, stop=np.ones(1, dtype=np.uint32)).stopped
    cut = host.sieve(*job, **scope, max_hits=5)
    assert (len(cut.hits), cut.overflow) == (5, True)


@pytest.mark.parametrize(
    ("text", "hi", "rule"),
    [
        ("digits(3,mod)", 1000, "no 3 digits"),
        ("sample(6)", 13_983_816, "no N has"),
        ("sample(0)", 9, "write sample"),
        ("sample(3,pool,up)", 9, None),
        ("digits(3,digits(2,mod))", 999, "itself composed"),
        ("digits(x)", 9, "write digits"),
    ],
)  # fmt: skip
def test_what_does_not_compose_is_refused(text: str, hi: int, rule: str | None) -> None:
    with pytest.raises((IncompatibleMapping, UnknownName), match=rule):
        host.values("xorshift32", text, 1, 0, hi, 1)


def test_defaults_are_the_familys_first_mapping_and_a_sorted_pool() -> None:
    assert parse_mapping("sample(6)", family("java")).id == "sample(6,pool,sorted,java_bounded)"
    assert parse_mapping("digits( 3 )", family("php")).id == f"digits(3,{family('php').mappings[0]})"
    assert parse_mapping("lo32:digits(3,mod)", family("splitmix64")).id == "digits(3,lo32:mod)"
