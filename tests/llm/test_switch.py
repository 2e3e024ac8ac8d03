"""The advisor is silenced with a reason and stays so over a restart; without one there is nothing to turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from heard import STEP, Heard

from engine.config import LlmSettings
from engine.errors import EnvironmentFault, UsageError
from engine.llm.advice import NoAdvice
from engine.llm.advisor import NoAdvisor
from engine.llm.questions import WATCHER_DECISION
from engine.llm.router import Router
from engine.llm.verbs import AdvisorVerbs
from engine.protocol import Command

NOBODY: Any = None


def command(verb: str, **args: Any) -> Command:
    return Command(id="1", client="test", verb=verb, args=args)


async def test_off_needs_a_reason_and_silences_every_question_until_on(tmp_path: Path) -> None:
    heard = Heard()
    router = Router(
        LlmSettings(command=("/nowhere/server",), model=Path("/nowhere/model")), tmp_path, heard, read=dict
    )
    verbs = AdvisorVerbs(router, tmp_path, str, NOBODY)
    with pytest.raises(UsageError, match="needs a reason"):
        await verbs.off(command("llm_off"), "ann")
    await verbs.off(command("llm_off", reason="it repeats itself"), "ann")
    reply = await router.ask(WATCHER_DECISION, STEP)
    assert reply.advice == NoAdvice(none="off: it repeats itself (ann)")
    assert router.degraded() == ["advice: off: it repeats itself (ann)"]
    with pytest.raises(UsageError, match="off already: it repeats itself"):
        await verbs.off(command("llm_off", reason="again"), "ann")
    last = heard.of("llm.switch")[-1]["off"]

    after = Router(
        LlmSettings(command=("/nowhere/server",), model=Path("/nowhere/model")),
        tmp_path,
        heard,
        read=dict,
        off=last,
    )
    assert (after.report()["state"], after._keeper.paused) == ("off", True)
    await AdvisorVerbs(after, tmp_path, str, NOBODY).on(command("llm_on"), "bea")
    assert after._turning is not None
    await after._turning
    assert (after.report()["state"], after._keeper.paused) == (
        "failed",
        False,
    )  # it tries, and there is no such server
    for each in (router, after):
        await each.close()


async def test_a_room_without_an_advisor_has_nothing_to_turn(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"no advisor to turn: none\(not configured\)"):
        await AdvisorVerbs(NoAdvisor(), tmp_path, str, NOBODY).on(command("llm_on"), "ann")
