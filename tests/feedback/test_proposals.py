"""Acceptance of proposals: every rule refuses what it is for, and what passes all of them is changed on the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.feedback.consult import JUDGED, Consultant, parts_of, settle
from engine.feedback.diagnostics import Health
from engine.feedback.proposals import FROZEN, RULES, WHITELIST, Past, Proposal, judge
from engine.feedback.triggers import Fired
from engine.llm.advisor import NoAdvisor, Reply
from engine.llm.answers import Change, Chapter13Proposal, DiagnosticsAnalysis
from engine.llm.context import build_llm_context
from engine.llm.questions import DIAGNOSTICS_ANALYSIS
from engine.parameters import REGISTRY, Parameters
from engine.watcher.review import spoken
from state.journal import Journal

TRIALS = "pipeline.window_trials"  # 16 by default, a step doubles or halves
DRAW = 500


def nobody(*asked: object) -> None:
    raise AssertionError(f"no person is needed, yet one is asked: {asked}")


def proposal(changes: dict[str, Any], **values: Any) -> Proposal:
    return Proposal(source="llm", changes=changes, confidence=values.pop("confidence", 0.9), **values)


@pytest.mark.parametrize(
    ("changes", "more", "past", "outcome", "rule"),
    [
        ({TRIALS: 32}, {}, [], "accept", "-"),
        ({TRIALS: 32.0}, {}, [], "accept", "-"),
        ({"pipeline.weather": 3}, {}, [], "refuse", "known"),
        ({"pipeline.permutations": 1998}, {}, [], "refuse", "frozen"),
        ({"pipeline.heads": 40}, {}, [], "refuse", "frozen"),
        ({TRIALS: 100_000}, {}, [], "refuse", "bounds"),
        ({TRIALS: 16.5}, {}, [], "refuse", "bounds"),
        ({TRIALS: 16}, {}, [], "refuse", "change"),
        ({TRIALS: 64}, {}, [], "refuse", "delta"),
        ({TRIALS: 32, "pipeline.rungs": 2, "selfplay.episodes": 24}, {}, [], "refuse", "count"),
        ({TRIALS: 32}, {}, [Past(TRIALS, 32, 16, DRAW - 5)], "refuse", "cooldown"),
        ({TRIALS: 32}, {}, [Past(TRIALS, 32, 16, DRAW - 50)], "refuse", "reversal"),
        ({TRIALS: 32}, {}, [Past(TRIALS, 8, 16, DRAW - 50)], "accept", "-"),
        ({TRIALS: 32}, {}, [Past(TRIALS, 32, 16, DRAW - 200)], "accept", "-"),
        ({TRIALS: 32}, {"confidence": 0.2}, [], "refuse", "confidence"),
        ({TRIALS: 32}, {"risk": "HIGH"}, [], "ask", "risk"),
    ],
)
def test_the_first_rule_that_speaks_decides(
    changes: dict[str, Any], more: dict[str, Any], past: list[Past], outcome: str, rule: str
) -> None:
    ruling = judge(proposal(changes, **more), REGISTRY, REGISTRY.defaults(), past, DRAW)[0]
    assert (ruling.outcome, ruling.rule) == (outcome, rule), ruling.text


def test_a_proposal_is_accepted_whole_or_not_at_all() -> None:
    rulings = judge(proposal({TRIALS: 32, "pipeline.heads": 40}), REGISTRY, REGISTRY.defaults(), [], DRAW)
    assert [(one.outcome, one.rule) for one in rulings] == [("refuse", "whole"), ("refuse", "frozen")]


def test_whitelist_and_frozen_name_registered_parameters_and_share_none() -> None:
    known = {parameter.name for parameter in REGISTRY}
    assert set(WHITELIST) <= known
    assert set(FROZEN) <= known
    assert not set(WHITELIST) & set(FROZEN)
    assert "whitelist" in RULES


def test_an_accepted_change_is_on_record_with_its_cause_and_rests_after(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        parameters = Parameters(journal.parameters, REGISTRY)
        assert settle(proposal({TRIALS: 32}), journal, parameters, DRAW, nobody)[0].outcome == "accept"
        assert parameters.values()[TRIALS] == 32
        assert settle(proposal({TRIALS: 64}), journal, parameters, DRAW + 3, nobody)[0].rule == "cooldown"
        assert parameters.values()[TRIALS] == 32
        assert sum(1 for _ in journal.events(kinds=(JUDGED,))) == 2


def test_a_ruling_and_its_change_are_on_record_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(*_: Any, **__: Any) -> None:
        raise OSError("the process ends here")

    with Journal.open(tmp_path) as journal:
        parameters = Parameters(journal.parameters, REGISTRY)
        monkeypatch.setattr(parameters, "change", torn)
        with pytest.raises(OSError, match="ends here"):
            settle(proposal({TRIALS: 32}), journal, parameters, DRAW, nobody)
        assert list(journal.events(kinds=(JUDGED,))) == []


FIRED = Fired(trigger="pool_degraded", request="learning_loop", reason="misses", bits=9.0, required=7.6)


SEEN = DiagnosticsAnalysis(finding="DRIFT", confidence=0.5, signals=("hits",), reasoning="fewer")


class Speaker(NoAdvisor):
    """An advisor that gives one answer, whatever is asked."""

    def __init__(self, advice: Chapter13Proposal) -> None:
        super().__init__()
        self._advice, self.parts = advice, dict[str, Any]()

    async def ask(
        self, question: Any, parts: Any, *, about: str | None = None, by: str = "loop"
    ) -> Reply[Any]:
        self.parts = parts
        return Reply(SEEN if question is DIAGNOSTICS_ANALYSIS else self._advice, "llm")


async def test_silence_changes_and_records_nothing(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        before = journal.seq
        consultant = Consultant(NoAdvisor(), journal, Parameters(journal.parameters, REGISTRY), nobody)
        assert await consultant.consult(FIRED, DRAW, {}) == []
        assert journal.seq == before


async def test_what_an_advisor_says_is_judged_like_any_proposal(tmp_path: Path) -> None:
    """It may name a parameter and a value; a frozen one stays as it is and the refusal is on record."""
    change = Change(parameter="pipeline.permutations", value=1998.0, why="because")
    said = Chapter13Proposal(
        action="RETRAIN", risk="LOW", confidence=0.99, changes=(change,), reasoning="more"
    )
    with Journal.open(tmp_path) as journal:
        parameters, speaker = Parameters(journal.parameters, REGISTRY), Speaker(said)
        rulings = await Consultant(speaker, journal, parameters, nobody).consult(FIRED, DRAW, {"hits": 3})
        assert [(one.outcome, one.rule) for one in rulings] == [("refuse", "frozen")]
        assert parameters.values() == REGISTRY.defaults()
        assert speaker.parts["trigger"]["trigger"] == "pool_degraded"
        assert sum(1 for _ in journal.events(kinds=(JUDGED,))) == 1
        assert spoken(journal, f"pool_degraded:{DRAW}") == [
            "llm diagnostics_analysis: finding DRIFT, confidence 0.5, signals hits, reasoning fewer"
        ]


def test_the_loop_s_questions_can_be_put_with_the_parts_that_it_has() -> None:
    """A part that breaks a question's rules would be silence for ever."""
    parts = parts_of(FIRED, Health().summary(), REGISTRY.defaults())
    assert set(parts["parameters"]) == set(WHITELIST), "what is frozen is not offered"
    asked = build_llm_context("chapter13_proposal", parts)
    assert "pool_degraded" in asked.prompt
    assert TRIALS in asked.prompt
