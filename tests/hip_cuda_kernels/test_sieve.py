"""The sieve's hit set is exact: compared with a count over the scalar draw streams, for every family, mapping and corner."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pytest

from hip_cuda_kernels import _host, host
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.registry import FAMILIES, family
from hip_cuda_kernels.task import Scope, build_task

MODULI = (7, 12, 16, 100)
# The moduli take turns, so that the time grows with the number of mappings alone and neighbours in the registry differ.
NATIVE = [
    (f.id, m, MODULI[(i + j) % len(MODULI)]) for i, f in enumerate(FAMILIES) for j, m in enumerate(f.mappings)
]
Hits = set[tuple[int, int, int, int, int]]


@dataclass(frozen=True)
class Job:
    """One search small enough to be counted by hand."""

    family: str
    mapping: str
    lo: int
    hi: int
    scope: Scope
    draws: np.ndarray
    thresholds: np.ndarray

    def arguments(self) -> tuple[str, str, int, int, np.ndarray, np.ndarray]:
        return self.family, self.mapping, self.lo, self.hi, self.draws, self.thresholds

    def sieved(self) -> Hits:
        s = self.scope
        result = host.sieve(
            *self.arguments(), seed_lo=s.seed_lo, seed_count=s.seed_count, starts=s.starts, gaps=s.gaps
        )
        assert (result.seeds_done, result.stopped, result.overflow) == (s.seed_count, False, False)
        return as_set(result.hits)

    def emulated(self) -> Hits:
        """Search with the bodies of the GPU kernels."""
        found = family(self.family)
        task = build_task(found, parse_mapping(self.mapping, found), *self.arguments()[2:], self.scope)
        assert task is not None
        s, room = self.scope, 1 << 16
        proposals, proposed = _host.filter(
            found.id, *task.packed(), s.seed_lo, s.seed_count, task.first_calls(), room
        )
        assert proposed < room
        hits, _ = _host.judge(found.id, *task.packed(), proposals, room)
        return as_set(hits.view(host.HIT))

    def counted(self) -> Hits:
        """Count the matches of every alignment on each seed's own draw stream."""
        (start_lo, start_hi), (gap_lo, gap_hi) = self.scope.starts, self.scope.gaps
        places, present = np.arange(self.draws.shape[1]), self.draws != -1
        calls = start_hi + int(places[-1]) * (gap_hi + 1) + 1
        seeds = range(self.scope.seed_lo, self.scope.seed_lo + self.scope.seed_count)
        streams = np.stack([host.values(*self.arguments()[:2], s, self.lo, self.hi, calls) for s in seeds])
        hits: Hits = set()
        for start in range(start_lo, start_hi + 1):
            for gap in range(gap_lo, gap_hi + 1):
                window = streams[:, start + places * (gap + 1)]
                matched = ((window[:, None, :] == self.draws) & present).sum(axis=2)
                for i, v in zip(*np.nonzero(matched >= self.thresholds), strict=True):
                    hits.add((int(v), int(matched[i, v]), start, gap, seeds[i]))
        return hits


def as_set(hits: np.ndarray) -> Hits:
    assert len(hits) == len(np.unique(hits)), "a hit was reported twice"
    return {
        (int(h["vector"]), int(h["matched"]), int(h["start"]), int(h["gap"]), int(h["seed"])) for h in hits
    }


def planted(
    name: str, mapping: str, lo: int, hi: int, scope: Scope, thresholds: tuple[int, ...], width: int = 8
) -> Job:
    """Plant seeds of the scope at its corners, each draw vector with a wrong and a missing draw; the last vector is noise."""
    rng = np.random.default_rng(7)
    vectors = len(thresholds)
    draws = rng.integers(lo, hi + 1, (vectors, width))
    for v in range(vectors - 1):
        seed = scope.seed_lo + (v + 1) * (scope.seed_count - 1) // vectors
        row = host.values(
            name, mapping, seed, lo, hi, width, start=scope.starts[v % 2], gap=scope.gaps[(v + 1) % 2]
        )
        row[rng.integers(width)] = rng.integers(lo, hi + 1)
        row[rng.integers(width)] = -1
        draws[v] = row
    return Job(name, mapping, lo, hi, scope, draws, np.array(thresholds))


def small_scope(name: str, seeds: int = 150) -> Scope:
    """Starts and gaps in ranges; seeds across 2^32 where the seeding takes more."""
    return Scope(0 if family(name).seed_bits <= 32 else (1 << 32) - seeds // 2, seeds, (2, 4), (0, 3))


@pytest.mark.parametrize(("name", "mapping", "modulus"), NATIVE)
def test_hits_equal_the_count_for_every_native_mapping(name: str, mapping: str, modulus: int) -> None:
    less = int(modulus > 12)
    job = planted(name, mapping, 5, 4 + modulus, small_scope(name, 100), (4 - less, 5 - less, 3 - less))
    expected = job.counted()
    assert {hit[0] for hit in expected} >= {0, 1}, "the planted seeds must be among the hits"
    assert job.sieved() == expected
    assert job.emulated() == expected


@pytest.mark.parametrize("name", [f.id for f in FAMILIES])
def test_every_instruction_set_finds_the_same_hits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    job = planted(name, family(name).mappings[0], 0, 10, small_scope(name), (4, 5, 3))
    expected = job.counted()
    for isa in _host.isas():
        monkeypatch.setattr(host, "isa", lambda isa=isa: isa)
        assert job.sieved() == expected, isa


# Every way from raw words to filter words: as they are, folded, halved, joined; tested on 32 and on 64 bits; rejecting much or little.
WAYS = {
    "msvc": ("mask_reject", "top_reject", "lemire", "mod_reject(9)", "round_float(15)", "low_float(12)"),
    "glibc": ("mod_reject(31)", "r_reject", "lemire"),
    "xorshift32": (
        "mod_reject(31)", "mod_reject(9)", "lemire", "rust_range", "rust_uniform", "mask_reject", "r_reject", "round_float(32)",
        "low_float(24)", "low_float(53)", "php_legacy", "pairs:lemire", "pairs:rust_range", "pairs:mask_reject", "pairs:mod",
        "pairs:float", "pairs:shift(11)", "pairs:mod_reject(63)",
    ),
    "java": ("round_float(53)", "mask_reject", "pairs:mod"),
    "drand48": ("mod_reject(31)", "mod_reject(48)", "lemire", "mask_reject", "hi32:rust_range", "lo32:mod", "top_reject", "mod"),
    "splitmix64": (
        "mod_reject(31)", "mod_reject(63)", "lemire", "rust_range", "rust_uniform", "mask_reject", "top_reject", "low_float(24)",
        "low_float(53)", "round_float(53)", "hi32:mod", "hi32:mask_reject", "lo32:mod", "lo32:lemire", "lo32:low_float(53)",
        "hi32:php_legacy", "halves:lemire", "halves:mod", "halves:rust_range", "halves:low_float(53)", "halves:float(24)",
    ),
    "php": ("mask_reject", "r_reject", "pairs:rust_range", "round_float(32)"),
}  # fmt: skip


SIZES = itertools.cycle((6, 7, 8, 17, 33, 100))


@pytest.mark.parametrize(
    ("name", "mapping", "size"), [(name, text, next(SIZES)) for name, texts in WAYS.items() for text in texts]
)
def test_hits_equal_the_count_on_every_way_to_a_filter_word(name: str, mapping: str, size: int) -> None:
    scope = small_scope(name, 100)
    job = planted(name, mapping, 5, 4 + size, scope, (4, 5, 4))
    expected = job.counted()
    assert {hit[0] for hit in expected} >= {0, 1}
    assert job.sieved() == expected
    assert job.emulated() == expected


LARGE = [
    ("mt19937/init_genrand", "php_range", 3_000_000_000),
    ("mt19937/init_genrand", "mod", 1 << 32),
    ("mt19937/init_genrand", "mod", 1 << 31),
    ("mt19937/init_genrand", "float(53)", 1_000_000_000),
    ("mt19937/init_genrand", "mulshift", 999_999_937),
    ("mt19937/cpython", "top_reject", 513),
    ("mt19937/cpython", "top_reject", 1 << 31),
    ("lcg48/java", "java_bounded", 1_431_655_766),
    ("lcg48/java", "java_bounded", 1 << 30),
    ("lcg48/java", "float(53)", 1_000_003),
    ("lcg48/drand48", "mod", 1_000_003),
    ("lcg48/drand48", "shift(3)", 65_536_000),
    ("splitmix64/raw_seed", "mod", 1 << 32),
    ("splitmix64/raw_seed", "mod", 4_294_967_295),
    ("splitmix64/raw_seed", "mod", 3_000_000_000),
    ("splitmix64/raw_seed", "shift(7)", 1_000_000),
    ("splitmix64/raw_seed", "mulshift", 1_000_000),
    ("lcg31/minstd48271", "float(31)", 1_000_000_007),
    ("glibc_random/type3", "mod", 1 << 31),
    ("mt19937/init_genrand", "r_reject", 40_000),
    ("mt19937/init_genrand", "r_reject", 65_536),
    ("mt19937/init_genrand", "r_reject", 1 << 31),
    ("mt19937/init_genrand", "low_float(53)", 1_000_000_000),
    ("mt19937/init_genrand", "lemire", 1 << 32),
    ("mt19937/init_genrand", "lemire", 3_000_000_000),
    ("mt19937/init_genrand", "rust_range", 2_147_483_649),
    ("mt19937/init_genrand", "mask_reject", 1 << 32),
    ("mt19937/init_genrand", "mask_reject", (1 << 31) + 1),
    ("mt19937/init_genrand", "round_float(32)", 1 << 31),
    ("mt19937/cpython", "pairs:rust_range", 4_000_000_000),
    ("splitmix64/raw_seed", "rust_range", 2_147_483_649),
    ("splitmix64/raw_seed", "mask_reject", (1 << 31) + 1),
    ("splitmix64/raw_seed", "halves:lemire", 3_000_000_000),
    ("splitmix64/raw_seed", "mod_reject(33)", 4_294_967_295),
    ("lcg48/drand48", "mod_reject(33)", 4_294_967_295),
    ("msvc_rand/srand", "mod", 30_000),
    ("xorshift32/raw_seed", "mod", 1),
]


@pytest.mark.parametrize(("name", "mapping", "size"), LARGE)
def test_large_and_odd_ranges_lose_no_hit(name: str, mapping: str, size: int) -> None:
    job = planted(name, mapping, -3, size - 4, small_scope(name, 80), (3, 4, 8))
    expected = job.counted()
    assert expected
    assert job.sieved() == expected


@pytest.mark.parametrize("start", [150, 222, 390, 620, 2100])
@pytest.mark.parametrize("name", ["mt19937/init_genrand", "mt19937/cpython"])
def test_the_twister_is_right_beyond_its_short_form(name: str, start: int) -> None:
    scope = Scope(900, 40, (start, start + 6), (0, 12))
    job = planted(name, "mod", 0, 19, scope, (7, 6, 6), width=12)
    assert job.sieved() == job.counted()


@pytest.mark.parametrize("name", ["xorshift32/raw_seed", "lcg48/java", "mt19937/init_genrand"])
def test_sixty_four_draws_with_half_of_them_wrong(name: str) -> None:
    scope = Scope(500, 60, (0, 1), (0, 16))
    job = planted(name, family(name).mappings[0], 0, 9, scope, (30, 18, 15), width=64)
    rng = np.random.default_rng(3)
    job.draws[0, rng.permutation(64)[:30]] = 10
    assert job.sieved() == job.counted()


def test_a_missing_draw_is_missing_also_where_minus_one_could_be_drawn() -> None:
    job = planted("xorshift32/raw_seed", "mod", -3, 3, Scope(0, 300, (0, 2), (0, 2)), (5, 6, 5))
    assert (job.draws == -1).sum() > 2
    assert job.sieved() == job.counted()


@pytest.mark.parametrize(("starts", "words"), [((0, 0), 10), ((0, 6), 31)])
def test_seeds_that_reject_more_words_than_are_kept_in_reserve_are_not_lost(
    starts: tuple[int, int], words: int
) -> None:
    accepted = [int((host.raw("pcg32", seed, words) < 513 << 22).sum()) for seed in range(6000)]
    rare = int(np.argmin(accepted))
    assert accepted[rare] <= starts[1]
    draws = host.values("pcg32", "top_reject", rare, 0, 512, 3)[None, :]
    job = Job("pcg32", "top_reject", 0, 512, Scope(0, 6000, starts, (0, 0)), draws, np.array([3]))
    assert (0, 3, 0, 0, rare) in job.sieved()


@pytest.mark.parametrize(("starts", "gaps"), [((10, 620), (0, 9)), ((0, 1), (3, 4300))])
def test_more_alignments_than_one_pass_keeps(starts: tuple[int, int], gaps: tuple[int, int]) -> None:
    job = planted("xorshift32/raw_seed", "mod", 0, 99, Scope(7, 30, starts, gaps), (5, 6, 5), width=9)
    assert (starts[1] - starts[0] + 1) * (gaps[1] - gaps[0] + 1) > 4096
    assert job.sieved() == job.counted()


def test_an_unreachable_vector_among_reachable_ones_is_left_out() -> None:
    job = planted("xorshift32/raw_seed", "mod", 0, 9, Scope(0, 90, (0, 1), (0, 1)), (4, 4, 4))
    job = replace(job, thresholds=np.array([9, 4, 1 << 40]))
    assert job.emulated() == job.sieved() == job.counted()
    assert {hit[0] for hit in job.sieved()} == {1}


def test_a_threshold_of_one_reports_every_single_match() -> None:
    job = planted("pcg32/pcg_basic", "mod", 0, 299, Scope(0, 200, (0, 2), (1, 2)), (1, 2), width=5)
    assert job.sieved() == job.counted()


def test_thresholds_count_present_draws_only() -> None:
    draws = np.full((1, 6), -1)
    draws[0, [1, 4]] = host.values("xorshift32", "mod", 41, 0, 999, 6)[[1, 4]]
    job = Job("xorshift32", "mod", 0, 999, Scope(0, 100, (0, 0), (0, 0)), draws, np.array([2]))
    assert job.sieved() == {(0, 2, 0, 0, 41)}
    assert replace(job, thresholds=np.array([3])).sieved() == set()


def test_a_draw_outside_the_range_is_a_miss_not_a_missing_draw() -> None:
    draws = host.values("xorshift32", "mod", 41, 0, 99, 6)[None, :].copy()
    draws[0, 2] = 100
    job = Job("xorshift32", "mod", 0, 99, Scope(0, 100, (0, 0), (0, 0)), draws, np.array([5]))
    assert job.sieved() == {(0, 5, 0, 0, 41)}


@pytest.mark.parametrize("seed", [(1 << 48) - 1, 1 << 47, (1 << 32) - 1, 1 << 32])
def test_java_seeds_of_48_bits_are_found_at_their_ends(seed: int) -> None:
    draws = host.values("java", "java_bounded", seed, 1, 49, 9, start=1, gap=2)[None, :]
    lo = max(0, min(seed - 600, (1 << 48) - 1000))
    job = Job("java", "java_bounded", 1, 49, Scope(lo, 1000, (0, 2), (0, 4)), draws, np.array([9]))
    assert (0, 9, 1, 2, seed) in job.sieved()


def test_hits_come_sorted_and_overflow_is_said() -> None:
    draws = np.array([[1, 0, 1], [0, 0, 0]])
    arguments = ("xorshift32", "mod", 0, 1, draws, np.array([2, 3]))
    scope = {"seed_lo": 0, "seed_count": 500, "starts": (0, 3), "gaps": (0, 2)}
    full = host.sieve(*arguments, **scope)
    order = np.lexsort([full.hits[name] for name in ("vector", "gap", "start", "seed")])
    assert np.array_equal(order, np.arange(len(full.hits)))
    cut = host.sieve(*arguments, **scope, max_hits=10)
    assert cut.overflow
    assert len(cut.hits) == 10
    assert as_set(cut.hits) <= as_set(full.hits)


def test_unreachable_thresholds_find_nothing_and_say_done() -> None:
    result = host.sieve(
        "java", "java_bounded", 0, 9, np.array([[1, -1, 3]]), np.array([3]),
        seed_lo=0, seed_count=1 << 40, starts=(0, 0), gaps=(0, 0),
    )  # fmt: skip
    assert (len(result.hits), result.seeds_done) == (0, 1 << 40)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"seed_count": (1 << 32) + 1}, "32 bits"),
        ({"starts": (3, 2)}, "must rise"),
        ({"gaps": (-1, 2)}, "must rise"),
        ({"starts": (0, 1 << 17)}, "at most"),
    ],
)
def test_a_scope_outside_the_rules_is_refused(change: dict[str, object], rule: str) -> None:
    scope = {"seed_lo": 0, "seed_count": 10, "starts": (0, 0), "gaps": (0, 0), **change}
    with pytest.raises(KernelError, match=rule):
        host.sieve("xorshift32", "mod", 0, 9, np.array([[1, 2]]), np.array([2]), **scope)


@pytest.mark.parametrize(
    ("draws", "thresholds"),
    [
        (np.array([1, 2]), np.array([1])),
        (np.array([[1, 2]], dtype=np.int32), np.array([1])),
        (np.array([[1, 2]]), np.array([1, 2])),
        (np.array([[1, 2]]), np.array([0])),
    ],
)
def test_draws_and_thresholds_of_the_wrong_shape_are_refused(
    draws: np.ndarray, thresholds: np.ndarray
) -> None:
    with pytest.raises(KernelError):
        host.sieve(
            "xorshift32", "mod", 0, 9, draws, thresholds, seed_lo=0, seed_count=9, starts=(0, 0), gaps=(0, 0)
        )


@pytest.mark.parametrize(
    ("name", "mapping"),
    [("xorshift32", "mod"), ("splitmix64/raw_seed", "mod"), ("lcg48/java", "java_bounded")],
)
@pytest.mark.parametrize(("wrong", "gaps"), [(0, (0, 0)), (3, (0, 4))])
def test_rare_matches_of_many_vectors_are_marked_without_a_loss(
    name: str, mapping: str, wrong: int, gaps: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nineteen vectors (three octets, one of them not full), each with the truth of another seed."""
    rng = np.random.default_rng(8)
    seeds = rng.choice(5000, 19, replace=False)
    draws = np.array(
        [host.values(name, mapping, int(s), 0, 999, 10, gap=int(rng.integers(gaps[1] + 1))) for s in seeds]
    )
    for row in draws:
        row[rng.permutation(10)[:wrong]] = rng.integers(0, 1000, wrong)
    for isa in _host.isas():
        monkeypatch.setattr(host, "isa", lambda isa=isa: isa)
        found = host.sieve(
            name,
            mapping,
            0,
            999,
            draws,
            np.full(19, 10 - wrong),
            seed_lo=0,
            seed_count=5000,
            starts=(0, 0),
            gaps=gaps,
        )
        assert {(int(h["vector"]), int(h["seed"])) for h in found.hits} >= set(enumerate(seeds.tolist()))
        assert len(found.hits) < 19 + 3
