"""Steps under judgement: a failure is retried with a change that arrives at the step, a person is asked where none is left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.desk import Desk
from engine.llm.advice import Advice, NoAdvice
from engine.llm.advisor import NoAdvisor, Reply
from engine.llm.answers import Concern, StepEvaluation
from engine.llm.context import ContextBundle, build_llm_context
from engine.llm.questions import STEP_EVALUATION
from engine.parameters import Value
from engine.pipeline.context import StepOutcome
from engine.watcher.decision import Human
from engine.watcher.evaluation import Finding
from engine.watcher.record import replay_recorded
from engine.watcher.review import spoken
from engine.watcher.steps import Escalated, Judge
from state.artifacts import ArtifactStore, Lineage


def judge(desk: Desk, **change: Any) -> Judge:
    base: dict[str, Any] = {
        "journal": desk.journal, "policies": desk.policies, "registry": desk.parameters.registry, "advisor": desk.advisor,
        "values": desk.parameters.values(), "request": "r-1", "run": "run-0001",
    }  # fmt: skip
    return Judge(**{**base, **change})


def good(step: str) -> StepOutcome:
    outcome = StepOutcome(step)
    for metric in ("power", "survivors", "trials", "scorer_gain_bits", "rows", "features", "leaks"):
        outcome.measure(metric, 1.0, ">=", 0.5)
    return outcome


def thin(step: str) -> StepOutcome:
    outcome = good(step)
    outcome.evidence = [row for row in outcome.evidence if row.metric != "power"]
    outcome.measure("power", 0.4, ">=", 0.95)
    return outcome


def raised(step: str, code: str) -> StepOutcome:
    return StepOutcome(
        step, "failed", findings=[Finding(code=f"step.{code}", level="fail", text="the worker is gone")]
    )


class Script:
    """A step that answers from a list, and remembers what it was told."""

    def __init__(self, *outcomes: StepOutcome) -> None:
        self.outcomes, self.overlays = list(outcomes), list[Mapping[str, Value]]()

    async def __call__(self, step: str, overlay: Mapping[str, Value]) -> StepOutcome:
        self.overlays.append(dict(overlay))
        return self.outcomes.pop(0)


def quiet(step: str, outcome: object) -> None:
    """Tell nobody."""


async def test_good_steps_proceed_in_order_each_with_a_decision(desk: Desk) -> None:
    told: list[tuple[str, bool]] = []
    script = Script(good("1"), good("2.5"))
    decisions = await judge(desk).steps(
        ["1", "2.5"], script, lambda step, outcome: told.append((step, outcome is None))
    )
    assert [decision.action for decision in decisions] == ["PROCEED", "PROCEED"]
    assert told == [("1", True), ("1", False), ("2.5", True), ("2.5", False)]
    assert [row.step for row in desk.journal.decisions.list()] == ["2.5", "1"]


async def test_a_retry_changes_a_parameter_and_the_change_reaches_the_step(desk: Desk) -> None:
    script = Script(thin("1"), thin("1"), good("1"))
    await judge(desk).steps(["1"], script, quiet)
    assert script.overlays == [{}, {"pipeline.window_trials": 32}, {"pipeline.window_trials": 64}]
    rows = list(reversed(desk.journal.decisions.list()))
    assert [row.action for row in rows] == ["RETRY", "RETRY", "PROCEED"]
    assert rows[0].changes[0]["before"] == 16
    assert rows[0].changes[0]["after"] == 32
    assert desk.parameters.values()["pipeline.window_trials"] == 16, "a retry is for its request alone"


async def test_spent_retries_escalate_with_the_number_of_the_decision(desk: Desk) -> None:
    with pytest.raises(Escalated) as caught:
        await judge(desk).steps(["1"], Script(thin("1"), thin("1"), thin("1")), quiet)
    row = desk.journal.decisions.get(caught.value.decision)
    assert row.action == "ESCALATE"
    assert "no retry is left" in row.reason
    assert replay_recorded(desk.journal, row.id).action == "ESCALATE"


async def test_a_lost_worker_is_retried_with_less_work(desk: Desk) -> None:
    script = Script(raised("2.5", "TaskFailed"), good("2.5"))
    await judge(desk).steps(["2.5"], script, quiet)
    assert script.overlays[1] == {"pipeline.twins": 12}


@pytest.mark.parametrize("code", ["SchemaRefused", "BadInput", "LeakFound", "StepRefused"])
async def test_what_a_repetition_cannot_mend_escalates_at_once(desk: Desk, code: str) -> None:
    with pytest.raises(Escalated):
        await judge(desk).steps(["3"], Script(raised("3", code)), quiet)
    assert len(desk.journal.decisions.list()) == 1


async def test_the_total_budget_binds_over_steps(desk: Desk) -> None:
    policies = desk.policies.model_copy(update={"total_retries": 1})
    with pytest.raises(Escalated, match=r"step 2\.5"):
        await judge(desk, policies=policies).steps(
            ["1", "2.5"], Script(thin("1"), good("1"), raised("2.5", "TaskFailed")), quiet
        )


class Careful:
    """An advisor that always asks for a person."""

    state = "here"

    def __init__(self) -> None:
        self.asked: list[ContextBundle] = []

    async def advise(self, bundle: ContextBundle) -> Advice:
        self.asked.append(bundle)
        return Advice(decision="ESCALATE", confidence=0.6, primary_signal="power", reasoning="look at it")

    async def ask(self, question: Any, parts: Any, *, about: str, by: str) -> Reply[Any]:
        self.asked.append(build_llm_context(question.name, parts, about=about))
        if question is not STEP_EVALUATION:
            return Reply(NoAdvice(none="tired"))
        doubt = Concern(metric="power", why="it is low")
        return Reply(StepEvaluation(verdict="DOUBTFUL", confidence=0.7, strongest="bits", concerns=(doubt,), reasoning="x"), "llm", "c-7")  # fmt: skip

    async def close(self) -> None:
        """Hold nothing."""


async def test_an_advisor_sees_the_evidence_and_its_care_is_recorded_apart(desk: Desk) -> None:
    advisor = Careful()
    with pytest.raises(Escalated):
        await judge(desk, advisor=advisor).steps(["1"], Script(good("1")), quiet)
    row = desk.journal.decisions.list()[0]
    assert (row.action, row.advice, row.source) == ("ESCALATE", "ESCALATE 0.60", "rule")
    assert "power 1 >= 0.5 ok" in advisor.asked[0].prompt


async def test_of_an_escalation_the_advisor_says_what_it_doubts_for_the_person_and_nothing_follows(
    desk: Desk,
) -> None:
    advisor = Careful()
    with pytest.raises(Escalated):
        await judge(desk, advisor=advisor).steps(["1"], Script(good("1")), quiet)
    assert [(one.question, one.about) for one in advisor.asked] == [
        ("agent_decision", advisor.asked[0].about), ("step_evaluation", "d-1"), ("parameter_adjustment", "d-1"),
    ]  # fmt: skip
    assert spoken(desk.journal, "d-1") == [
        "llm step_evaluation: verdict DOUBTFUL, confidence 0.7, strongest bits, concerns power it is low, reasoning x"
    ]
    assert spoken(desk.journal, "d-2") == []
    assert len(desk.journal.decisions.list()) == 1


async def test_a_step_that_proceeds_is_not_asked_about_twice(desk: Desk) -> None:
    advisor = Careful()
    advisor.advise = NoAdvisor().advise  # type: ignore[method-assign]
    await judge(desk, advisor=advisor).steps(["1"], Script(good("1")), quiet)
    assert advisor.asked == []


async def test_an_advisor_reads_what_the_step_wrote(desk: Desk, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    written = {"threshold": 7, "trials": [{"number": 3, "value": 12.5, "params": {"window": 40}}]}
    outcome = good("1")
    outcome.artifacts = [store.write_json("optimal_window_config.json", written, Lineage(schema="x/1"))]
    advisor = Careful()
    with pytest.raises(Escalated):
        await judge(desk, advisor=advisor).steps(["1"], Script(outcome), quiet)
    assert "12.5" in advisor.asked[0].prompt
    assert "trials" not in advisor.asked[0].absent


async def test_a_judge_goes_on_where_the_run_stood_before_a_crash(desk: Desk) -> None:
    script = Script(thin("1"))
    one = judge(desk)
    with pytest.raises(IndexError):  # the process ends after the first retry was decided
        await one.steps(["1"], script, quiet)
    after = judge(desk)
    assert after.retries() == 1
    script = Script(thin("1"), good("1"))
    await after.steps(["1"], script, quiet)
    assert script.overlays[0] == {"pipeline.window_trials": 32}, "the change was not forgotten"
    assert [row.action for row in reversed(desk.journal.decisions.list())] == ["RETRY", "RETRY", "PROCEED"]


async def test_a_step_settled_before_a_halt_is_not_decided_twice(desk: Desk) -> None:
    from state.artifacts import Lineage

    ref = desk.shelf.artifacts.write_json("window.json", {"a": 1}, Lineage(schema="x/1"))
    first = good("1")
    first.artifacts = [ref]
    await judge(desk).steps(["1"], Script(first), quiet)
    again = good("1")
    again.artifacts, again.status = [ref], "skipped"
    decisions = await judge(desk).steps(["1"], Script(again), quiet)
    assert decisions[0].action == "PROCEED"
    assert len(desk.journal.decisions.list()) == 1
    again.artifacts = [desk.shelf.artifacts.write_json("window.json", {"a": 2}, Lineage(schema="x/1"))]
    await judge(desk).steps(["1"], Script(again), quiet)
    assert len(desk.journal.decisions.list()) == 2, "other artifacts are another case"


async def test_an_escalation_that_a_crash_cut_off_is_raised_again_not_decided_again(desk: Desk) -> None:
    spent = [thin("1"), thin("1"), thin("1")]
    with pytest.raises(Escalated) as first:
        await judge(desk).steps(["1"], Script(*spent), quiet)
    before = len(desk.journal.decisions.list())
    with pytest.raises(Escalated) as second:
        await judge(desk).steps(["1"], Script(), quiet)
    assert first.value.decision == second.value.decision
    assert len(desk.journal.decisions.list()) == before


async def test_a_persons_word_lets_exactly_that_escalation_pass(desk: Desk) -> None:
    leak = Finding(code="column.leak", level="fail", text="a feature leaks")
    outcome = good("3")
    outcome.findings = [leak]
    word = {"3": Human(decision=7, signal="column.leak", by="ops")}
    decisions = await judge(desk, overruled=word).steps(["3"], Script(outcome), quiet)
    assert (decisions[0].action, decisions[0].source) == ("PROCEED", "human")
    row = desk.journal.decisions.list()[0]
    assert "ops overruled in decision 7: a feature leaks" in row.reason
    other = good("3")
    other.findings = [leak.model_copy(update={"code": "artifact.link"})]
    with pytest.raises(Escalated):
        await judge(desk, overruled=word, run="run-0002").steps(["3"], Script(other), quiet)
