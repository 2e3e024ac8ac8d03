"""Fit one part of a prompt into its room by its structure: whole rows, whole keys, whole words, and a line that says what was cut."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What must not be lost when rows are left out: a limit that was not met, a failure, a number that is missing.
URGENT = re.compile(r"NOT MET|missing|\bfail", re.IGNORECASE)
NAMED = 6


@dataclass(frozen=True)
class Fitted:
    """One part as it stands in the prompt; `cut` says what was left out, `fits` is False where too much would be."""

    text: str
    cut: str = ""
    fits: bool = True


def render(value: Any) -> list[str]:
    """Return a value as lines: a row of a list, a key of a mapping, the words of a text."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [f"{key}: {_short(item)}" for key, item in value.items()] or ["none"]
    if isinstance(value, Sequence):
        return [_short(item) for item in value] or ["none"]
    return [_short(value)]


def fit(value: Any, room: int, *, whole: bool) -> Fitted:
    """Return the value in at most `room` characters. `whole` parts lose calm rows of a list and nothing else."""
    lines = render(value)
    text = "\n".join(lines)
    if len(text) <= room:
        return Fitted(text)
    is_rows = isinstance(value, Sequence) and not isinstance(value, str)
    if whole and not is_rows:
        return Fitted("", f"{len(text)} characters, room for {max(room, 0)}", fits=False)
    if isinstance(value, str):
        return _words(value, room)
    return _lines(lines, room, "rows" if is_rows else "keys", whole=whole)


def _lines(lines: list[str], room: int, noun: str, *, whole: bool) -> Fitted:
    left = room - 60 - (0 if noun == "rows" else 30 * NAMED)  # the line that says what was cut
    kept: set[int] = set()
    for at in sorted(range(len(lines)), key=lambda at: (not URGENT.search(lines[at]), at)):
        if len(lines[at]) + 1 <= left:
            kept.add(at)
            left -= len(lines[at]) + 1
    lost = [line for at, line in enumerate(lines) if at not in kept]
    if whole and (not kept or any(URGENT.search(line) for line in lost)):
        return Fitted("", f"{len(lost)} of {len(lines)} rows would be lost", fits=False)
    said = f"{len(lost)} of {len(lines)} {noun}"
    if noun == "keys":
        names = [line.partition(":")[0][:24] for line in lost]
        said += ": " + ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
    shown = [line for at, line in enumerate(lines) if at in kept]
    return Fitted(_marked("\n".join([*shown, f"[cut: {said}]"]), room), said)


def _words(text: str, room: int) -> Fitted:
    left = max(0, room - 40)
    head = text[:left].rsplit(None, 1)[0] if " " in text[:left] else text[:left]
    said = f"{len(text) - len(head)} of {len(text)} characters"
    return Fitted(_marked(f"{head}\n[cut: {said}]", room), said)


def _marked(text: str, room: int) -> str:
    """Return the text, or the bare mark where there is no room to say how much was cut."""
    return text if len(text) <= room else "[cut]"[: max(0, room)]


def _short(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=str)
