"""Halts at random moments: how long from the command to the last idle device, and whether the devices really were idle then."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from engine.errors import MimicryError
from engine.soak import kinds, processes
from engine.soak.stage import Stage
from state.clock import monotonic
from state.halts import HaltRow
from state.journal import Journal

REASON = "soak: a halt at a random moment"
WAIT_S = 30.0
WATCH_S = 0.5
HOLD_S = (0.2, 1.5)
SPREAD = (0.3, 1.7)
LEAST_EVERY_S = 40.0
POLL_S = 0.01
WORKING = ("worker", "trainer", "llm")
BY_ITSELF_S = 5.0


async def halts(stage: Stage, every: float) -> None:
    """Halt and resume at random moments, one after another, until the soak is over; `every` is their mean distance in s."""
    while not stage.over():
        await stage.sleep(stage.random.uniform(*SPREAD) * max(every / stage.plan.compress, LEAST_EVERY_S))
        if stage.over():
            return
        async with stage.hands:
            if stage.daemon.ready.is_set():
                await one(stage)


async def one(stage: Stage) -> None:
    """Halt now, wait until nothing runs, look whether that is true, resume; all of it on the record."""
    pid = stage.daemon.pid
    if pid is None:
        return
    during = await asyncio.to_thread(doing, stage)
    before = await asyncio.to_thread(stage.look.of, _seq, 0)
    mono, begun = monotonic(), time.monotonic()
    told: dict[str, Any] = {"during": during, "mono": mono, "after": before}
    try:
        reply = await asyncio.to_thread(stage.daemon.ask, "halt", kind="now", reason=REASON)
        if not reply.ok:
            raise MimicryError(reply.error or "refused")
        reached = await _reached(stage, before)
        if reached is not None:
            busy_from = cpu(pid)
            await asyncio.sleep(WATCH_S)
            told["busy"] = round((cpu(pid) - busy_from) / WATCH_S, 3)
        told |= {"seconds": None if reached is None else round(reached - mono, 4), "ok": reached is not None}
        await asyncio.sleep(stage.random.uniform(*HOLD_S))
        await asyncio.to_thread(stage.daemon.ask, "resume", reason=REASON)
    except (MimicryError, OSError) as error:
        gone = stage.daemon.pid != pid
        told |= {"seconds": None, "ok": gone, "error": str(error)[:200], "died": gone}
    stage.log(kinds.HALT, told | {"took": round(time.monotonic() - begun, 3)})


async def _reached(stage: Stage, after: int) -> float | None:
    """Return the monotonic second at which the room said that nothing runs any more, None if it never did."""

    def marks(journal: Journal) -> list[float]:
        return [event.mono for event in journal.events(after=after, kinds=["halt.reached"], limit=1)]

    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = await asyncio.to_thread(stage.look.of, marks, [])
        if found:
            return found[0]
        await asyncio.sleep(POLL_S)
    return None


def doing(stage: Stage) -> str:
    """Return what the room does at this moment, in a word or two: the request, and the step of its run."""
    return stage.look.of(_doing, "nothing")


def _doing(journal: Journal) -> str:
    running = journal.requests.list(states=("running", "claimed"), limit=1)
    if not running:
        return "idle"
    step = journal.last(["run.step"])
    named = f" step {step.data['step']}" if step is not None and step.data["status"] == "running" else ""
    return f"{running[0].kind}{named}"


def cpu(engine: int) -> float:
    """Return the CPU seconds used so far by everything below the engine that carries work."""
    total = 0.0
    for pid, role in processes.tree(engine).items():
        if role in WORKING:
            try:
                total += processes.cpu_of(pid)
            except OSError:
                continue
    return total


def _seq(journal: Journal) -> int:
    return journal.seq


def _standing(journal: Journal) -> HaltRow | None:
    return journal.halt_state()


async def oversee(stage: Stage) -> None:
    """Lift halts that the room put on itself, as an operator would after reading why; each is a finding.

    A fault that makes the room halt (a damaged artifact escalates) is not over before somebody resumes, so its halt is lifted while
    the fault is still watched; a halt of ours that was left standing is lifted between faults.
    """
    while not stage.over():
        await stage.sleep(BY_ITSELF_S)
        row = await asyncio.to_thread(stage.look.of, _standing, None)
        if row is None or not stage.daemon.ready.is_set():
            continue
        if REASON in row.reason:
            async with stage.hands:
                await _lift(stage, await asyncio.to_thread(stage.look.of, _standing, None))
        else:
            await _lift(stage, row)


async def _lift(stage: Stage, row: HaltRow | None) -> None:
    """Resume, and put on the record what stood there."""
    if row is None:
        return
    text = f"a halt stood that this soak had not asked for, or had not lifted: by {row.by}: {row.reason}"
    told = {
        "text": text[:400],
        "halt": row.kind,
        "by": row.by,
        "mine": REASON in row.reason,
        "fault": stage.fault,
    }
    stage.log(kinds.FINDING, told)
    with suppress(MimicryError, OSError):  # tried again at the next look
        await asyncio.to_thread(stage.daemon.ask, "resume", reason="soak: lifted by its overseer")
