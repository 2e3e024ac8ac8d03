"""Text from outside on a terminal: nothing of it steers the terminal, and JSON stays JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.commands.talk import show
from engine.peer import encode
from engine.protocol import Event
from engine.terminal import MARK, plain, plain_json

ESCAPES = "\x1b[2J\x1b]0;title\x07\x9b31m\x7f\r\x08"


def steers(text: str) -> bool:
    return any((ord(letter) < 32 and letter not in "\n\t") or 127 <= ord(letter) < 160 for letter in text)


def test_escapes_become_marks_and_lines_stay_lines() -> None:
    assert plain("a\tb\nc") == "a\tb\nc"
    assert plain("\x1b[31mred") == f"{MARK}[31mred"
    assert not steers(plain(ESCAPES))


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_stays_json_of_the_same_shape(value: Any) -> None:
    made = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    found = json.loads(plain_json(made))
    assert type(found) is type(value)
    again = json.dumps(value).encode()
    assert isinstance(json.loads(plain_json(again)), type(value))


@pytest.mark.parametrize("text", [ESCAPES, "\\u001b[2J", "back\\\\slash \x1b"])
def test_a_record_for_a_viewer_steers_nothing(text: str) -> None:
    seen = Event.model_validate_json(encode(Event(seq=1, at="t", kind="k", data={"file": text, text: 1})))
    told = seen.data["file"]
    assert not {letter for letter in told if letter in "\x1b\x07\x9b\x7f"}


def test_what_a_verb_prints_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    class Arguments:
        json = False

    show(Arguments(), {}, lambda: f"reason {ESCAPES}")  # type: ignore[arg-type]
    assert not steers(capsys.readouterr().out)
