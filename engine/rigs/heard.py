"""What a rig says, held to its form before anybody acts on it: the guard's lines, and the answers of the installer and the store.

A rig may be taken over. A line out of form is refused here, whole, so that no field of it can surprise what comes behind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.errors import BadInput

LINE_LIMIT = 2 << 20
"""Bytes of one line of a guard: what a worker may say in one line, packed."""
Form = Mapping[str, tuple[type, ...]]
_NONE = type(None)
_WHOSE: Form = {"name": (str,), "attempt": (int,)}
EVENTS: Mapping[str, Form] = {
    "up": {"pid": (int,), "slots": (int,), "blind": (str,)},
    "down": {"why": (str,)},
    "beat": {},
    "refused": {**_WHOSE, "why": (str,)},
    "started": {**_WHOSE, "pid": (int,)},
    "slot": _WHOSE,
    "line": {**_WHOSE, "line": (dict,)},
    "exit": {
        **_WHOSE, "code": (int, _NONE), "cause": (str, _NONE), "phase": (str,), "stderr": (str,), "kernel": (list,),
    },
}  # fmt: skip
ANSWERS: Mapping[str, Form] = {
    "look": {"whole": (list,), "free": (int,)},
    "keep": {"kept": (bool,), "found": (str,)},
    "sweep": {"removed": (int,), "free": (int,)},
    "installer": {"current": (str, _NONE), "previous": (str, _NONE), "whole": (bool, _NONE)},
    "refused": {"why": (str,)},
}


def event_of(text: bytes) -> dict[str, Any]:
    """Return one line of a guard; BadInput where it is not exactly one of EVENTS."""
    if len(text) > LINE_LIMIT:
        raise BadInput(f"a line of {len(text)} bytes, {LINE_LIMIT} is the limit")
    event = _object(text)
    name = event.get("event")
    form = EVENTS.get(name) if isinstance(name, str) else None
    if form is None:
        raise BadInput(f"no event of a guard: {str(name)[:40]!r}")
    _hold({key: value for key, value in event.items() if key != "event"}, form, f"event {name}")
    if name == "line" and not isinstance(event["line"].get("event"), str):
        raise BadInput("a worker's line without the name of its event")
    return event


def answer_of(text: str, kind: str) -> dict[str, Any]:
    """Return the answer of a script on a rig; BadInput where it is not exactly of its kind in ANSWERS (beside `ok`)."""
    answer = _object(text)
    if not answer.pop("ok", True):
        kind = "refused"
    _hold(answer, ANSWERS[kind], f"answer to {kind}")
    return answer


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not one JSON line ({str(error)[:80]})") from None
    if not isinstance(found, dict):
        raise BadInput("not a JSON object")
    return found


def _hold(fields: Mapping[str, Any], form: Form, what: str) -> None:
    if set(fields) != set(form):
        raise BadInput(f"{what} has the fields {sorted(fields)[:12]}, {sorted(form)} are the rule")
    for name, kinds in form.items():
        if type(fields[name]) not in kinds:
            wanted = " or ".join("null" if kind is _NONE else kind.__name__ for kind in kinds)
            raise BadInput(f"{what}: {name} is {type(fields[name]).__name__}, {wanted} is the rule")
