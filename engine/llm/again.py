"""A question asked before, as its file holds it: what was read, what was said, and the same prompt to be put once more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.errors import BadInput
from engine.llm.context import ContextBundle, Window
from engine.llm.questions import QUESTIONS, Question
from engine.llm.record import DIRECTORY, Call
from grammars.bounds import GrammarError, longest

NAME = re.compile(r"\d{10}-[0-9a-f]{8}")
"""How calls are named, and their files: nothing else is ever opened."""


class Stored(ContextBundle):
    """A prompt as it was read: it is put as it stands, or not at all."""

    def refitted(self, window: Window) -> ContextBundle:
        """Return the prompt unchanged; what does not fit is the server's to say."""
        return self


@dataclass(frozen=True)
class Before:
    """One call of the record with its question, its prompt and what was answered then."""

    call: Call
    question: Question[Any]
    bundle: Stored

    def recorded(self) -> dict[str, Any]:
        """Return what was said then, as far as people compare it."""
        names = (
            "id",
            "question",
            "kind",
            "about",
            "by",
            "source",
            "model",
            "seconds",
            "tokens",
            "outcome",
            "why",
        )
        return {name: getattr(self.call, name) for name in names}


def before(state: Path, call: str) -> Before:
    """Read a call's exchange; BadInput where its file is gone or cannot be read."""
    file = state / DIRECTORY / f"{call}.json"
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        kept = Call.model_validate(told["call"])
        prompt, grammar = str(told["prompt"]), str(told["grammar"])
        most = longest(grammar)
    except FileNotFoundError:
        raise BadInput(f"llm again: the exchange of {call} is not kept any more") from None
    except (OSError, ValueError, KeyError, TypeError, ValidationError, GrammarError) as error:
        raise BadInput(f"llm again: {file.name} cannot be read: {str(error).splitlines()[0][:160]}") from None
    if kept.question not in QUESTIONS or not prompt:
        raise BadInput(
            f"llm again: {call} has no prompt that can be put again: {kept.why or kept.question}"[:300]
        )
    bundle = Stored(
        kept.question, kept.kind, kept.about, prompt=prompt, grammar=grammar, grammar_digest=kept.grammar_sha256,
        digest=kept.prompt_sha256, answer_tokens=most + 1, cut=kept.cut, sources=kept.sources,
    )  # fmt: skip
    return Before(kept, QUESTIONS[kept.question], bundle)


def call_behind(calls: Iterable[Mapping[str, Any]], request: str | None, question: str) -> str | None:
    """Return the first of some calls that asks a question about a request, None where none does."""
    about = (each for each in calls if each["about"] == request and each["question"] == question)
    return None if request is None else next((str(each["id"]) for each in about), None)
