"""A call to the advisor leads to the decision that rests on it, and to no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.dispatch.calls import Calls
from engine.errors import UsageError
from state.journal import Journal


def called(journal: Journal, name: str) -> None:
    journal.append("llm.call", {"id": name, "about": "r-1", "question": "agent_decision"})


def decided(journal: Journal, **more: Any) -> int:
    return journal.decisions.add(step="1", action="PROCEED", reason="met", source="rule", rule="met", evidence=[{"metric": "power", "value": 0.9, "limit": 0.8, "ok": True}], advice="PROCEED 0.90",
                                 request="r-1", cause="r-1", **more)  # fmt: skip


def test_the_decision_that_rests_on_a_call_is_the_next_one_on_its_request(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        calls = Calls(journal)
        called(journal, "1700000000-00000001")
        called(journal, "1700000000-00000002")
        number = decided(journal)
        called(journal, "1700000000-00000003")
        found = [calls.call(f"1700000000-0000000{n}")["decision"] for n in (1, 2, 3)]
        assert found == [None, number, None]
        assert calls.call("1700000000-00000002")["request"] == "r-1"
        assert calls.agreement() == {"agreed": 1, "followed": 0, "stricter": 0, "silent": 0}
        with pytest.raises(UsageError, match="no name of a call"):
            calls.call("x")
