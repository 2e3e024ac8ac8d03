"""Acceptance of proposed parameter changes: a table of rules, each of which refuses or asks a person. Pure; it changes nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.errors import UsageError
from engine.parameters import Parameter, Registry, Value

Outcome = Literal["accept", "refuse", "ask"]

# What may be proposed at all. A parameter that decides how claims are tested is frozen: no proposal reaches it.
WHITELIST = (
    "pipeline.window_trials", "pipeline.window_seeds", "pipeline.max_survivors", "pipeline.scorer_trials", "pipeline.twins",
    "pipeline.min_candidates", "pipeline.rungs", "selfplay.episodes",
)  # fmt: skip
FROZEN = (
    "pipeline.search_share",
    "pipeline.dev_blocks",
    "pipeline.permutations",
    "pipeline.decoy_histories",
    "pipeline.heads",
)


class Record(BaseModel):
    """Strict, immutable base of the records in this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rules(Record):
    """The bounds of acceptance."""

    most_changes: int = 2
    most_steps: float = 1.0
    cooldown_draws: int = 20
    reversal_draws: int = 100
    least_confidence: float = 0.5


class Proposal(Record):
    """Parameter values that somebody proposes, how sure they are and how risky they hold it to be."""

    source: Literal["llm", "claude", "human"]
    changes: dict[str, Value] = Field(min_length=1)
    confidence: float = Field(ge=0, le=1)
    risk: Literal["LOW", "MEDIUM", "HIGH"] = "LOW"
    reason: str = Field(default="", max_length=500)


@dataclass(frozen=True)
class Past:
    """A change that was accepted before: at which draw, from what to what."""

    name: str
    before: Value
    after: Value
    draw: int


class Ruling(Record):
    """What acceptance says to one proposed change, by which rule."""

    name: str
    before: Value | None
    after: Value
    outcome: Outcome
    rule: str
    text: str


@dataclass(frozen=True)
class Case:
    """One proposed change with everything that its judgement may rest on."""

    name: str
    value: Value
    now: Value | None
    parameter: Parameter | None
    proposal: Proposal
    past: Sequence[Past]
    draw: int
    rules: Rules

    def since(self, same: Callable[[Past], bool]) -> int | None:
        """Return how many draws ago the newest accepted change of this kind was, None if there was none."""
        draws = [self.draw - one.draw for one in self.past if one.name == self.name and same(one)]
        return min(draws, default=None)


Found = tuple[Outcome, str] | None
Rule = Callable[[Case], Found]


def _known(case: Case) -> Found:
    if case.parameter is None:
        return "refuse", f"{case.name} is not a registered parameter"
    return None


def _frozen(case: Case) -> Found:
    return (
        ("refuse", f"{case.name} decides how claims are tested; it is frozen")
        if case.name in FROZEN
        else None
    )


def _whitelist(case: Case) -> Found:
    return None if case.name in WHITELIST else ("refuse", f"{case.name} is not open to proposals")


def _bounds(case: Case) -> Found:
    assert case.parameter is not None
    try:
        case.parameter.check(case.value)
    except UsageError as error:
        return "refuse", str(error)
    return None


def _change(case: Case) -> Found:
    return ("refuse", f"{case.name} is {case.now} already") if case.value == case.now else None


def _count(case: Case) -> Found:
    most = case.rules.most_changes
    if len(case.proposal.changes) > most:
        return "refuse", f"{len(case.proposal.changes)} changes at once; at most {most}"
    return None


def _delta(case: Case) -> Found:
    assert case.parameter is not None
    assert case.now is not None
    moved = steps(case.parameter, case.now, case.value)
    if moved > case.rules.most_steps + 1e-9:
        return "refuse", f"{case.now} to {case.value} is {moved:.2g} steps; at most {case.rules.most_steps:g}"
    return None


def _cooldown(case: Case) -> Found:
    ago = case.since(lambda _: True)
    if ago is not None and ago < case.rules.cooldown_draws:
        return "refuse", f"changed {ago} draws ago; it rests for {case.rules.cooldown_draws}"
    return None


def _reversal(case: Case) -> Found:
    assert case.now is not None
    up = case.value > case.now
    ago = case.since(lambda one: (one.after > one.before) != up)
    if ago is not None and ago < case.rules.reversal_draws:
        return (
            "refuse",
            f"would take back a change of {ago} draws ago; not within {case.rules.reversal_draws}",
        )
    return None


def _confidence(case: Case) -> Found:
    least = case.rules.least_confidence
    if case.proposal.confidence < least:
        return "refuse", f"proposed with confidence {case.proposal.confidence:.2f}; at least {least:.2f}"
    return None


def _risk(case: Case) -> Found:
    return ("ask", "held to be risky: a person decides") if case.proposal.risk == "HIGH" else None


# In this order; the first that speaks decides.
RULES: Mapping[str, Rule] = {
    "known": _known, "frozen": _frozen, "whitelist": _whitelist, "bounds": _bounds, "change": _change, "count": _count,
    "delta": _delta, "cooldown": _cooldown, "reversal": _reversal, "confidence": _confidence, "risk": _risk,
}  # fmt: skip


def judge(
    proposal: Proposal, registry: Registry, values: Mapping[str, Value], past: Sequence[Past], draw: int,
    rules: Rules = Rules(),  # noqa: B008 - frozen
) -> list[Ruling]:  # fmt: skip
    """Return one ruling for each proposed change; nothing is accepted of a proposal that is refused in any part."""
    known = {parameter.name: parameter for parameter in registry}
    rulings = []
    for name, value in proposal.changes.items():
        parameter = known.get(name)
        whole = (
            int(value) if parameter is not None and parameter.type == "int" and value == int(value) else value
        )
        rulings.append(_ruling(Case(name, whole, values.get(name), parameter, proposal, past, draw, rules)))
    refused = next((one for one in rulings if one.outcome == "refuse"), None)
    if refused is None:
        return rulings
    text = f"proposed together with {refused.name}, which is refused"
    return [
        one
        if one.outcome == "refuse"
        else one.model_copy(update={"outcome": "refuse", "rule": "whole", "text": text})
        for one in rulings
    ]


def _ruling(case: Case) -> Ruling:
    for rule, speaks in RULES.items():
        found = speaks(case)
        if found is not None:
            return Ruling(
                name=case.name, before=case.now, after=case.value, outcome=found[0], rule=rule, text=found[1]
            )
    text = f"{case.now} to {case.value}, within all rules"
    return Ruling(name=case.name, before=case.now, after=case.value, outcome="accept", rule="-", text=text)


def steps(parameter: Parameter, before: Value, after: Value) -> float:
    """Return how many of the parameter's steps lie between two values."""
    if parameter.scale == "log":
        return (
            abs(math.log(after / before) / math.log(parameter.step)) if min(before, after) > 0 else math.inf
        )
    return abs(after - before) / parameter.step
