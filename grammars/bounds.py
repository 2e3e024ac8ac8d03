"""How long an answer under a grammar can get: a reader of the bounded part of GBNF. An endless grammar is an error here."""

from __future__ import annotations

import re

_RULE = re.compile(r"^\s*([A-Za-z][\w-]*)\s*::=\s*(.*)$")
_TOKEN = re.compile(
    r'\s*(?:(?P<text>"(?:\\.|[^"\\])*")|(?P<set>\[(?:\\.|[^\]\\])+\])|(?P<name>[A-Za-z][\w-]*)'
    r"|(?P<count>\{\d+(?:,\d*)?\})|(?P<mark>[()|?*+]))"
)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)")


class GrammarError(Exception):
    """A grammar that is not there, cannot be read, or has no longest answer."""


def rules(text: str) -> dict[str, str]:
    """Return the rules by name; comment lines are left out. Each rule stands on one line."""
    found = (_RULE.match(line) for line in text.splitlines() if line.strip() and not line.startswith("#"))
    made = {match[1]: match[2] for match in found if match}
    if "root" not in made:
        raise GrammarError("grammar: there is no rule 'root'")
    return made


def longest(text: str) -> int:
    """Return the length in bytes of the longest answer that the grammar accepts."""
    return _Measure(rules(text)).rule("root")


class _Measure:
    """Adds up one grammar; `open` are the rules being measured, which must not come up again."""

    def __init__(self, made: dict[str, str]) -> None:
        self.made, self.known, self.open = made, dict[str, int](), list[str]()

    def rule(self, name: str) -> int:
        if name in self.known:
            return self.known[name]
        if name not in self.made:
            raise GrammarError(f"grammar: rule {name!r} is used and not defined")
        if name in self.open:
            raise GrammarError(f"grammar: rule {name!r} contains itself: an answer need not end")
        self.open.append(name)
        tokens = _tokens(name, self.made[name])
        length = self.alternatives(name, tokens)
        if tokens:
            raise GrammarError(f"grammar: rule {name!r}: {tokens[0][1]!r} is out of place")
        self.open.pop()
        self.known[name] = length
        return length

    def alternatives(self, name: str, tokens: list[tuple[str, str]]) -> int:
        most = self.sequence(name, tokens)
        while tokens and tokens[0][1] == "|":
            tokens.pop(0)
            most = max(most, self.sequence(name, tokens))
        return most

    def sequence(self, name: str, tokens: list[tuple[str, str]]) -> int:
        total = 0
        while tokens and tokens[0][1] not in ("|", ")"):
            total += self.item(name, tokens) * _times(name, tokens)
        return total

    def item(self, name: str, tokens: list[tuple[str, str]]) -> int:
        kind, text = tokens.pop(0)
        if kind == "text":
            return len(_ESCAPE.sub("x", text[1:-1]).encode())
        if kind == "set":
            return 1
        if kind == "name":
            return self.rule(text)
        if text != "(":
            raise GrammarError(f"grammar: rule {name!r}: {text!r} is out of place")
        inside = self.alternatives(name, tokens)
        if not tokens or tokens.pop(0)[1] != ")":
            raise GrammarError(f"grammar: rule {name!r}: a parenthesis is not closed")
        return inside


def _tokens(name: str, text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise GrammarError(f"grammar: rule {name!r}: cannot read {text[at : at + 20]!r}")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found


def _times(name: str, tokens: list[tuple[str, str]]) -> int:
    if not tokens or (tokens[0][1] not in "?*+" and tokens[0][0] != "count"):
        return 1
    text = tokens.pop(0)[1]
    if text == "?":
        return 1
    most = text.strip("{}").rpartition(",")[2]
    if text in "*+" or not most:
        raise GrammarError(f"grammar: rule {name!r}: {text} has no upper bound: an answer need not end")
    if int(most) > 2000:
        raise GrammarError(f"grammar: rule {name!r}: {text}: servers take more than 2000 for endless")
    return int(most)
