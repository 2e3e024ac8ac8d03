"""Null and planted controls of the whole identification: no claim on chance, survivors as many as chance expects.

Run apart: pytest -m statistical tests/search (about 90 s on two cores; those of algebra take four minutes more, those of words, clocks and reverse a minute each).
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.history.history import History
from engine.recovery import states
from engine.search.analysis import Analysis
from engine.search.clock import Offset, foretold
from engine.search.identify import identify
from engine.search.ranges import Range
from engine.search.space import Space
from engine.search.streamed import led_back
from hip_cuda_kernels import host
from hip_cuda_kernels.wordings import WORDINGS
from state.journal import Journal

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.statistical]
Maker = Callable[[np.ndarray], History]
FAMILIES = ("lcg48/java", "xorshift32/raw_seed", "mt19937/init_genrand", "msvc_rand/srand")


async def searched(history: History, space: Space, compute: Compute, directory: Path) -> Analysis:
    """Identify with a ledger of its own, so that no chunk is taken from another history's."""
    journal = Journal.open(directory)
    try:
        return await identify(history, space, compute, journal, run=directory.name)
    finally:
        journal.close()


@pytest.mark.parametrize(("top", "draws"), [(9, 120), (999, 60)])
async def test_chance_is_never_claimed_and_survivors_are_as_many_as_expected(
    top: int, draws: int, compute: Compute, tmp_path: Path, make_history: Maker
) -> None:
    rng = np.random.default_rng(2026)
    survivors, expected, bits = 0, 0.0, []
    for number in range(40):
        values = rng.integers(0, top + 1, draws)
        space = Space(
            families=FAMILIES, seeds=Range(0, 2**16 - 1), gaps=Range(0, 7), range=(0, top), seed=number
        )
        found = await searched(make_history(values), space, compute, tmp_path / str(number))
        assert found.verdict in ("no_evidence", "biased")
        assert found.hypotheses == []
        survivors += found.controls.null_best
        expected += found.controls.null_expected
        bits.append(found.evidence_bits)
    assert max(bits) < 19.93
    # null_best is the larger of two twins, so it lies above the mean of one, but not far
    assert expected * 0.6 < survivors < expected * 1.6


@pytest.mark.parametrize("noise", [0.0, 0.1])
async def test_planted_truths_are_found_with_the_stated_power(
    noise: float, compute: Compute, tmp_path: Path, make_history: Maker
) -> None:
    rng = np.random.default_rng(7)
    found = 0
    for number in range(30):
        seed, gap = int(rng.integers(2**16)), int(rng.integers(8))
        values = host.values("lcg48/java", "java_bounded", seed, 0, 999, 60, gap=gap).copy()
        wrong = rng.random(60) < noise
        values[wrong] = rng.integers(0, 1000, int(wrong.sum()))
        space = Space(
            families=FAMILIES, seeds=Range(0, 2**16 - 1), gaps=Range(0, 7), range=(0, 999), seed=number
        )
        answer = await searched(make_history(values), space, compute, tmp_path / str(number))
        best = answer.hypotheses[0] if answer.hypotheses else None
        found += best is not None and (int(best.origin["value"], 16), best.gap["value"]) == (seed, gap)
    assert found >= 29


SOLVED = ("v8_math_random/state52", "lcg48/java", "lcg48/drand48", "xorshift128/marsaglia", "taus88/gsl")


@pytest.mark.parametrize(("top", "draws"), [(9, 130), (999, 60)])
async def test_algebra_claims_no_state_behind_chance(
    top: int, draws: int, compute: Compute, tmp_path: Path, make_history: Maker
) -> None:
    rng = np.random.default_rng(99)
    for number in range(12):
        values = rng.integers(0, top + 1, draws)
        space = Space(families=SOLVED, gaps=Range(0, 3), range=(0, top), methods="algebra", seed=number)
        found = await searched(make_history(values), space, compute, tmp_path / str(number))
        assert found.verdict in ("no_evidence", "biased")
        assert found.hypotheses == []
        assert found.excluded


@pytest.mark.parametrize("draws", [22, 60])
async def test_planted_states_are_found_with_the_stated_power(
    draws: int, compute: Compute, tmp_path: Path, make_history: Maker
) -> None:
    rng = np.random.default_rng(11)
    found = 0
    for number in range(20):
        family, mapping = (
            ("v8_math_random/state52", "float(52)") if number % 2 else ("lcg48/java", "java_bounded")
        )
        gap = int(rng.integers(4))
        values = states.values(family, mapping, states.random(family, rng), 0, 999, draws, gap=gap)
        space = Space(families=SOLVED, gaps=Range(0, 3), range=(0, 999), methods="algebra", seed=number)
        analysis = await searched(make_history(values), space, compute, tmp_path / str(number))
        found += any(one.family == family and one.gap["value"] == gap for one in analysis.hypotheses)
    assert found >= 19


WORDS = tuple(f"{stem}{number}" for stem in ("pass", "word", "lotto", "draw") for number in range(500))
OTHER_WAYS: dict[str, dict[str, Any]] = {
    "words": {"families": ("python", "java"), "words": WORDS},
    "each draw's own clock": {
        "families": ("java", "glibc"), "gap_law": "clock", "offsets": (Offset(-300, 300, "s"), Offset(-2000, 2000, "ms")),
    },
    "in reverse": {"families": ("java", "glibc"), "gap_law": "inverse", "seeds": (Range(0, 2**11 - 1),)},
}  # fmt: skip


def timed(values: np.ndarray, rng: np.random.Generator) -> tuple[History, np.ndarray]:
    """Return draws made some seconds apart, and when, in microseconds."""
    micros = np.cumsum(rng.integers(10**5, 10**7, len(values))) + 1_767_225_600_000_000
    times = [datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(one)) for one in micros]
    return History.of(values.tolist(), times, source="planted"), micros


def planted(
    way: str, history: History, micros: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, str]:
    """Return the draws of a random truth of a way, and what names it in a hypothesis."""
    seed, count = int(rng.integers(2**11)), len(history)
    if way == "words":
        word = WORDS[int(rng.integers(len(WORDS)))]
        made = host.values(
            "mt19937/cpython", "top_reject", WORDINGS["python_str"].seed(word.encode()), 0, 999, count
        )
        return made, word
    if way == "in reverse":
        return led_back("glibc_random/type3", "mod", seed, 0, 999, count, 0, 1), hex(seed)
    tick = int(micros[0]) // 1000 + int(rng.integers(-2000, 2001))
    return foretold("lcg48/java", "java_bounded", tick, 0, 999, micros, "ms", 0), hex(tick)


@pytest.mark.parametrize("way", OTHER_WAYS)
async def test_other_ways_of_seeding_claim_no_chance_and_find_what_was_planted(
    way: str, compute: Compute, tmp_path: Path
) -> None:
    rng = np.random.default_rng(2027)
    found, survivors, expected = 0, 0, 0.0
    for number in range(20):
        asked = {
            **OTHER_WAYS[way],
            "range": (0, 999),
            "gaps": None if "clock" in way else Range(0, 1),
            "seed": number,
        }
        chance, micros = timed(rng.integers(0, 1000, 50), rng)
        null = await searched(chance, Space(**asked), compute, tmp_path / f"null{number}")
        assert (null.verdict, null.hypotheses) == ("no_evidence", [])
        survivors += null.controls.null_best
        expected += null.controls.null_expected
        draws, name = planted(way, chance, micros, rng)
        wrong = rng.random(50) < 0.1
        draws = np.where(wrong, rng.integers(0, 1000, 50), draws)
        noisy = History(draws, chance.times, chance.codes, chance.labels, "planted")
        answer = await searched(noisy, Space(**asked), compute, tmp_path / f"planted{number}")
        best = answer.hypotheses[0] if answer.hypotheses else None
        found += best is not None and name in (best.origin["value"], best.word and best.word.text)
    assert found >= 19
    assert expected * 0.5 < survivors < expected * 2.0
