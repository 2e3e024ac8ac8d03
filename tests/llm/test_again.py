"""A stored question is put to the real server again as it was read; a name that is no call opens no file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from heard import STEP, Heard

from engine.errors import BadInput, EnvironmentFault, Halted
from engine.llm.advisor import NoAdvisor
from engine.llm.again import before, call_behind
from engine.llm.questions import WATCHER_DECISION
from engine.llm.verbs import AdvisorVerbs
from engine.protocol import Command
from state.halts import HaltRow

NOBODY: Any = None
"""No record is asked here."""


def again(asked: str) -> Command:
    return Command(id="1", client="test", verb="llm_again", args={"id": asked})


async def test_the_same_prompt_is_put_again_and_both_answers_are_on_record(
    advising: Callable[..., Any], heard: Heard, tmp_path: Path
) -> None:
    async with advising() as router:
        first = await router.ask(WATCHER_DECISION, STEP, about="r-7")
        verbs = AdvisorVerbs(router, tmp_path, lambda decision: str(first.call), NOBODY)
        told = await verbs.again(again("d-3"), "ann")
        answer: dict[str, Any] = {"done": False}
        while not answer["done"]:
            answer = await verbs.answer(
                Command(id="2", client="test", verb="llm_answer", args={"ticket": told["ticket"]}), "ann"
            )
    assert told["before"]["outcome"] == first.advice.canonical()
    assert answer["prompt"] == first.prompt
    assert answer["answer"] == first.advice.model_dump(mode="json")  # the same prompt, model and seed
    kept = json.loads((tmp_path / "llm_calls" / f"{answer['call']}.json").read_text())["call"]
    assert kept["by"] == f"again {first.call}, operator ann"
    assert kept["about"] == "r-7"


async def test_without_a_server_it_says_so() -> None:
    verbs = AdvisorVerbs(NoAdvisor(), Path("/nowhere"), lambda decision: decision, NOBODY)
    with pytest.raises(EnvironmentFault, match="no model server to ask"):
        await verbs.again(again("1700000000-0123abcd"), "ann")


@pytest.mark.parametrize("kind", ["finish", "checkpoint", "now"])
async def test_a_halted_room_puts_no_question(kind: str) -> None:
    row = HaltRow(kind, "ann", "quiet, please", "", None, 1)
    verbs = AdvisorVerbs(NoAdvisor(), Path("/nowhere"), lambda decision: decision, NOBODY, lambda: row)
    asked = Command(
        id="1", client="test", verb="llm_ask", args={"question": "agent_decision", "parts": STEP, "kind": "1"}
    )
    for ask in (verbs.ask(asked, "bob"), verbs.again(again("1700000000-0123abcd"), "bob")):
        with pytest.raises(Halted, match=f"halted \\({kind}\\) by ann: quiet, please; .*mimicry resume"):
            await ask


def test_an_exchange_that_is_gone_or_damaged_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not kept any more"):
        before(tmp_path, "1700000000-0123abcd")
    (tmp_path / "llm_calls").mkdir()
    (tmp_path / "llm_calls" / "1700000000-0123abcd.json").write_text('{"call": 3}')
    with pytest.raises(BadInput, match="cannot be read"):
        before(tmp_path, "1700000000-0123abcd")


def test_the_call_behind_a_decision_is_the_newest_about_its_request() -> None:
    calls = [{"id": str(n), "about": "r-7", "question": "agent_decision"} for n in (3, 2)]
    assert call_behind(calls, "r-7", "agent_decision") == "3"
    assert call_behind(calls, "r-8", "agent_decision") is None
    assert call_behind(calls, None, "agent_decision") is None
