"""The questions that may be asked: what each is called, what is asked, over which kinds of context, which parts it cannot do without, and the answer's type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from engine.llm.advice import Opinion, Spoken
from engine.llm.answers import (
    Chapter13Proposal,
    DiagnosticsAnalysis,
    ParameterAdjustment,
    SelfplayStrategy,
    StepEvaluation,
)

T = TypeVar("T", bound=Spoken)
STEPS = ("step", "1", "2.5", "3", "4", "5", "6")
FORM = (
    "You run nothing and set nothing: code judges every number, and may drop what you say.\n"
    "Use only what stands below; where it is too little, say so and be careful.\n"
    "Answer with one line of JSON in plain ASCII, reasoning in at most 300 characters, in exactly this form:"
)


@dataclass(frozen=True)
class Question(Generic[T]):
    """One question; its name is that of its grammar. `names` maps a rule of the grammar to the part whose names it may use."""

    name: str
    answer: type[T]
    asks: str
    kinds: tuple[str, ...]
    needs: tuple[str, ...]
    names: tuple[tuple[str, str], ...] = ()


WATCHER_DECISION: Question[Opinion] = Question(
    "agent_decision",
    Opinion,
    "You advise the WATCHER of a PRNG audit. Say what should happen after this step: PROCEED, RETRY or ESCALATE.\n"
    "You may only make the outcome more careful than the code's decision.",
    kinds=STEPS,
    needs=("request", "evidence", "findings", "code_decision"),
)
STEP_EVALUATION: Question[StepEvaluation] = Question(
    "step_evaluation",
    StepEvaluation,
    "You review one step of a PRNG audit. Do its numbers hang together, and could chance or a leak have made them?\n"
    "Name the strongest number and at most three that you doubt.",
    kinds=STEPS,
    needs=("request", "evidence"),
)
CHAPTER13_PROPOSAL: Question[Chapter13Proposal] = Question(
    "chapter13_proposal",
    Chapter13Proposal,
    "You advise the live loop of a PRNG audit. Say what should follow from how the published pools did:\n"
    "WAIT, RETRAIN (steps 3, 5, 6), FULL_RUN or ESCALATE, with at most three parameter changes.",
    kinds=("chapter13",),
    needs=("health", "trigger"),
    names=(("parameter", "parameters"),),
)
SELFPLAY_STRATEGY: Question[SelfplayStrategy] = Question(
    "selfplay_strategy",
    SelfplayStrategy,
    "You advise selfplay in a PRNG audit. Say whether to EXPLORE, EXPLOIT or STOP, how many episodes are worth playing,\n"
    "and how much you would favour which arms.",
    kinds=("selfplay",),
    needs=("arms",),
    names=(("arm", "arms"),),
)
DIAGNOSTICS_ANALYSIS: Question[DiagnosticsAnalysis] = Question(
    "diagnostics_analysis",
    DiagnosticsAnalysis,
    "You read the live diagnostics of a PRNG audit. Say what they look like, and which signals say so.",
    kinds=("chapter13",),
    needs=("health",),
)
PARAMETER_ADJUSTMENT: Question[ParameterAdjustment] = Question(
    "parameter_adjustment",
    ParameterAdjustment,
    "You advise a retry in a PRNG audit. Say which of the registered parameters below the next attempt might use, if any.",
    kinds=(*STEPS, "chapter13"),
    needs=("parameters",),
    names=(("parameter", "parameters"),),
)
QUESTIONS: Mapping[str, Question[Any]] = {
    question.name: question
    for question in (
        WATCHER_DECISION,
        STEP_EVALUATION,
        CHAPTER13_PROPOSAL,
        SELFPLAY_STRATEGY,
        DIAGNOSTICS_ANALYSIS,
        PARAMETER_ADJUSTMENT,
    )
}
