"""The advisor end to end over a real server and a tiny model: answers are valid, silence is typed, trouble is survived and visible."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from heard import STEP, Heard

from engine.llm.advice import Advice, NoAdvice
from engine.llm.answers import Chapter13Proposal, StepEvaluation
from engine.llm.context import build_llm_context
from engine.llm.questions import (
    CHAPTER13_PROPOSAL,
    PARAMETER_ADJUSTMENT,
    QUESTIONS,
    STEP_EVALUATION,
    WATCHER_DECISION,
)
from engine.llm.router import Router

Advising = Callable[..., Any]
REVIEW = {"request": STEP["request"], "evidence": STEP["evidence"]}
PARTS: dict[str, dict[str, Any]] = {
    "agent_decision": STEP,
    "step_evaluation": REVIEW,
    "chapter13_proposal": {
        "health": {"hits": 3},
        "trigger": {"bits": 12.0},
        "parameters": {"pipeline.heads": 20},
    },
    "diagnostics_analysis": {"health": {"hits": 3}},
    "selfplay_strategy": {"arms": [{"arm": "window", "pulls": 3}, {"arm": "mask+weight", "pulls": 1}]},
    "parameter_adjustment": {"parameters": {"pipeline.heads": 20, "pipeline.twins": 24}},
}


async def alive(router: Router) -> Any:
    return await router._keeper.ready()


async def test_every_question_is_answered_in_its_type_and_goes_on_record(
    advising: Advising, heard: Heard, tmp_path: Path
) -> None:
    async with advising() as router:
        for name, question in QUESTIONS.items():
            reply = await router.ask(question, PARTS[name])
            assert reply.source == "llm", reply.advice
            assert isinstance(reply.advice, question.answer)
        report = router.report()
    assert (report["valid"], report["invalid"], report["state"]) == (6, 0, "ready")
    assert report["answers"] == {"llm": 6, "claude": 0, "none": 0}
    assert report["degraded"] == []
    calls = heard.of("llm.call")
    assert [call["question"] for call in calls] == list(QUESTIONS)
    kept = (tmp_path / calls[0]["file"]).read_bytes()
    assert hashlib.sha256(kept).hexdigest() == calls[0]["file_sha256"]
    exchange = json.loads(kept)
    assert "power 0.9 >= 0.8 ok" in exchange["prompt"]
    assert hashlib.sha256(exchange["prompt"].encode()).hexdigest() == calls[0]["prompt_sha256"]
    assert exchange["answers"]
    assert exchange["sent_to_cloud"] == ""


@pytest.mark.slow
async def test_a_bundle_made_for_a_large_window_is_fitted_to_the_running_model(advising: Advising) -> None:
    """About 3 s; a server of its own."""
    rows = [f"decision {i} PROCEED because every gate was met" for i in range(400)]
    bundle = build_llm_context("agent_decision", {**STEP, "earlier_decisions": rows})
    assert not bundle.cut
    async with advising() as router:
        advice = await router.advise(bundle)
    assert isinstance(advice, Advice)
    assert advice.source == "llm"


@pytest.mark.slow
async def test_names_come_from_the_context_alone(advising: Advising) -> None:
    """About 5 s; a server of its own."""
    async with advising() as router:
        for at in range(5):
            parts = {"parameters": {"pipeline.heads": at, "pipeline.twins": 24}}
            reply = await router.ask(PARAMETER_ADJUSTMENT, parts, kind="6")
            assert {change.parameter for change in reply.advice.changes} <= {
                "pipeline.heads",
                "pipeline.twins",
            }


@pytest.mark.slow
async def test_the_same_question_to_the_same_model_has_the_same_answer(advising: Advising) -> None:
    """About 4 s; a server of its own."""
    async with advising() as router:
        first, again = [await router.ask(WATCHER_DECISION, STEP, kind="1") for _ in range(2)]
    assert first.advice == again.advice


async def test_a_server_killed_in_an_answer_is_replaced_and_the_question_answered(
    advising: Advising, heard: Heard
) -> None:
    async with advising() as router:
        live = await alive(router)
        os.kill(live.server.pid, signal.SIGSTOP)
        asking = asyncio.create_task(router.ask(STEP_EVALUATION, REVIEW))
        await asyncio.sleep(0.3)
        os.kill(live.server.pid, signal.SIGKILL)
        reply = await asking
        assert isinstance(reply.advice, StepEvaluation)
        assert router.report()["restarts"] == 1
    assert [event["state"] for event in heard.of("llm.server")] == ["ready", "failed", "ready"]


@pytest.mark.slow
async def test_a_frozen_server_is_replaced_and_the_question_answered(advising: Advising) -> None:
    """About 5 s; a server of its own."""
    async with advising(silence_s=0.5) as router:
        live = await alive(router)
        os.kill(live.server.pid, signal.SIGSTOP)
        reply = await router.ask(CHAPTER13_PROPOSAL, PARTS["chapter13_proposal"])
        assert isinstance(reply.advice, Chapter13Proposal)
        assert router.report()["restarts"] == 1


async def test_cancelling_a_stuck_question_returns_at_once_and_says_why(
    advising: Advising, heard: Heard
) -> None:
    async with advising() as router:
        live = await alive(router)
        os.kill(live.server.pid, signal.SIGSTOP)
        asking = [asyncio.create_task(router.ask(WATCHER_DECISION, STEP)) for _ in range(3)]
        await asyncio.sleep(0.2)
        begun = time.monotonic()
        router.cancel("halted: the operator wants quiet")
        replies = await asyncio.gather(*asking)
        assert time.monotonic() - begun < 1.0
        os.kill(live.server.pid, signal.SIGCONT)
        assert {reply.advice.line() for reply in replies} == {
            "none(cancelled: halted: the operator wants quiet)"
        }
        assert (await router.ask(WATCHER_DECISION, STEP)).source == "llm"
    assert [call["source"] for call in heard.of("llm.call")] == ["none"] * 3 + ["llm"]


@pytest.mark.slow
async def test_a_cancelled_asker_takes_its_question_with_it(advising: Advising) -> None:
    """About 2 s; a server of its own."""
    async with advising() as router:
        live = await alive(router)
        os.kill(live.server.pid, signal.SIGSTOP)
        asking = asyncio.create_task(router.ask(WATCHER_DECISION, STEP))
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        os.kill(live.server.pid, signal.SIGCONT)
        assert router.report()["waiting"] == 0


async def test_a_full_queue_and_a_deadline_are_typed_silence(advising: Advising) -> None:
    async with advising(queue=1, deadline_s=1.0) as router:
        live = await alive(router)
        os.kill(live.server.pid, signal.SIGSTOP)
        slow = asyncio.create_task(router.ask(WATCHER_DECISION, STEP))
        await asyncio.sleep(0.1)
        full = await router.ask(WATCHER_DECISION, STEP)
        assert full.advice == NoAdvice(none="llm: 1 questions wait already")
        assert (await slow).advice == NoAdvice(none="llm: no answer within 1 s")
        assert "no answer within 1 s" in router.degraded()[0]
        os.kill(live.server.pid, signal.SIGCONT)


@pytest.mark.slow
async def test_answers_that_are_cut_are_tried_once_more_and_then_silence(
    advising: Advising, heard: Heard
) -> None:
    """About 3 s; a server of its own."""
    async with advising() as router:
        live = await alive(router)
        whole = live.client.complete

        async def short(prompt: str, **options: Any) -> Any:
            return await whole(prompt, **{**options, "tokens": 30})

        live.client.complete = short
        reply = await router.ask(WATCHER_DECISION, STEP)
        assert reply.advice.line() == "none(llm: the answer was cut (limit))"
        assert router.report()["invalid"] == 2
    assert heard.of("llm.call")[0]["attempts"] == 2


@pytest.mark.slow
async def test_a_prompt_that_overflows_is_shortened_once_by_the_server_s_numbers(advising: Advising) -> None:
    """About 3 s; a server of its own."""
    rows = [f"decision {i} PROCEED because every gate was met" for i in range(400)]
    async with advising() as router:
        live = await alive(router)
        router._keeper.facts = type(live.facts)(**{**vars(live.facts), "chars_per_token": 2.0})
        reply = await router.ask(WATCHER_DECISION, {**STEP, "earlier_decisions": rows})
        assert reply.source == "llm"


@pytest.mark.slow
async def test_a_matter_too_large_for_the_model_is_silence_with_the_part_s_name(advising: Advising) -> None:
    """About 2 s; a server of its own."""
    rows = [f"metric_{i} 1 >= 2 NOT MET" for i in range(500)]
    async with advising() as router:
        await alive(router)
        reply = await router.ask(WATCHER_DECISION, {**STEP, "evidence": rows})
        assert "too small for evidence" in reply.advice.line()


async def test_parts_that_break_the_rules_are_silence_and_not_an_error(advising: Advising) -> None:
    async with advising(command=()) as router:
        reply = await router.ask(WATCHER_DECISION, {"weather": "fine"})
    assert "unknown parts ['weather']" in reply.advice.line()


@pytest.mark.slow
async def test_a_grammar_that_the_server_refuses_is_degraded_and_silences_its_question_alone(
    advising: Advising, monkeypatch: pytest.MonkeyPatch
) -> None:
    """About 4 s; a server of its own."""
    from dataclasses import replace

    from engine.llm import keeper
    from grammars.loader import load

    def broken(name: str) -> Any:
        made = load(name)
        return replace(made, text="root ::= nothing") if name == "step_evaluation" else made

    monkeypatch.setattr(keeper, "load", broken)
    async with advising() as router:
        assert (await router.ask(WATCHER_DECISION, STEP)).source == "llm"
        assert "the server refuses the grammar" in (await router.ask(STEP_EVALUATION, REVIEW)).advice.line()
        assert router.degraded()[0].startswith("advice: grammar step_evaluation is refused: 400")
        assert router.report()["grammars"]["agent_decision"] == "ok"


async def test_a_server_that_cannot_start_is_silence_degraded_and_no_wait(advising: Advising) -> None:
    async with advising(command=(sys.executable, "-c", "raise SystemExit(3)")) as router:
        router._keeper.breaker.limit = 1
        for _ in range(3):
            reply = await router.ask(WATCHER_DECISION, STEP)
            assert reply.source == "none"
        assert "1 restarts in 10 min" in reply.advice.line()
        assert router.state.startswith("none(llm failed")
        assert router.degraded()


async def test_a_question_during_gpu_work_is_silence_and_the_model_comes_back(advising: Advising) -> None:
    async with advising() as router:
        assert (await router.ask(WATCHER_DECISION, STEP)).source == "llm"
        freed = await router.release("GPU work")
        assert freed.text == "no GPU: nothing to free"
        assert (await router.ask(WATCHER_DECISION, STEP)).advice.line() == "none(llm: GPU work)"
        assert await router.restore() is None
        assert (await router.ask(WATCHER_DECISION, STEP)).source == "llm"
        assert router.degraded() == []


@pytest.mark.slow
async def test_a_model_that_thinks_first_is_held_to_the_grammar_after_it(
    advising: Advising, tmp_path: Path, heard: Heard
) -> None:
    """About 3 s; a server of its own."""
    async with advising(thinking_tokens=40) as router:
        assert (await router.ask(WATCHER_DECISION, STEP)).source == "llm"
    assert json.loads((tmp_path / heard.of("llm.call")[0]["file"]).read_text())["thought"]


@pytest.mark.slow
@pytest.mark.parametrize("name", QUESTIONS)
async def test_two_hundred_of_two_hundred_answers_are_valid(name: str, advising: Advising) -> None:
    """200 answers a question through the whole advisor; about 60 to 200 s each on a loaded machine."""
    async with advising() as router:
        for at in range(200):
            parts = {**PARTS[name], "parameters": {"pipeline.heads": at + 1}}
            reply = await router.ask(QUESTIONS[name], parts)
            assert reply.source == "llm", reply.advice
        assert (router.report()["valid"], router.report()["invalid"]) == (200, 0)
