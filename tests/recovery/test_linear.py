"""The detector of recurrences: generators found through unknown gaps and told by their size, holes, chance level, next bits."""

import time

import numpy as np
import pytest

from engine.recovery.berlekamp_massey import linear_complexity
from engine.recovery.linear import (
    NEXT,
    TOLD,
    complexities,
    detect,
    lane_complexity,
    lane_count,
    lanes,
    longest_stretch,
)
from hip_cuda_kernels import host
from hip_cuda_kernels.registry import FAMILIES, family

SEED = 20_260_127


def draws(
    name: str, mapping: str, count: int, *, gap: int = 0, size: int = 1000
) -> tuple[np.ndarray, np.ndarray]:
    """Return planted draws and the NEXT ones after them."""
    made = host.values(name, mapping, SEED, 0, size - 1, count + NEXT, start=3, gap=gap)
    return made[:count], made[count:]


@pytest.mark.parametrize("gap", [63, 127, 319])
def test_v8s_upper_half_has_complexity_128_where_the_gap_steps_over_whole_blocks(gap: int) -> None:
    seen, following = draws("node12-23", "float(52)", 296, gap=gap)
    found = detect(seen, 0, 999)
    assert found is not None
    assert (found.lane, found.complexity) == ("upper half", 128)
    assert found.bits > 35
    assert "v8_math_random/state52" in found.families
    assert found.next_bits == tuple((following >= 500).astype(int).tolist())


@pytest.mark.parametrize(("gap", "complexity"), [(15, 512), (3, 2048), (0, 8192)])
def test_v8s_reversed_blocks_multiply_the_complexity(gap: int, complexity: int) -> None:
    found = detect(draws("node12-23", "float(52)", 2 * complexity + 40, gap=gap)[0], 0, 999)
    assert found is not None
    assert found.complexity == complexity
    assert "v8_math_random/state52" in found.families


def test_mersenne_twister_is_found_through_an_unknown_gap_in_a_second() -> None:
    seen, following = draws("mt19937/init_genrand", "mod", 39_934, gap=5)
    began = time.process_time()
    found = detect(seen, 0, 999)
    assert time.process_time() - began < 2.0  # measured: 0.5 s for six lanes
    assert found is not None
    assert (found.lane, found.complexity) == ("low bit", 19_937)
    assert {"mt19937/init_genrand", "mt19937/cpython", "mt19937_64/std"} <= set(found.families)
    assert found.next_bits == tuple((following & 1).tolist())


@pytest.mark.parametrize(
    ("name", "mapping", "lane", "complexity", "count"),
    [
        ("xorshift32/raw_seed", "mod", "low bit", 32, 120),
        ("xorshift128/marsaglia", "mulshift", "upper half", 128, 296),
        ("pure_rand/xorshift128plus", "mod_reject(32)", "low bit", 128, 296),
        ("taus88/gsl", "mod", "low bit", 88, 210),
        ("luajit", "float(52)", "upper half", 223, 480),
        ("glibc", "mod", "low bit", 527, 1090),
        ("drand48", "shift(1)", "low bit", 3, 40),
    ],
)
@pytest.mark.parametrize("gap", [0, 4])
def test_draws_betray_their_generator_at_any_gap(
    name: str, mapping: str, lane: str, complexity: int, count: int, gap: int
) -> None:
    seen, following = draws(name, mapping, count, gap=gap)
    found = detect(seen, 0, 999)
    assert found is not None
    assert (found.lane, found.complexity) == (lane, complexity)
    assert found.bits > TOLD
    assert family(name).id in found.families
    truth = following & 1 if lane == "low bit" else following >= 500
    assert found.next_bits == tuple(truth.astype(int).tolist())


def test_each_exact_bit_is_a_lane_once() -> None:
    values = np.arange(1000)
    assert list(lanes(values, 0, 999)) == [
        "low bit", "bit 1", "bit 2", "upper half", "binary place 2 (of draw / range)", "binary place 3 (of draw / range)",
    ]  # fmt: skip
    for size in (999, 1000, 1024, 1, 2):
        assert lane_count(size) == len(lanes(values % size, 0, size - 1))
    assert lanes(values, 0, 998) == {}


def test_lanes_are_the_bits_of_the_draw_and_of_its_share_of_the_range() -> None:
    found = lanes(np.array([10, 10 + 999, 10 + 374]), 10, 1009)
    assert found["bit 1"].tolist() == [0, 1, 1]
    assert found["upper half"].tolist() == [0, 1, 0]
    assert found["binary place 2 (of draw / range)"].tolist() == [0, 1, 1]
    assert found["binary place 3 (of draw / range)"].tolist() == [0, 1, 0]


def test_chance_is_not_surprising_and_odd_ranges_have_no_exact_lane() -> None:
    values = np.random.default_rng(6).integers(0, 999, 500)
    assert detect(values, 0, 998) is None
    found = detect(values, 0, 999)
    assert found is not None
    assert found.bits < TOLD
    assert (found.families, found.next_bits) == ((), ())


def test_all_lanes_are_paid() -> None:
    seen, _ = draws("xorshift32/raw_seed", "mod", 120)
    found = detect(seen, 0, 999)
    assert found is not None
    assert found.bits == pytest.approx(120 - 2 * 32 - np.log2(6))


def test_the_longest_stretch_without_a_hole_is_examined_and_the_next_bits_are_those_after_the_last_draw() -> (
    None
):
    seen, following = draws("xorshift32/raw_seed", "mod", 200)
    seen[[20, 170, 171]] = -1
    found = detect(seen, 0, 999)
    assert found is not None
    assert (found.complexity, found.count) == (32, 149)
    assert found.next_bits == tuple((following & 1).tolist())


def test_nothing_is_foretold_where_later_draws_contradict() -> None:
    seen, _ = draws("xorshift32/raw_seed", "mod", 200)
    seen[150] = -1
    seen[180] ^= 1
    found = detect(seen, 0, 999)
    assert found is not None
    assert found.bits > TOLD
    assert found.next_bits == ()


@pytest.mark.parametrize(
    ("values", "stretch"),
    [([1, 2, 3], (0, 3)), ([-1, 5, -1, 7, 8], (3, 5)), ([4, 4, -1, 6, 6], (3, 5)), ([-1, -1], (2, 2)), ([], (0, 0))],
)  # fmt: skip
def test_the_longest_stretch_is_the_latest_of_equal_ones(values: list[int], stretch: tuple[int, int]) -> None:
    found = longest_stretch(np.array(values, dtype=np.int64))
    assert (found.start, found.stop) == stretch


@pytest.mark.parametrize("values", [[], [-1, -1, -1], [7]])
def test_too_few_draws_show_nothing(values: list[int]) -> None:
    found = detect(np.array(values, dtype=np.int64), 0, 999)
    assert found is not None
    assert found.bits == 0.0


def test_ten_million_draws_cost_no_more_than_the_longest_examined() -> None:
    values = np.random.default_rng(8).integers(0, 1000, 10**7)
    values[::1_000_000] = -1
    began = time.process_time()
    assert detect(values, 0, 999) is not None
    assert time.process_time() - began < 3.0  # measured: 0.6 s


def test_a_line_names_families_and_the_next_bits() -> None:
    found = detect(draws("xorshift32/raw_seed", "mod", 120)[0], 0, 999)
    assert found is not None
    assert found.line().startswith(
        "the low bit of the draws follows a linear recurrence of length 32 over GF(2)"
    )
    assert "xorshift32/raw_seed" in found.line()
    assert found.line().endswith("".join(map(str, found.next_bits)))


def measured(name: str, count: int, stride: int = 1) -> set[int]:
    """Return the complexities that the two lowest bits of every `stride`-th word show within `count` words."""
    words = host.raw(name, SEED, count * stride)[::stride]
    found = {linear_complexity((words >> np.uint64(bit) & np.uint64(1)).tolist()) for bit in (0, 1)}
    return {length for length in found if length < count // 2 - 20}


@pytest.mark.parametrize("name", [one.id for one in FAMILIES])
def test_complexities_are_those_of_the_generators_words(name: str) -> None:
    """Nothing that 2,600 words show is missing, and what is listed is shown."""
    listed = set(complexities(family(name)))
    shown = [measured(name, 2600, stride) for stride in (1, 2, 62, 64)]
    assert shown[0] | shown[1] <= listed
    assert any(shown) == any(length < 1280 for length in listed)
    assert bool(shown[0]) == any(length < 1280 for length in complexities(family(name))[:1])


@pytest.mark.parametrize(
    ("name", "mask", "complexity"),
    [("mt19937/cpython", 1 << 31, 19_937), ("go_alfg/new_source", 1, 607), ("go_alfg/new_source", 1 << 62, None), ("drand48", 4, 5),
     ("msvc", 1, 65_537), ("rand_r", 1, 65_537), ("msvc", 2, None), ("java", 0, None), ("splitmix64", 7, None)],
)  # fmt: skip
def test_the_complexity_of_a_lane_follows_from_its_lowest_bit(
    name: str, mask: int, complexity: int | None
) -> None:
    assert lane_complexity(family(name), mask) == complexity


@pytest.mark.slow
@pytest.mark.parametrize("name", [one.id for one in FAMILIES if complexities(one)])
def test_long_complexities_are_those_of_the_generators_words(name: str) -> None:
    """All in 15 s."""
    strides = (1, 64) if family(name).structure == "lcg2k" else (1,)
    shown = set().union(*(measured(name, 2600 if name == "ranmar/gsl" else 45_000, one) for one in strides))
    assert shown & set(complexities(family(name)))
