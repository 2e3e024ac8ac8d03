"""The one entry that assembles what an advisor reads. Token budgets stand in the bundle and nowhere else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import BadInput
from grammars.loader import load

CHARS_PER_TOKEN = 3.0
CUT = "[… cut to budget]"
INSTRUCTIONS = (
    "You advise the WATCHER of a PRNG audit. Say what should happen after this step: PROCEED, RETRY or ESCALATE.\n"
    "You may only make the outcome more careful. You set no parameter and run nothing. Answer in the given grammar."
)


@dataclass(frozen=True)
class Part:
    """One section of a prompt: its budget in tokens, and whether it may be cut."""

    name: str
    budget: int
    required: bool


# Order is the order in the prompt. What a decision is about is never cut: a prompt without it is no question.
PARTS: tuple[Part, ...] = (
    Part("request", 200, required=True),
    Part("evidence", 900, required=True),
    Part("findings", 400, required=True),
    Part("code_decision", 120, required=True),
    Part("parameters", 300, required=False),
    Part("earlier_decisions", 500, required=False),
)


@dataclass(frozen=True)
class ContextBundle:
    """A finished prompt with its accounting: tokens per part, what was cut, the grammar that binds the answer."""

    question: str
    prompt: str
    grammar: str
    grammar_digest: str
    tokens: dict[str, int]
    budget: int
    answer_tokens: int
    cut: tuple[str, ...]


def tokens_of(text: str) -> int:
    """Estimate tokens from above: three characters each (measured models need about four)."""
    return math.ceil(len(text) / CHARS_PER_TOKEN)


def build_llm_context(question: str, parts: Mapping[str, Any]) -> ContextBundle:
    """Build the prompt for one question; a missing or unknown part, or a required one over its budget, is BadInput."""
    _check_names(parts)
    grammar = load(question)
    texts: dict[str, str] = {}
    cut: list[str] = []
    for part in PARTS:
        if part.name in parts:
            texts[part.name], was_cut = _fit(part, _render(parts[part.name]))
            cut.extend([part.name] if was_cut else [])
    prompt = "\n\n".join([INSTRUCTIONS, *(f"## {name}\n{text}" for name, text in texts.items())])
    return ContextBundle(
        question=question,
        prompt=prompt,
        grammar=grammar.text,
        grammar_digest=grammar.digest,
        tokens={name: tokens_of(text) for name, text in texts.items()},
        budget=tokens_of(INSTRUCTIONS) + sum(part.budget + tokens_of(part.name) + 3 for part in PARTS),
        answer_tokens=grammar.longest,
        cut=tuple(cut),
    )


def _check_names(parts: Mapping[str, Any]) -> None:
    known = {part.name for part in PARTS}
    missing = [part.name for part in PARTS if part.required and part.name not in parts]
    unknown = sorted(set(parts) - known)
    if missing or unknown:
        raise BadInput(
            f"advisor context: missing parts {missing}, unknown parts {unknown}; known are {sorted(known)}"
        )


def _render(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return "\n".join(_render(item) for item in value) or "none"
    return json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)


def _fit(part: Part, text: str) -> tuple[str, bool]:
    if tokens_of(text) <= part.budget:
        return text, False
    if part.required:
        raise BadInput(
            f"advisor context: part {part.name!r} needs {tokens_of(text)} tokens, its budget is {part.budget}; "
            "summarise it before asking"
        )
    room = int(part.budget * CHARS_PER_TOKEN) - len(CUT) - 1
    whole_lines = text[:room].rsplit("\n", 1)[0] if "\n" in text[:room] else text[:room]
    return f"{whole_lines}\n{CUT}", True
