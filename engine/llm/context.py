"""The one entry that assembles what an advisor reads. Token budgets stand in the bundle and nowhere else."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from engine.errors import BadInput
from engine.llm.fit import Fitted, fit, render
from engine.llm.kinds import KINDS, Kind, Part
from engine.llm.questions import FORM, QUESTIONS, Question
from grammars.bounds import GrammarError
from grammars.loader import Grammar, load

MARGIN = 64  # tokens that a chat template adds


@dataclass(frozen=True)
class Window:
    """How much a model can read: its context in tokens, and how many characters of our text a token holds."""

    tokens: int = 32_768
    chars_per_token: float = 3.0

    def tokens_of(self, text: str) -> int:
        """Estimate the tokens of a text, from above for the default."""
        return math.ceil(len(text) / self.chars_per_token)

    def chars(self, tokens: int) -> int:
        """Return how many characters so many tokens hold."""
        return int(tokens * self.chars_per_token)


DEFAULT = Window()


@dataclass(frozen=True)
class ContextBundle:
    """A finished prompt with its accounting: tokens and provenance per part, what was cut, the grammar that binds the answer.

    `sources` holds the sha-256 of each part as it was handed in. `absent` names fields of the kind that were not handed in.
    `refused` says why there is no prompt: what the question is about does not fit the window.
    """

    question: str
    kind: str
    about: str = ""
    prompt: str = ""
    grammar: str = ""
    grammar_digest: str = ""
    digest: str = ""
    tokens: Mapping[str, int] = field(default_factory=dict)
    budgets: Mapping[str, int] = field(default_factory=dict)
    budget: int = 0
    answer_tokens: int = 0
    cut: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    refused: str | None = None
    parts: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def refitted(self, window: Window) -> ContextBundle:
        """Return the same question fitted to another window."""
        return build_llm_context(self.question, self.parts, kind=self.kind, about=self.about, window=window)


def build_llm_context(
    question: str,
    parts: Mapping[str, Any],
    *,
    kind: str | None = None,
    about: str = "",
    window: Window = DEFAULT,
) -> ContextBundle:
    """Build the prompt for one question over one kind of context (default: that of the request's step, or the question's first).

    `about` names what it concerns, for the record: a request, a run, a trigger.

    BadInput for a question, kind or part that is unknown or missing: mistakes of the caller. Data that is too large is cut
    by its structure; where what the question is about would be lost, the bundle is `refused`.
    """
    asked = _question(question)
    request = parts.get("request")
    known = request if isinstance(request, Mapping) else {}
    chosen = _kind(asked, kind, known)
    about = about or str(known.get("request") or "")
    _check_names(asked, chosen, parts)
    try:
        grammar = _narrowed(load(question), asked, parts)
    except GrammarError as error:
        return ContextBundle(question, chosen.name, about, refused=str(error), parts=dict(parts))
    taken: dict[str, Any] = {}
    absent: list[str] = []
    for part in chosen.parts:
        if part.name in parts:
            taken[part.name], missing = _take(part, parts[part.name])
            absent += [f"{part.name}.{name}" for name in missing]
        else:
            absent.append(part.name)
    head = f"{asked.asks}\n{FORM}\n{load(question).accepted}\n\nThis is about {chosen.about}."
    foot = f"\n\nNot known: {', '.join(absent)}." if absent else ""
    room = window.chars(window.tokens - grammar.longest - MARGIN) - len(head) - len(foot)
    rooms = _rooms(chosen, taken, asked.needs, room)
    fitted = {name: fit(taken[name], rooms[name], whole=name in asked.needs) for name in taken}
    prompt = "\n\n".join([head, *(f"## {name}\n{one.text}" for name, one in fitted.items())]) + foot
    return ContextBundle(
        question=question,
        kind=chosen.name,
        about=about,
        prompt=prompt,
        grammar=grammar.text,
        grammar_digest=grammar.digest,
        digest=_sha(prompt),
        tokens={name: window.tokens_of(one.text) for name, one in fitted.items()},
        budgets={name: math.ceil(chars / window.chars_per_token) for name, chars in rooms.items()},
        budget=window.tokens - grammar.longest,
        answer_tokens=grammar.longest + 1,
        cut=tuple(f"{name}: {one.cut}" for name, one in fitted.items() if one.cut),
        absent=tuple(absent),
        sources={name: _sha(_canonical(parts[name])) for name in taken},
        refused=_refusal(fitted),
        parts=dict(parts),
    )


def _question(name: str) -> Question[Any]:
    if name not in QUESTIONS:
        near = get_close_matches(name, QUESTIONS, n=1, cutoff=0.0)
        raise BadInput(f"advisor: question {name!r} is unknown; the nearest is {near[0]!r}")
    return QUESTIONS[name]


def _kind(question: Question[Any], name: str | None, request: Mapping[str, Any]) -> Kind:
    if name is None:
        step = request.get("step")
        name = step if step in question.kinds else question.kinds[0]
    if name not in question.kinds:
        raise BadInput(f"advisor: {question.name} is asked over {', '.join(question.kinds)}, not {name!r}")
    return KINDS[name]


def _check_names(question: Question[Any], kind: Kind, parts: Mapping[str, Any]) -> None:
    known = [part.name for part in kind.parts]
    missing = [name for name in question.needs if name not in parts]
    unknown = sorted(set(parts) - set(known))
    if missing or unknown:
        raise BadInput(
            f"advisor context: {question.name} over {kind.name}: missing parts {missing}, unknown parts {unknown}; "
            f"known are {known}"
        )


def _narrowed(grammar: Grammar, question: Question[Any], parts: Mapping[str, Any]) -> Grammar:
    """Let the answer name only what the context names."""
    for rule, part in question.names:
        value = parts.get(part)
        if isinstance(value, Mapping):
            grammar = grammar.narrowed(rule, map(str, value))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            grammar = grammar.narrowed(
                rule, [str(row[rule]) for row in value if isinstance(row, Mapping) and rule in row]
            )
    return grammar


def _take(part: Part, value: Any) -> tuple[Any, list[str]]:
    """Return the fields of a part that its kind names, and which of them are not there."""
    if not part.fields:
        return value, []
    if isinstance(value, Mapping):
        return {name: value[name] for name in part.fields if name in value}, [
            name for name in part.fields if name not in value
        ]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_take(part, row)[0] for row in value if isinstance(row, Mapping)], []
    raise BadInput(
        f"advisor context: part {part.name!r} is a record or a list of records with {', '.join(part.fields)}"
    )


def _rooms(kind: Kind, taken: Mapping[str, Any], needed: Sequence[str], chars: int) -> dict[str, int]:
    """Give what the question is about its room first, then share the rest out."""
    lengths = {name: len("\n".join(render(value))) for name, value in taken.items()}
    first = {part.name: part.share for part in kind.parts if part.name in taken and part.name in needed}
    others = {part.name: part.share for part in kind.parts if part.name in taken and part.name not in needed}
    left = chars - sum(len(name) + 6 for name in taken)  # the headings
    rooms = _shared(first, lengths, left)
    return rooms | _shared(others, lengths, left - sum(rooms.values()))


def _shared(shares: dict[str, int], lengths: Mapping[str, int], left: int) -> dict[str, int]:
    """Share room out by weight; a part that needs less than its share leaves the rest to the others."""
    rooms: dict[str, int] = {}
    while shares:
        total = sum(shares.values())
        small = [name for name, share in shares.items() if lengths[name] <= left * share // total]
        if not small:
            return rooms | {name: max(0, left * share // total) for name, share in shares.items()}
        for name in small:
            rooms[name] = lengths[name]
            left -= lengths[name]
        shares = {name: share for name, share in shares.items() if name not in small}
    return rooms


def _refusal(fitted: Mapping[str, Fitted]) -> str | None:
    lost = [f"{name} ({one.cut})" for name, one in fitted.items() if not one.fits]
    return f"the context is too small for {', '.join(lost)}" if lost else None


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
