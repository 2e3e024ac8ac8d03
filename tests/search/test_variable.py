"""Variable gaps end to end: planted histories found on real workers, chance not claimed, patterns paid for, hopeless asks refused."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.history.history import History
from engine.search.alignment import Alignment
from engine.search.cell import Cell
from engine.search.claims import Hit, score
from engine.search.design import Scope, confirm_draws, design, draws_needed
from engine.search.identify import identify
from engine.search.ranges import Range
from engine.search.space import Space
from engine.search.survivors import SurvivorHeader, Survivors
from hip_cuda_kernels import host
from state.journal import Journal

Maker = Callable[[np.ndarray], History]
SPACE = Space(
    families=("java",), mappings=("java_bounded",), seeds=Range(0, 2**14 - 1), starts=Range(0, 3), gaps=Range(0, 4),
    gap_law="range", range=(0, 999),
)  # fmt: skip
CELL = Cell(
    "lcg48/java", "java_bounded", 0, 999, Range(0, 2**14 - 1), (0, 3), (0, 4), 0.0, 6, 6, 54, None, 1.0, 1.0, law="range"
)  # fmt: skip


def planted(count: int = 60, seed: int = 4711) -> tuple[np.ndarray, list[int]]:
    gaps = np.random.default_rng(9).integers(0, 5, count - 1)
    calls = np.cumsum([2, *(gaps + 1)])
    stream = host.values("lcg48/java", "java_bounded", seed, 0, 999, int(calls[-1]) + 1)
    return stream[calls], gaps.tolist()


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize("wrong", [0, 6])
async def test_a_planted_history_is_identified_with_its_gaps(
    wrong: int, compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws, gaps = planted()
    spoiled = np.random.default_rng(3).choice(60, wrong, replace=False)
    draws[spoiled] = (draws[spoiled] + 1) % 1000
    found = await identify(make_history(draws), SPACE, compute, journal, run="t")
    assert found.verdict == "identified"
    (best,) = found.hypotheses
    assert (int(best.origin["value"], 16), best.start, best.matched) == (4711, 2, 60 - wrong)
    assert (best.gap["law"], best.gap["lo"], best.gap["hi"]) == ("range", 0, 4)
    assert found.next_draws is None
    if not wrong:
        assert best.gap["pattern"] == gaps
    assert found.controls.cells_found == found.controls.cells_planted >= 60
    assert Alignment.model_validate(found.alignments()[0].model_dump()).gap.pattern is not None


@pytest.mark.asyncio(loop_scope="package")
async def test_chance_is_not_claimed_and_the_exclusion_names_the_law(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = np.random.default_rng(11).integers(0, 1000, 60)
    found = await identify(make_history(draws), SPACE, compute, journal, run="t")
    assert (found.verdict, found.complete, found.hypotheses) == ("no_evidence", True, [])
    assert {row.gap["law"] for row in found.excluded} == {"range"}
    assert found.controls.null_best <= 3


def test_chance_survivors_average_to_an_e_value_below_one() -> None:
    rng = np.random.default_rng(12)
    draws = rng.integers(0, 1000, 60)
    claims = [score(CELL, Hit(int(seed), 0, 0), draws, 1e-3, None, 1) for seed in rng.integers(0, 2**14, 200)]
    assert np.mean([2.0**claim.bits for claim in claims]) <= 1.0


def test_the_pattern_is_paid_for_draw_by_draw() -> None:
    draws, _ = planted()
    claim = score(CELL, Hit(4711, 0, 0), draws, 1e-3, 0.0, 1)
    assert (claim.confirmed.matched, claim.confirmed.scored) == (54, 54)
    free = 54 * np.log2(1000)
    assert free - 54 * np.log2(5) - 3 < claim.bits < free - 45 * np.log2(5)


def test_gaps_as_many_as_values_are_refused_and_fewer_need_more_draws() -> None:
    def scope(gaps: int) -> Scope:
        return Scope(2**16, 4, gaps, "range", 1e-3, 0.0, 1e-6)

    assert (confirm_draws(scope(1000)), draws_needed(scope(1000)), design(scope(1000), 4000)) == (
        None,
        None,
        None,
    )
    needs = [draws_needed(scope(gaps)) for gaps in (1, 5, 50, 300)]
    assert None not in needs
    assert needs == sorted(needs)
    assert needs[0] < needs[-1]
    assert design(scope(5), needs[1] - 1) is None


def test_every_pattern_is_billed() -> None:
    assert CELL.alignments == 4 * 5**5
    assert CELL.hypotheses == 2**14 * 4 * 5**5


def test_survivors_keep_law_bounds_and_reconstructed_gaps() -> None:
    one = Alignment.model_validate(
        {"family": "lcg48/java", "mapping": "java_bounded", "range": (0, 999), "origin": {"bits": 48, "value": "0x1267"},
         "start": 2, "gap": {"law": "range", "lo": 0, "hi": 4, "pattern": [0, 3, 1]}}
    )  # fmt: skip
    header = SurvivorHeader(
        range=(0, 999), history="h", draws=4, search=(0, 4), confirm=(0, 4), found=1, carried=1
    )
    table = Survivors.from_alignments([one], header, {})
    assert list(table) == [one]
