"""Every route reports exactly the sieve's hits, stops at once, and is offered only where it is sound."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest

from hip_cuda_kernels import _host, host, routes
from hip_cuda_kernels.task import Scope

PROMPT_S = 1.0  # what a halt promises; measured 0.1 s on a quiet machine


@dataclass(frozen=True)
class Job:
    """One search, by any route."""

    family: str
    mapping: str
    hi: int
    draws: np.ndarray
    thresholds: np.ndarray
    scope: Scope

    def arguments(self) -> tuple[object, ...]:
        return self.family, self.mapping, 0, self.hi, self.draws, self.thresholds

    def where(self) -> dict[str, object]:
        s = self.scope
        return {"seed_lo": s.seed_lo, "seed_count": s.seed_count, "starts": s.starts, "gaps": s.gaps}

    def by(self, route: str, **more: object) -> host.SieveResult:
        return host.sieve(*self.arguments(), **self.where(), route=route, **more)

    def options(self) -> list[str]:
        return [route.name for route in routes.options(*self.arguments(), **self.where())]


def planted(family: str, mapping: str, modulus: int, scope: Scope, missed: int = 2, width: int = 7) -> Job:
    """Plant two seeds at the scope's corners, each with a missing draw and wrong ones, beside two vectors of noise."""
    rng = np.random.default_rng(11)
    draws = rng.integers(0, modulus, (4, width))
    for v, place in enumerate((scope.seed_count // 3, scope.seed_count - 1)):
        row = host.values(
            family, mapping, scope.seed_lo + place, 0, modulus - 1, width,
            start=scope.starts[v], gap=scope.gaps[1 - v],
        )  # fmt: skip
        wrong = rng.permutation(width)[:missed]
        row[wrong] = (row[wrong] + 1) % modulus
        row[wrong[0]] = -1
        draws[v] = row
    present = np.count_nonzero(draws != -1, axis=1)
    return Job(family, mapping, modulus - 1, draws, present - (missed - 1), scope)


# route -> (family, mapping, moduli)
SERVED = {
    "twister_chain": [
        ("mt19937/init_genrand", m, (7, 1000))
        for m in ("php_range", "shift(1)", "mod", "float(53)", "float(32)", "mulshift")
    ],
    "lehmer_sums": [("glibc_random/type3", m, (7, 1000)) for m in ("mod", "float(31)", "mulshift")],
    "low_bits": [
        ("lcg48/java", "java_bounded", (6, 1000)),
        ("lcg48/java", "shift(1)", (6, 1024)),
        ("lcg48/drand48", "shift(17)", (6, 1000)),
        ("lcg48/drand48", "shift(16)", (12, 1000)),
    ],
    "gf2": [
        ("xorshift32/raw_seed", "mod", (6, 64, 1000)),
        ("xorshift32/raw_seed", "float(32)", (8, 1024)),
        ("xorshift128/marsaglia", "mod", (12, 1000)),
        ("xorshift128/marsaglia", "mulshift", (16,)),
    ],
}
DEAR = {("lcg48/java", "java_bounded", 6), ("lcg48/java", "shift(1)", 6)}  # 4 to 6 s each
CASES = [
    pytest.param(route, family, mapping, size, marks=[pytest.mark.slow] * ((family, mapping, size) in DEAR))
    for route, rows in SERVED.items()
    for family, mapping, sizes in rows
    for size in sizes
]
ENDS = {  # first seeds of scopes of 3000
    "lcg48/java": ((1 << 32) - 1500, (1 << 48) - 3000),
    "default": (0, (1 << 31) - 1500, (1 << 32) - 3000),
}


def same(job: Job, route: str) -> int:
    """Check that the route's result is the sieve's; return the number of hits."""
    expected, got = job.by("sieve"), job.by(route)
    assert np.array_equal(got.hits, expected.hits)
    assert (got.seeds_done, got.stopped, got.overflow) == (job.scope.seed_count, False, False)
    return len(expected.hits)


@pytest.mark.parametrize(("route", "family", "mapping", "modulus"), CASES)
def test_hits_are_the_sieves(route: str, family: str, mapping: str, modulus: int) -> None:
    for seed_lo in ENDS.get(family, ENDS["default"]):
        for missed in (1, 3):
            job = planted(family, mapping, modulus, Scope(seed_lo, 3000, (1, 3), (0, 2)), missed)
            assert route in job.options()
            assert same(job, route) >= 2, "the planted seeds must be among the hits"


@pytest.mark.parametrize("isa", _host.isas())
@pytest.mark.parametrize("route", SERVED)
def test_every_instruction_set_finds_the_same_hits(
    route: str, isa: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    family, mapping, moduli = SERVED[route][0]
    job = planted(family, mapping, moduli[0], Scope(12345, 3000, (0, 1), (0, 1)))
    expected = job.by("sieve")
    monkeypatch.setattr(host, "isa", lambda: isa)
    assert np.array_equal(job.by(route).hits, expected.hits)


@pytest.mark.parametrize("route", SERVED)
def test_a_single_draw_and_a_single_seed(route: str) -> None:
    family, mapping, moduli = SERVED[route][0]
    draws = host.values(family, mapping, 7, 0, moduli[0] - 1, 1)[None, :]
    for scope in (Scope(7, 1, (0, 0), (0, 0)), Scope(0, 500, (0, 2), (0, 3))):
        assert same(Job(family, mapping, moduli[0] - 1, draws, np.array([1]), scope), route) >= 1


@pytest.mark.parametrize("route", SERVED)
def test_an_unreachable_vector_is_left_out(route: str) -> None:
    family, mapping, moduli = SERVED[route][0]
    job = planted(family, mapping, moduli[0], Scope(100, 900, (0, 1), (0, 1)))
    thresholds = job.thresholds.copy()
    thresholds[0] = job.draws.shape[1]
    assert same(Job(family, mapping, job.hi, job.draws, thresholds, job.scope), route)


@pytest.mark.parametrize("route", SERVED)
def test_too_many_hits_are_cut_and_said(route: str) -> None:
    family, mapping, moduli = SERVED[route][0]
    job = planted(family, mapping, moduli[0], Scope(0, 5000, (0, 2), (0, 2)), missed=5)
    full = {tuple(hit) for hit in job.by("sieve").hits.tolist()}
    cut = job.by(route, max_hits=10)
    assert cut.overflow
    assert len(cut.hits) == 10
    assert {tuple(hit) for hit in cut.hits.tolist()} <= full


# Searches that take seconds at least by their route.
LONG = {
    "twister_chain": ("mt19937/init_genrand", "php_range", 999, 10, 10, (0, 0), 1 << 32),
    "lehmer_sums": ("glibc_random/type3", "mod", 999, 10, 10, (0, 0), 1 << 32),
    "low_bits": ("lcg48/java", "java_bounded", 999, 7, 10, (0, 30), 1 << 48),
    "gf2": ("xorshift32/raw_seed", "mod", 999, 9, 19, (0, 40), 1 << 32),
    "orbit": ("xorshift32/raw_seed", "mod", 999, 7, 10, (0, 30), 1 << 32),
}


def long_job(route: str) -> Job:
    family, mapping, hi, needed, width, gaps, seeds = LONG[route]
    draws = np.random.default_rng(2).integers(0, hi + 1, (1, width))
    return Job(family, mapping, hi, draws, np.array([needed]), Scope(0, seeds, (0, 0), gaps))


@pytest.mark.parametrize("route", LONG)
def test_a_route_stops_soon_after_the_word_changes(route: str) -> None:
    stop, progress, ended = np.zeros(1, dtype=np.uint32), np.zeros(1, dtype=np.uint64), []

    def search() -> None:
        ended.append((long_job(route).by(route, stop=stop, progress=progress), time.monotonic()))

    thread = threading.Thread(target=search, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not progress[0] and time.monotonic() < until:
        time.sleep(0.01)
    assert not ended, "the job must still be running"
    seen = int(progress[0])
    asked = time.monotonic()
    stop[0] = 1
    thread.join(10)
    result, at = ended[0]
    assert at - asked < PROMPT_S
    assert result.stopped
    assert 0 < seen < long_job(route).scope.seed_count
    assert result.seeds_done < long_job(route).scope.seed_count
    assert (result.hits["seed"] < result.seeds_done).all()


@pytest.mark.parametrize("route", LONG)
def test_a_word_that_differs_at_the_start_searches_nothing(route: str) -> None:
    result = long_job(route).by(route, stop=np.ones(1, dtype=np.uint32))
    assert (result.stopped, result.seeds_done, len(result.hits)) == (True, 0, 0)


@pytest.mark.parametrize(
    ("family", "mapping", "seed_lo"),
    [
        pytest.param("lcg31/minstd16807", "mod", 0, marks=pytest.mark.slow),
        pytest.param("msvc_rand/srand", "mulshift", (1 << 32) - 200_000, marks=pytest.mark.slow),
        pytest.param("lcg31/minstd48271", "float(31)", (1 << 31) - 100_000, marks=pytest.mark.slow),
        pytest.param("xorshift32/raw_seed", "mod", 0, marks=pytest.mark.slow),
    ],
)
def test_hits_along_the_orbit_are_the_sieves(family: str, mapping: str, seed_lo: int) -> None:
    """A route that always walks its whole cycle: 5 to 10 s."""
    job = planted(family, mapping, 500, Scope(seed_lo, 200_000, (1, 3), (0, 3)), missed=4, width=6)
    assert "orbit" in job.options()
    assert same(job, "orbit") > 20


def test_all_seeds_of_one_state_are_found_along_the_orbit() -> None:
    p = (1 << 31) - 1
    draws = host.values("minstd", "mod", 0, 0, 999, 8)[None, :]
    job = Job("minstd", "mod", 999, draws, np.array([8]), Scope(0, 1 << 32, (0, 0), (0, 0)))
    assert job.by("orbit").hits["seed"].tolist() == [0, 1, p, p + 1, 2 * p, 2 * p + 1]


@pytest.mark.slow
@pytest.mark.parametrize("isa", _host.isas())
def test_every_instruction_set_walks_the_same_orbit(isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """10 s."""
    monkeypatch.setattr(host, "isa", lambda: isa)
    draws = np.zeros((1, 9), dtype=np.int64)
    job = Job("xorshift32/raw_seed", "mod", 999, draws, np.array([9]), Scope(0, 1 << 32, (0, 0), (0, 0)))
    assert job.by("orbit").hits["seed"].tolist() == [0], "the fixed point lies beside the cycle"


def test_a_java_seed_whose_call_drew_twice_is_found_in_the_whole_space() -> None:
    """2^31 mod 30000 rejects one word in 90,811: take a seed that does so within its draws."""
    size = 30_000
    most = 2 * ((1 << 31) // size * size)
    lo = 0xABCDEF012345
    seed = next(s for s in range(lo, lo + 300_000) if (host.raw("java", s, 7)[1:6] >= most).any())
    draws = host.values("java", "java_bounded", seed, 0, size - 1, 7)[None, :]
    job = Job("java", "java_bounded", size - 1, draws, np.array([7]), Scope(0, 1 << 48, (0, 0), (0, 0)))
    assert routes.choose(*job.arguments(), **job.where()).name == "low_bits"
    assert seed in job.by("low_bits").hits["seed"]


@pytest.mark.parametrize(
    ("route", "job"),
    [
        ("twister_chain", ("mt19937/init_genrand", "mod", 999, (0, 25))),
        ("twister_chain", ("mt19937/cpython", "float", 999, (0, 0))),
        ("lehmer_sums", ("lcg31/minstd16807", "mod", 999, (0, 0))),
        ("low_bits", ("lcg48/java", "java_bounded", 1023, (0, 0))),
        ("low_bits", ("lcg48/java", "java_bounded", 998, (0, 0))),
        ("low_bits", ("lcg48/java", "java_bounded", (1 << 30) + 1, (0, 0))),
        ("low_bits", ("lcg48/java", "float", 999, (0, 0))),
        ("gf2", ("xorshift32/raw_seed", "mod", 998, (0, 0))),
        ("gf2", ("xorshift32/raw_seed", "mulshift", 999, (0, 0))),
        ("gf2", ("lcg31/minstd16807", "float", 1023, (0, 0))),
        ("gf2", ("mt19937/init_genrand", "mod", 999, (0, 0))),
        ("gf2", ("xoshiro128pp/splitmix64", "mod", 999, (0, 0))),
        ("orbit", ("mt19937/init_genrand", "mod", 999, (0, 0))),
        ("orbit", ("xorshift32/raw_seed", "mod", 999, (0, 10_000))),
    ],
    ids=str,
)
def test_an_unsound_route_is_not_offered(route: str, job: tuple[str, str, int, tuple[int, int]]) -> None:
    family, mapping, hi, gaps = job
    draws = np.random.default_rng(3).integers(0, hi + 1, (1, 10))
    offered = Job(family, mapping, hi, draws, np.array([10]), Scope(0, 1 << 32, (0, 0), gaps)).options()
    assert "sieve" in offered
    assert route not in offered


def test_the_cheapest_route_is_chosen_and_costs_rise() -> None:
    job = long_job("low_bits")
    offered = routes.options(*job.arguments(), **job.where())
    assert [r.seconds for r in offered] == sorted(r.seconds for r in offered)
    assert routes.choose(*job.arguments(), **job.where()) == offered[0]
    assert offered[0].seconds < 0.01 * next(r.seconds for r in offered if r.name == "sieve")


def test_a_search_takes_the_cheapest_route_and_gives_its_hits() -> None:
    job = planted("glibc_random/type3", "mod", 100, Scope(5, 40_000, (0, 1), (0, 0)), missed=1)
    assert job.options()[0] == "lehmer_sums"
    assert np.array_equal(routes.search(*job.arguments(), **job.where()).hits, job.by("sieve").hits)


def test_nothing_reachable_is_the_sieves_and_free() -> None:
    job = Job("java", "java_bounded", 9, np.array([[1, -1]]), np.array([2]), Scope(0, 9, (0, 0), (0, 0)))
    assert routes.choose(*job.arguments(), **job.where()) == routes.Route("sieve", 0.0)


def test_every_route_is_compiled_and_an_unknown_one_is_refused() -> None:
    assert set(LONG) == set(routes.ROUTES)
    with pytest.raises(ValueError, match="short_cut"):
        long_job("low_bits").by("short_cut")
