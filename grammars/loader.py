"""Find a grammar by the name of its question; each comes with one answer it accepts and one it refuses."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files

WORST_CASE_BYTES = {"agent_decision": 716}


class GrammarError(Exception):
    """A grammar was asked for that the package does not hold."""


@dataclass(frozen=True)
class Grammar:
    """One question's grammar: GBNF text, its sha-256, an accepted and a refused answer, the longest answer in bytes."""

    name: str
    text: str
    digest: str
    accepted: str
    refused: str
    longest: int


def names() -> tuple[str, ...]:
    """Return the questions that have a grammar."""
    return tuple(sorted(WORST_CASE_BYTES))


def load(name: str) -> Grammar:
    """Load one grammar by name; GrammarError names the known ones."""
    if name not in WORST_CASE_BYTES:
        raise GrammarError(f"grammar {name!r} is unknown; known are {', '.join(names())}")
    text = _read(f"{name}.gbnf")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Grammar(
        name=name,
        text=text,
        digest=digest,
        accepted=_read(f"{name}.accepted.json"),
        refused=_read(f"{name}.refused.json"),
        longest=WORST_CASE_BYTES[name],
    )


def _read(file: str) -> str:
    return files("grammars").joinpath(file).read_text(encoding="utf-8")
