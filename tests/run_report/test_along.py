"""A claim along the draws: the same matches and the same evidence as the search recorded, and when it crossed the line."""

from dataclasses import replace

import numpy as np
import pytest

from engine.evidence.evalue import log2_evidence
from engine.recovery import states
from engine.run_report.along import HIT, MISS, MISSING, Along, follow
from engine.run_report.facts import Facts
from engine.search.cell import Cell
from engine.search.claims import predicted
from engine.search.ranges import Range
from hip_cuda_kernels import host


def followed(facts: Facts, draws: np.ndarray | None = None) -> Along:
    assert facts.analysis is not None
    claim = facts.analysis.hypotheses[0].model_dump(mode="json")
    values = facts.values(None) if draws is None else draws
    made = follow(values, claim, facts.analysis.range, facts.chance(None, *facts.analysis.range), None)
    return made


def test_matches_and_final_evidence_are_those_of_the_record(claimed: Facts) -> None:
    assert claimed.analysis is not None
    best, along = claimed.analysis.hypotheses[0], followed(claimed)
    assert (int(along.matches[-1]), len(along)) == (best.matched, best.scored)
    assert int((along.marks[: along.edge] != MISSING).sum()) == best.scored - best.confirmed.scored
    assert along.bits(len(along) - 1) == pytest.approx(best.evidence_bits, abs=0.01)


def test_before_the_first_unseen_draw_only_the_price_stands(claimed: Facts) -> None:
    along = followed(claimed)
    assert along.bits(along.edge - 1) == pytest.approx(-along.paid)


def test_the_crossing_is_the_first_draw_at_which_the_bits_suffice(claimed: Facts) -> None:
    along = followed(claimed)
    place = along.crossing(19.93)
    assert place is not None
    assert along.bits(place) >= 19.93 > along.bits(place - 1)
    assert replace(along, marks=np.zeros(50, np.int8)).crossing(19.93) is None


def test_missing_draws_count_neither_as_match_nor_as_expectation() -> None:
    marks = np.array([HIT, MISSING, MISS, HIT], np.int8)
    along = Along(marks, 0, 0.5, None, 3.0)
    assert along.matches.tolist() == [1, 1, 1, 2]
    assert along.chance.tolist() == [0.5, 0.5, 1.0, 1.5]
    assert along.bits(3) == pytest.approx(log2_evidence(2, 3, 0.5) - 3.0)


@pytest.mark.parametrize(("law", "gap"), [("constant", 3), ("reseed", 2)])
def test_every_law_of_gaps_is_laid_out_as_the_search_does(law: str, gap: int) -> None:
    cell = Cell(
        "lcg48/java", "java_bounded", 0, 999, Range(0, 9), (0, 3), (0, 3), 0.0, 4, 4, 6, None, 1.0, 1.0, law=law  # type: ignore[arg-type]
    )  # fmt: skip
    draws = predicted(cell, 7, 2, gap, 20)
    claim = {
        "family": cell.family, "mapping": cell.mapping, "origin": {"kind": "seed", "value": "0x7"}, "start": 2,
        "gap": {"law": law, "value": gap}, "scored": 20, "confirmed": {"matched": 16, "scored": 16}, "evidence_bits": 99.0,
    }  # fmt: skip
    along = follow(draws, claim, (0, 999), 1e-3, None)
    assert (along.marks == HIT).all()


def test_varying_gaps_are_followed_as_far_as_they_are_known() -> None:
    calls = np.cumsum([1, 1, 4, 2])
    draws = host.values("lcg48/java", "java_bounded", 7, 0, 999, 20)[calls]
    claim = {
        "family": "lcg48/java", "mapping": "java_bounded", "origin": {"kind": "seed", "value": "0x7"}, "start": 1,
        "gap": {"law": "range", "pattern": [0, 3, 1]}, "scored": 4, "confirmed": {"matched": 2, "scored": 2}, "evidence_bits": 9.0,
    }  # fmt: skip
    along = follow(np.append(draws, 5), claim, (0, 999), 1e-3, None)
    assert along.marks.tolist() == [HIT] * 4


def test_a_solved_state_is_followed_like_a_seed() -> None:
    code = ("mt19937/init_genrand", "mod")
    state = states.random(code[0], np.random.default_rng(3))
    draws = states.values(*code, state, 0, 999, 30, gap=2)
    claim = {
        "family": code[0], "mapping": code[1], "origin": {"kind": "state", "value": hex(state)}, "start": None,
        "gap": {"law": "constant", "value": 2}, "scored": 30, "confirmed": {"matched": 20, "scored": 20}, "evidence_bits": 99.0,
    }  # fmt: skip
    assert (follow(draws, claim, (0, 999), 1e-3, None).marks == HIT).all()
