"""Find a grammar by the name of its question; each comes with one answer it accepts and one it refuses."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from grammars.bounds import GrammarError, longest, rules

_PLAIN = re.compile(r"[a-z][a-z0-9_.+ ]{0,39}")


@dataclass(frozen=True)
class Grammar:
    """One question's grammar: GBNF text, its sha-256, an accepted and a refused answer, the longest answer in bytes."""

    name: str
    text: str
    digest: str
    accepted: str
    refused: str
    longest: int

    def narrowed(self, rule: str, words: Iterable[str]) -> Grammar:
        """Return the grammar in which a rule for a name accepts only these; whatever it accepts, the whole one does."""
        kept = sorted({word for word in words if _PLAIN.fullmatch(word)})
        if not kept or rule not in rules(self.text):
            return self
        line = f"{rule} ::= " + " | ".join(f'"\\"{word}\\""' for word in kept)
        text = re.sub(rf"(?m)^{rule}\s*::=.*$", lambda _: line, self.text)
        return replace(self, text=text, digest=_digest(text), longest=longest(text))


@cache
def names() -> tuple[str, ...]:
    """Return the questions that have a grammar."""
    found = (entry.name for entry in files("grammars").iterdir())
    return tuple(sorted(name.removesuffix(".gbnf") for name in found if name.endswith(".gbnf")))


@cache
def load(name: str) -> Grammar:
    """Load one grammar by name; GrammarError names the known ones, or what makes it unfit."""
    if name not in names():
        raise GrammarError(f"grammar {name!r} is unknown; known are {', '.join(names())}")
    text = _read(f"{name}.gbnf")
    return Grammar(
        name=name,
        text=text,
        digest=_digest(text),
        accepted=_read(f"{name}.accepted.json"),
        refused=_read(f"{name}.refused.json"),
        longest=longest(text),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(file: str) -> str:
    return files("grammars").joinpath(file).read_text(encoding="utf-8")
