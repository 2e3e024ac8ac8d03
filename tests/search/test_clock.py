"""Seeds from every draw's own clock: offsets are read strictly, searched exactly, found with their unit, excluded for these times alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.errors import BadInput, UsageError
from engine.history.history import NO_TIME, History
from engine.search.clock import Offset, clocked, foretold, offset
from engine.search.identify import Identification, identify
from engine.search.laws import LAYOUTS
from engine.search.question import Question
from engine.search.ranges import Range, parse_offset
from engine.search.space import Space
from hip_cuda_kernels import host
from state.journal import Journal
from tests.search.by_definition import Running

Maker = Callable[..., History]
BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)


def moments(count: int, rng: np.random.Generator) -> tuple[list[datetime], np.ndarray]:
    """Return times some seconds apart, and the same in microseconds."""
    micros = np.cumsum(rng.integers(10**5, 9 * 10**6, count)) + int(BEGAN.timestamp()) * 10**6
    return [datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(one)) for one in micros], micros


@pytest.mark.parametrize(("text", "found"), [("-60:60/s", (-60, 60, "s")), (" 0x10/ms", (16, 16, "ms"))])
def test_offsets_are_read(text: str, found: tuple[int, int, str]) -> None:
    assert parse_offset(text, what="--seeds") == found


@pytest.mark.parametrize(
    ("text", "rule"),
    [("0:5", "units are s, ms, us"), ("0:5/h", "units are"), ("5:0/s", "reversed"), ("a/s", "not an integer"), ("2^60/us", "at most")],
)  # fmt: skip
def test_offsets_that_cannot_be_read_say_the_rule(text: str, rule: str) -> None:
    with pytest.raises(UsageError, match=rule) as caught:
        parse_offset(text, what="--seeds")
    assert "\n" not in str(caught.value)


def test_the_draws_are_those_of_each_time_modulo_the_seeds() -> None:
    times = np.array([NO_TIME, 5_999_999, 6_000_000, NO_TIME, 9_000_001])
    seed = 5 + 2**40 - 3
    made = foretold("msvc_rand/srand", "mod", seed, 0, 99, times, "s", 1)
    wanted = [
        int(host.values("msvc_rand/srand", "mod", (seed + at) % 2**32, 0, 99, 2)[1]) for at in (0, 1, 4)
    ]
    assert made.tolist() == [-2, *wanted[:2], -2, wanted[2]]
    assert offset(seed, times, "s") == 2**40 - 3
    assert Offset(-9, 3, "s").seeds(times) == (0, 8, "s")


def test_the_search_equals_brute_force() -> None:
    rng = np.random.default_rng(1)
    later = np.array([0, 3, 3, 10, 700, 5])
    top, family = 2**32, "msvc_rand/srand"
    draws = np.vstack([rng.integers(0, 4, (2, 6)), clocked(family, "mod", top - 40, 0, 3, later, 1)])
    draws[0, 2] = -1
    params = {
        "family": family, "mapping": "mod", "lo": 0, "hi": 3, "starts": [0, 1], "gaps": [0, 0], "threshold": 5, "later": later,
    }  # fmt: skip
    found = LAYOUTS["clock"].sieve(params, draws, top - 100, 200, Running())
    wanted = []
    for seed in range(top - 100, top + 100):
        for start in (0, 1):
            made = clocked(family, "mod", seed, 0, 3, later, start)
            for row, draw in enumerate(draws):
                if (same := int((made == draw).sum())) >= 5:
                    wanted.append((seed, start, row, same))
    names = ("seed", "start", "vector", "matched")
    assert [tuple(int(hit[name]) for name in names) for hit in found.hits] == wanted
    assert (top - 40, 1, 2, 6) in wanted
    assert (found.seeds_done, found.stopped) == (200, False)


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize(
    ("family", "mapping", "unit"), [("lcg48/java", "java_bounded", "ms"), ("glibc_random/type3", "mod", "s")]
)
async def test_a_generator_seeded_by_each_draw_s_clock_is_found_with_its_offset(
    family: str, mapping: str, unit: str, compute: Compute, journal: Journal, make_history: Maker
) -> None:
    rng = np.random.default_rng(3)
    times, micros = moments(40, rng)
    tick = int(micros[0]) // {"s": 10**6, "ms": 1000}[unit]
    draws = foretold(family, mapping, tick - 37, 0, 999, micros, unit, 2)
    draws[[4, 11]] = (draws[[4, 11]] + 1) % 1000
    space = Space(
        families=(family,), mappings=(mapping,), range=(0, 999), gap_law="clock", offsets=(Offset(-60, 9, "s"), Offset(-99, 0, "ms")),
        starts=Range(0, 3),
    )  # fmt: skip
    found = await identify(make_history(draws, times), space, compute, journal, run="t")
    assert found.verdict == "identified"
    (best,) = found.hypotheses
    assert (best.gap, best.start) == ({"law": "clock", "unit": "call", "value": -37}, 2)
    assert (best.origin["kind"], best.origin["unit"], int(best.origin["value"], 16)) == (
        "time",
        unit,
        tick - 37,
    )
    assert (best.matched, best.scored) == (38, 40)
    assert found.next_draws is None
    assert found.controls.cells_found == found.controls.cells_planted >= 60


@pytest.mark.asyncio(loop_scope="package")
async def test_chance_is_excluded_for_these_times_alone(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    rng = np.random.default_rng(5)
    times, _ = moments(40, rng)
    space = Space(
        families=("java", "msvc"),
        range=(0, 99),
        gap_law="clock",
        offsets=(Offset(-500, 500, "ms"),),
        noise=0.0,
    )
    draws = rng.integers(0, 100, 40)
    search = Identification(Question(make_history(draws, times), space, kernel="k"), run="t")
    found = await search.run(compute, journal)
    assert (found.verdict, found.complete) == ("no_evidence", True)
    assert all(one.gap["law"] == "clock" and one.power >= 0.95 for one in found.excluded)
    rows = search.coverage()
    for shift, left in ((0, 0), (1, search.question.plan.hypotheses)):
        moved = [times[0], *(one + timedelta(seconds=shift) for one in times[1:])]
        again = Question(make_history(draws, moved), space, known=rows, kernel="k")
        assert again.plan.hypotheses == left
    others = [replace(row, unit="us") for row in rows]
    assert Question(make_history(draws, times), space, known=others, kernel="k").spared == 0


def test_draws_without_times_are_refused_or_left_out(make_history: Maker) -> None:
    draws, space = np.arange(40) * 7 % 100, Space(gap_law="clock", families=("java",), range=(0, 99))
    with pytest.raises(BadInput, match="--time-column"):
        Question(make_history(draws), space)
    times: list[datetime | None] = [BEGAN + timedelta(minutes=place) for place in range(40)]
    times[0] = times[7] = None
    search = Question(make_history(draws, times), space)
    assert (search.values[None] < 0).sum() == 2
    assert {cell.seeds.unit for cell in search.plan.cells} == {"s", "ms", "us"}
