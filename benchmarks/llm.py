"""The advisor over a real server: starts and stops, validity and latency of every question, and how soon a cancelled answer frees the slot.

`python benchmarks/llm.py [--answers 200] [--model FILE --context N --command …]`; without a model a tiny one of random weights is made:
it measures the plumbing, not a judgement. Prints one line a measurement; `benchmarks/llm.md` holds a run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "llm"))

from heard import SERVER
from tiny_model import write

from engine.config import LlmSettings
from engine.llm.context import Window, build_llm_context
from engine.llm.questions import QUESTIONS
from engine.llm.router import Router

EVIDENCE = ["power 0.91 >= 0.8 ok", "survivors 412 >= 24 ok", "lift 1.04 >= 1.2 NOT MET"]
PARTS: dict[str, dict[str, Any]] = {
    "agent_decision": {
        "request": {"step": "1"},
        "evidence": EVIDENCE,
        "findings": [],
        "code_decision": "RETRY (W5)",
    },
    "step_evaluation": {"request": {"step": "1"}, "evidence": EVIDENCE},
    "chapter13_proposal": {
        "health": {"hits": 3},
        "trigger": {"bits": 12.0},
        "parameters": {"pipeline.heads": 20},
    },
    "diagnostics_analysis": {"health": {"hits": 3, "hits_expected_by_pool": 21.0}},
    "selfplay_strategy": {
        "arms": [{"arm": "window", "pulls": 3, "mean": 0.1}, {"arm": "mask+weight", "pulls": 1}]
    },
    "parameter_adjustment": {"parameters": {"pipeline.heads": 20, "pipeline.twins": 24}},
}


def line(name: str, values: list[float], unit: str = "s") -> None:
    """Print a measurement: how many, median, highest."""
    print(
        f"{name:<44} n {len(values):<4} median {statistics.median(values):.3f} {unit}  max {max(values):.3f} {unit}",
        flush=True,
    )


async def lives(settings: LlmSettings, state: Path) -> None:
    """Measure start to ready (grammars compiled) and stop to gone."""
    starts, stops = [], []
    for _ in range(5):
        router = Router(settings, state, lambda kind, data: None)
        begun = time.perf_counter()
        await router._keeper.ready()
        starts.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        await router.close()
        stops.append(time.perf_counter() - begun)
    line("start: process to ready, six grammars compiled", starts)
    line("stop: idle server to process gone", stops)


async def answers(router: Router, count: int) -> None:
    """Measure validity and latency of every question."""
    for name, question in QUESTIONS.items():
        before, took, voices = router.report(), [], 0
        for at in range(count):
            parts = {
                **PARTS[name],
                "parameters": {"pipeline.heads": at + 1},
            }  # another prompt, so another seed
            reply = await router.ask(question, parts)
            voices += reply.source == "llm"
            took.append(reply.seconds)
        after = router.report()
        print(
            f"{name:<22} valid {voices} of {count}, invalid raw answers {after['invalid'] - before['invalid']}, longest possible {build_llm_context(name, PARTS[name]).answer_tokens - 1} bytes"
        )
        line(f"{name}: question to answer", took)
    print(f"median speed {router.report()['tokens_per_second']:.0f} tokens/s")


async def busy(client: Any) -> bool:
    """Say whether a slot of the server works."""
    async with client._session.get("/slots") as reply:
        return any(slot["is_processing"] for slot in await reply.json())


async def freed(router: Router, prompt: str, after: float, *, generating: bool) -> tuple[float, float]:
    """Cancel an answer in one of its phases; return how soon the caller and the slot were free."""
    client = (await router._keeper.ready()).client
    work = asyncio.create_task(
        client.complete(prompt, tokens=3000 if generating else 8, grammar="root ::= [a-z]{2000}")
    )
    await asyncio.sleep(after)
    if work.done():
        raise SystemExit("the answer was there before it could be cancelled: a longer prompt is needed")
    if not await busy(client):
        raise SystemExit("the slot does not work: nothing is measured")
    begun = time.perf_counter()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    caller = time.perf_counter() - begun
    while await busy(client):  # noqa: ASYNC110 - the slot is another process's
        await asyncio.sleep(0.005)
    return caller, time.perf_counter() - begun


async def cancels(router: Router, context: int) -> None:
    """Measure cancellation while generating, in a long prompt, and of a frozen server at the seam."""
    long = "x" * (context - 4000) if context > 8192 else "x" * (context // 2)
    for name, prompt, after, generating in (
        ("generating", "x", 0.3, True), (f"in a prompt of {len(long)} characters", long, 0.4, False),
    ):  # fmt: skip
        pairs = [await freed(router, prompt, after, generating=generating) for _ in range(5)]
        line(f"cancel {name}: caller", [pair[0] for pair in pairs])
        line(f"cancel {name}: slot", [pair[1] for pair in pairs])
    stuck = []
    for _ in range(5):
        live = await router._keeper.ready()
        os.kill(live.server.pid, signal.SIGSTOP)
        asking = asyncio.create_task(router.ask(QUESTIONS["agent_decision"], PARTS["agent_decision"]))
        await asyncio.sleep(0.2)
        begun = time.perf_counter()
        router.cancel("halted")
        await asking
        stuck.append(time.perf_counter() - begun)
        os.kill(live.server.pid, signal.SIGCONT)
    line("cancel of a frozen server, at the seam", stuck)


async def recoveries(router: Router) -> None:
    """Measure how long an answer takes whose server was killed, and a stop and start around GPU work."""
    live = await router._keeper.ready()
    os.kill(live.server.pid, signal.SIGKILL)
    reply = await router.ask(QUESTIONS["agent_decision"], PARTS["agent_decision"])
    print(f"server killed before the question: answered by {reply.source} in {reply.seconds:.3f} s")
    begun = time.perf_counter()
    free = await router.release("GPU work")
    released = time.perf_counter() - begun
    begun = time.perf_counter()
    why = await router.restore()
    print(
        f"release {released:.3f} s ({free.text}), restore {time.perf_counter() - begun:.3f} s ({why or 'ready'})"
    )


async def main() -> None:
    """Run all measurements."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--answers", type=int, default=200)
    asked.add_argument("--model", type=Path)
    asked.add_argument("--context", type=int, default=4096)
    asked.add_argument("--command", nargs="+", default=list(SERVER))
    asked.add_argument(
        "--prompt-context", type=int, default=32_768, help="context of the cancellation in a long prompt"
    )
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as place:
        state = Path(place)
        model = given.model or write(state / "tiny.gguf", context=given.prompt_context)
        settings = LlmSettings(
            command=tuple(given.command), model=model, context=given.context, temperature=1.0
        )
        await lives(settings, state)
        router = Router(settings, state, lambda kind, data: None)
        try:
            await answers(router, given.answers)
            await recoveries(router)
        finally:
            await router.close()
        longer = settings.model_copy(update={"context": given.prompt_context})
        router = Router(longer, state, lambda kind, data: None)
        try:
            await cancels(router, given.prompt_context)
        finally:
            await router.close()
        window = Window(given.prompt_context)
        print(
            f"a prompt of this window has {window.tokens} tokens less the answer's {build_llm_context('agent_decision', PARTS['agent_decision']).answer_tokens}"
        )


if __name__ == "__main__":
    asyncio.run(main())
