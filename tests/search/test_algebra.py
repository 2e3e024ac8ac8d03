"""State spaces decided by algebra inside an question: planned, proven on planted states, billed, claimed, excluded."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.history.history import History
from engine.recovery import states
from engine.search.cell import Cell
from engine.search.identify import identify
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space
from hip_cuda_kernels import host
from state.journal import Journal

pytestmark = pytest.mark.asyncio(loop_scope="package")
Maker = Callable[[np.ndarray], History]
V8, JAVA = "v8_math_random/state52", "lcg48/java"


def space(family: str, mapping: str, **more: object) -> Space:
    return Space(families=(family,), mappings=(mapping,), range=(0, 999), methods="algebra", **more)  # type: ignore[arg-type]


def from_state(family: str, mapping: str, gap: int, count: int, seed: int = 5) -> np.ndarray:
    state = states.random(family, np.random.default_rng(seed))
    return states.values(family, mapping, state, 0, 999, count, gap=gap)


def cells(history: History, asked: Space) -> list[Cell]:
    return [cell for cell in Question(history, asked).asked.cells if cell.origin == "state"]


async def test_a_state_that_no_seed_leads_to_is_identified_and_foretells_the_next_draws(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = from_state(V8, "float(52)", 137, 60)
    asked = space(V8, "float(52)", gaps=Range(130, 140))
    found = await identify(make_history(draws[:40]), asked, compute, journal, run="t")
    assert found.verdict == "identified"
    claim = found.hypotheses[0]
    assert (claim.origin["kind"], claim.start, claim.gap["value"]) == ("state", None, 137)
    assert claim.confirmed.scored < claim.scored == 40
    assert found.next_draws == draws[40:50].tolist()


async def test_few_draws_pay_for_every_state_and_gap(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = from_state(V8, "float(52)", 36, 31)
    found = await identify(make_history(draws[:21]), space(V8, "float(52)"), compute, journal, run="t")
    assert found.verdict == "identified"
    futures = [
        states.values(V8, "float(52)", int(one.origin["value"], 16), 0, 999, 31, gap=36)[21:].tolist()
        for one in found.hypotheses  # several places in the block of cached words tell the same 21 draws
    ]
    assert draws[21:].tolist() in futures
    assert found.next_draws in (futures[0], None)
    assert found.evidence_bits < 21 * np.log2(1000) - 128


async def test_too_few_draws_are_named_with_the_number_that_would_do(make_history: Maker) -> None:
    question = Question(
        make_history(from_state(V8, "float(52)", 0, 12)), space(V8, "float(52)", gaps=Range(0, 200))
    )
    assert not question.asked.cells
    (left,) = question.asked.unplanned
    assert left.need is not None
    assert left.need in range(15, 23)


async def test_a_state_whose_seed_is_known_is_told_as_that_seed(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    seed = 0x5DEECE66D ^ 0xABCDEF012345
    draws = host.values(JAVA, "java_bounded", seed, 0, 999, 40, gap=173)
    found = await identify(make_history(draws[:30]), space(JAVA, "java_bounded"), compute, journal, run="t")
    claim = found.hypotheses[0]
    assert (claim.origin["kind"], int(claim.origin["value"], 16), claim.start) == ("seed", seed, 0)
    assert found.next_draws == draws[30:].tolist()


async def test_random_draws_exclude_the_whole_state_space_with_measured_power(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = np.random.default_rng(8).integers(0, 1000, 60)
    asked = space(JAVA, "java_bounded", gaps=Range(0, 40))
    found = await identify(make_history(draws), asked, compute, journal, run="t")
    assert found.verdict == "no_evidence"
    (row,) = found.excluded
    assert row.origins == {"kind": "state", "range": f"0:{2**48 - 1}"}
    assert row.power >= 0.9
    assert found.controls.cells_found == found.controls.cells_planted > 0


async def test_the_bill_names_the_states_that_each_system_stands_for(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = np.random.default_rng(9).integers(0, 1000, 60)
    asked = space(JAVA, "java_bounded", gaps=Range(0, 40))
    before = journal.billed()
    found = await identify(make_history(draws), asked, compute, journal, run="t")
    assert journal.billed() - before == found.hypotheses_tested == 41


async def test_stated_seeds_ask_for_a_sweep_alone(make_history: Maker) -> None:
    draws = np.random.default_rng(9).integers(0, 1000, 60)
    stated = Space(families=(JAVA,), range=(0, 999), seeds=Range(0, 99))  # type: ignore[arg-type]
    assert not cells(make_history(draws), stated)
    assert cells(make_history(draws), Space(families=(JAVA,), range=(0, 999)))


async def test_algebra_that_misses_its_planted_states_excludes_nothing(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = np.random.default_rng(9).integers(0, 1000, 320)
    found = await identify(
        make_history(draws), space("tt800/gsl", "mod", gaps=Range(0, 0)), compute, journal, run="t"
    )
    assert not found.excluded
    assert "planted states" in found.not_tested[0].reason
    assert "rank" in found.not_tested[0].reason


async def test_gaps_too_wide_for_the_equations_are_refused_before_anything_runs(make_history: Maker) -> None:
    draws = np.random.default_rng(9).integers(0, 1000, 60)
    asked = Question(make_history(draws), space(V8, "float(52)", gaps=Range(0, 60_000))).asked
    assert not asked.cells
    assert "narrow --gaps" in asked.unplanned[0].reason


@pytest.mark.parametrize(("family", "mapping"), [(V8, "float(52)"), (JAVA, "java_bounded")])
async def test_a_tenth_of_wrong_draws_is_tolerated_where_it_is_stated(
    family: str, mapping: str, compute: Compute, journal: Journal, make_history: Maker
) -> None:
    true = from_state(family, mapping, 5, 110)
    draws = true[:100].copy()
    draws[3::10] = (draws[3::10] + 1) % 1000
    asked = space(family, mapping, gaps=Range(3, 7), noise=0.1)
    found = await identify(make_history(draws), asked, compute, journal, run="t")
    assert found.verdict == "identified"
    assert found.hypotheses[0].matched == 90
    assert found.next_draws == true[100:].tolist()


@pytest.mark.parametrize("pattern", [(2, 0), (0, 2, 1)])
async def test_gaps_that_take_turns_are_found_with_their_pattern(
    pattern: tuple[int, ...], compute: Compute, journal: Journal, make_history: Maker
) -> None:
    state = states.random(JAVA, np.random.default_rng(3))
    draws = states.values(JAVA, "java_bounded", state, 0, 999, 40, pattern=pattern)
    asked = space(JAVA, "java_bounded", gap_law="periodic", gaps=Range(0, 2))
    found = await identify(make_history(draws[:30]), asked, compute, journal, run="t")
    assert found.verdict == "identified"
    assert found.hypotheses[0].gap == {"law": "periodic", "unit": "call", "pattern": list(pattern)}
    assert found.next_draws == draws[30:].tolist()
    assert journal.billed() >= found.hypotheses_tested >= 3 ** len(pattern)
