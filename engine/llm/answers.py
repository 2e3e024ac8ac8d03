"""What an advisor may say to each question but the watcher's: typed proposals and opinions. Nothing here can be carried out by itself.

Each type, its order of fields and its bounds are those of `grammars/<question>.gbnf`; tests hold them together both ways.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from engine.llm.advice import Reasoning, Record, Share, Spoken, canonical_number

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.+ ]{0,39}$")]
Short = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e\n]{1,80}$")]
MOST = 999_999_999.9999


def _four_decimals(value: float) -> float:
    if float(canonical_number(value)) != value:
        raise ValueError("a value has at most four decimals")
    return value


Value = Annotated[float, Field(ge=-MOST, le=MOST), AfterValidator(_four_decimals)]


class Concern(Record):
    """One number that the advisor doubts."""

    metric: Name
    why: Short


class Change(Record):
    """One proposed parameter value; whether it is allowed, and how far, is judged in code."""

    parameter: Name
    value: Value
    why: Short


class ArmWeight(Record):
    """How much the advisor would favour one arm."""

    arm: Name
    weight: Share


class StepEvaluation(Spoken):
    """Whether a step's numbers hang together."""

    verdict: Literal["SOUND", "DOUBTFUL", "UNSOUND"]
    confidence: Share
    strongest: Name
    concerns: tuple[Concern, ...] = Field(max_length=3)
    reasoning: Reasoning


class Chapter13Proposal(Spoken):
    """What the live loop should do next, and which parameters it might change; acceptance decides."""

    action: Literal["WAIT", "RETRAIN", "FULL_RUN", "ESCALATE"]
    risk: Literal["LOW", "MEDIUM", "HIGH"]
    confidence: Share
    changes: tuple[Change, ...] = Field(max_length=3)
    reasoning: Reasoning


class SelfplayStrategy(Spoken):
    """How selfplay might spend its next episodes; the bandit's rewards decide."""

    strategy: Literal["EXPLORE", "EXPLOIT", "STOP"]
    episodes: int = Field(ge=1, le=999)
    arms: tuple[ArmWeight, ...] = Field(min_length=1, max_length=4)
    confidence: Share
    reasoning: Reasoning


class DiagnosticsAnalysis(Spoken):
    """What the live diagnostics look like."""

    finding: Literal["HEALTHY", "DRIFT", "REGIME_CHANGE", "MISCALIBRATED", "DATA_FAULT", "UNCLEAR"]
    confidence: Share
    signals: tuple[Name, ...] = Field(min_length=1, max_length=4)
    reasoning: Reasoning


class ParameterAdjustment(Spoken):
    """Which registered parameters a next attempt might use; the registry's bounds decide."""

    changes: tuple[Change, ...] = Field(max_length=3)
    confidence: Share
    reasoning: Reasoning
