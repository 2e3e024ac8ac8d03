"""The cloud behind the local model, against a stand-in on loopback: off by default, capped, aggregates only, never in the way."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cloud_stub import ANSWER, Cloud, cloud
from heard import STEP, Heard

from engine.config import ClaudeSettings
from engine.llm.claude import KEY
from engine.llm.cost import FILE_NAME
from engine.llm.questions import QUESTIONS, WATCHER_DECISION

pytestmark = pytest.mark.skipif(find_spec("anthropic") is None, reason="the extra [claude] is missing")
Advising = Callable[..., Any]
SECRET = "sk-ant-api03-a-key-for-the-stand-in"
FAST = {"timeout_s": 2.0, "attempts": 2}


@pytest.fixture
async def sky(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cloud]:
    monkeypatch.setenv(KEY, SECRET)
    async with cloud() as made:
        yield made


def asking(advising: Advising, sky: Cloud, **claude: Any) -> Any:
    return advising(command=(), cloud=True, claude=ClaudeSettings(**(FAST | claude)), url=sky.url)


async def test_an_answer_is_tagged_validated_paid_for_and_what_was_sent_is_kept(
    advising: Advising, sky: Cloud, heard: Heard, tmp_path: Path
) -> None:
    async with asking(advising, sky) as router:
        reply = await router.ask(WATCHER_DECISION, STEP, kind="1")
        assert (reply.source, reply.advice.decision) == ("claude", "RETRY")
        advice = await router.advise(_bundle())
        assert advice.line() == "RETRY 0.70 (claude)"
        assert router.state == "claude only"
        assert router.report()["cost"]["usd_today"] == pytest.approx(2 * (400 * 3 + 50 * 15) / 1e6)
    call = heard.of("llm.call")[0]
    assert call["usd"] == pytest.approx((400 * 3 + 50 * 15) / 1e6)
    exchange = json.loads((tmp_path / call["file"]).read_text())
    assert exchange["sent_to_cloud"] == sky.sent[0]["messages"][0]["content"]
    assert SECRET not in (tmp_path / call["file"]).read_text()
    schema = sky.sent[0]["output_config"]["format"]["schema"]
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == set(ANSWER)


def _bundle() -> Any:
    from engine.llm.context import build_llm_context

    return build_llm_context("agent_decision", STEP)


TROUBLE: dict[str, tuple[list[Any], str, int]] = {
    "429 then well": ([429], "RETRY", 2),
    "529 then well": ([529], "RETRY", 2),
    "429 for good": ([429, 429], "claude: 429", 2),
    "529 for good": ([529, 529], "claude: 529", 2),
    "400": ([400], "claude: 400", 1),
    "refusal": (["refusal"], "claude: stopped by refusal", 1),
    "cut": (["max_tokens"], "claude: stopped by max_tokens", 1),
    "not the type": (['{"decision":"MAYBE"}'], "claude: advice: decision", 1),
    "not JSON": (["I think you should proceed."], "claude: advice: answer", 1),
}


SELDOM = ("429 then well", "529 for good", "400", "cut", "not JSON")  # alike to others, so run apart


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.slow] * (case in SELDOM)) for case in TROUBLE]
)
async def test_trouble_in_the_cloud_is_survived_and_named(case: str, advising: Advising, sky: Cloud) -> None:
    """A second or less each."""
    script, said, calls = TROUBLE[case]
    sky.script = list(script)
    async with asking(advising, sky) as router:
        advice = await router.advise(_bundle())
        assert said in advice.line()
        assert len(sky.sent) == calls
        assert bool(router.degraded()) is (advice.line().startswith("none"))


async def test_a_cloud_that_hangs_ends_by_its_own_time_and_stays_booked(
    advising: Advising, sky: Cloud
) -> None:
    sky.script = ["hang"]
    async with asking(advising, sky, timeout_s=0.3, attempts=1) as router:
        reply = await router.ask(WATCHER_DECISION, STEP)
        assert "APITimeoutError" in reply.advice.line()
        assert router.report()["cost"]["usd_today"] > 0


async def test_caps_forbid_a_call_before_it_is_made(advising: Advising, sky: Cloud) -> None:
    async with asking(advising, sky, usd_per_day=0.001) as router:
        assert "the cap is $0.001" in (await router.ask(WATCHER_DECISION, STEP)).advice.line()
    assert sky.sent == []


async def test_raw_data_never_leaves(advising: Advising, sky: Cloud) -> None:
    draws = {**STEP, "findings": ["warn draws: " + " ".join(map(str, range(100, 140)))]}
    async with asking(advising, sky) as router:
        assert (
            "not asked, the prompt holds a run of numbers"
            in (await router.ask(WATCHER_DECISION, draws)).advice.line()
        )
        origin = {**STEP, "findings": ["warn seed 0x1234abcd"]}
        assert "an origin" in (await router.ask(WATCHER_DECISION, origin)).advice.line()
    assert sky.sent == []


async def test_a_secret_in_the_context_is_masked_before_it_leaves(advising: Advising, sky: Cloud) -> None:
    async with asking(advising, sky) as router:
        await router.ask(WATCHER_DECISION, {**STEP, "findings": [f"warn the key is {SECRET}"]})
    assert SECRET not in json.dumps(sky.sent)


async def test_without_a_key_or_without_cloud_nothing_is_asked(
    advising: Advising, sky: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with advising(command=(), url=sky.url) as router:
        assert (await router.ask(WATCHER_DECISION, STEP)).advice.line() == "none(not configured)"
    monkeypatch.delenv(KEY)
    async with asking(advising, sky) as router:
        assert f"{KEY} is not set" in (await router.ask(WATCHER_DECISION, STEP)).advice.line()
        assert f"advice: cloud = true, but {KEY} is not set" in router.degraded()
    assert sky.sent == []
    assert not (tmp_path / FILE_NAME).exists()


async def test_the_local_model_is_asked_first_and_its_silence_stays_on_record(
    advising: Advising, sky: Cloud, heard: Heard
) -> None:
    async with advising(cloud=True, claude=ClaudeSettings(**FAST), url=sky.url) as router:
        assert (await router.ask(WATCHER_DECISION, STEP)).source == "llm"
        assert sky.sent == []
        await router.release("GPU work")
        assert (await router.ask(WATCHER_DECISION, STEP)).source == "claude"
    assert [(call["source"], call["why"]) for call in heard.of("llm.call")] == [
        ("llm", ""),
        ("claude", "llm: GPU work"),
    ]


def test_every_answer_type_has_a_schema_that_the_cloud_takes() -> None:
    from anthropic import transform_schema

    for question in QUESTIONS.values():
        schema = transform_schema(question.answer)
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
