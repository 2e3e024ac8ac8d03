"""What a rig says is held to its form: sound lines pass, every field of another kind is refused as a whole."""

from __future__ import annotations

import json

import pytest

from engine.errors import BadInput
from engine.rigs import heard
from engine.rigs.heard import ANSWERS, EVENTS, answer_of, event_of

SOUND = {int: 7, str: "text", dict: {"event": "beat"}, list: [], bool: True, type(None): None}
WRONG = {int: "7", str: 7, dict: [], list: {}, bool: 1, type(None): 1.5}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_passes_in_its_form_and_in_no_other(name: str) -> None:
    event = {"event": name, **{field: SOUND[kinds[0]] for field, kinds in EVENTS[name].items()}}
    assert event_of(json.dumps(event).encode()) == event
    with pytest.raises(BadInput, match="has the fields"):
        event_of(json.dumps({**event, "more": 1}).encode())
    for field, kinds in EVENTS[name].items():
        with pytest.raises(BadInput, match=rf"{field} is|fields"):
            event_of(json.dumps({**event, field: WRONG[kinds[0]]}).encode())
        with pytest.raises(BadInput, match="fields"):
            event_of(json.dumps({key: value for key, value in event.items() if key != field}).encode())


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_passes_in_its_form_and_in_no_other(kind: str) -> None:
    answer = {field: SOUND[kinds[0]] for field, kinds in ANSWERS[kind].items()}
    assert answer_of(json.dumps(answer), kind) == answer
    for field, kinds in ANSWERS[kind].items():
        with pytest.raises(BadInput, match=field):
            answer_of(json.dumps({**answer, field: WRONG[kinds[0]]}), kind)


def test_a_script_that_refuses_says_why_and_nothing_else() -> None:
    assert answer_of('{"ok": false, "why": "no room"}', "look") == {"why": "no room"}
    with pytest.raises(BadInput, match="fields"):
        answer_of('{"ok": false, "whole": [], "free": 1}', "look")


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"7", b"[" * 5000, b'{"event": ["up"]}', b'{"event": "boom"}', b"\xff",
     b'{"event": "line", "name": "gpu0", "attempt": 1, "line": {"event": [1]}}'],
)  # fmt: skip
def test_what_is_no_line_of_a_guard_is_refused(text: bytes) -> None:
    with pytest.raises(BadInput):
        event_of(text)


def test_an_endless_line_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard, "LINE_LIMIT", 10)
    with pytest.raises(BadInput, match="limit"):
        event_of(b'{"event": "beat"}')
