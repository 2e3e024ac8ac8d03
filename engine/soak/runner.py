"""Run one soak from its first record to its verdict; whatever interrupts it, the next runner goes on where the record ends."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.errors import EnvironmentFault, MimicryError, UsageError
from engine.soak import after, firing, halting, kinds
from engine.soak.daemon import Daemon, end_leftover
from engine.soak.fault import Fault
from engine.soak.faults import disk
from engine.soak.faults.model import Grammar400
from engine.soak.ground import STATUS, Ground, machine, write_config
from engine.soak.look import Look
from engine.soak.plan import Plan
from engine.soak.scenarios.scenario import Scenario
from engine.soak.scenarios.table import SCENARIOS
from engine.soak.stage import Stage
from engine.version import VERSION
from state.chain import Event
from state.errors import StateError
from state.files import write_atomic
from state.journal import Journal

ANCHOR_S = 60.0
FOLLOWED = "history.file"
DRAIN_S = 900.0
QUIET_S = 3.0
Say = Callable[[str], None]


class Interrupted(Exception):
    """Somebody asked this runner to end before the soak's time; it can be resumed."""


def begin(ground: Ground, plan: Plan, operator: Path | None) -> None:
    """Write the first record of a new soak, and its daemon's settings."""
    scenario = SCENARIOS[plan.scenario]
    relay = any(fault.name == Grammar400.name for fault in plan.faults)
    write_config(ground, scenario.settings(plan, {"draws": str(ground.draws)}), operator, relay=relay)
    told = {
        "id": ground.id, "plan": plan.described(), "machine": machine(), "version": VERSION,
        "truth": scenario.stream(plan).described(), "settings": ground.config.read_text(),
    }  # fmt: skip
    with Journal.open(ground.path) as journal:
        journal.append(kinds.BEGUN, told)


def plan_of(ground: Ground) -> Plan:
    """Return the plan that a soak was begun with."""
    with Journal.read_only(ground.path) as journal:
        first = next(iter(journal.events(kinds=[kinds.BEGUN], limit=1)), None)
    if first is None:
        raise UsageError(f"{ground.path}: this soak has no beginning on record; start a new one")
    return Plan.model_validate(first.data["plan"])


def finished(ground: Ground) -> bool:
    """Say whether a soak has reached its end."""
    try:
        with Journal.read_only(ground.path) as journal:
            last = journal.last([kinds.ENDED])
    except StateError:
        return False
    return last is not None and last.data["why"] == "done"


def run(
    ground: Ground,
    catalog: Mapping[str, Callable[[], Fault]],
    say: Say = lambda text: None,
    *,
    command: tuple[str, ...] = (),
) -> bool:
    """Run a soak that was begun to its end; return whether it got there. Leaves no process behind.

    `command` runs the engine in place of this interpreter and `engine.cli`.
    """
    try:
        journal = Journal.open(ground.path)
    except StateError as error:
        raise EnvironmentFault(f"{error}; another runner has this soak, or its disk is full") from error
    try:
        return asyncio.run(_run(ground, journal, catalog, say, command))
    finally:
        journal.close()


async def _run(
    ground: Ground,
    journal: Journal,
    catalog: Mapping[str, Callable[[], Fault]],
    say: Say,
    command: tuple[str, ...],
) -> bool:
    plan = plan_of(ground)
    scenario = SCENARIOS[plan.scenario]
    left = await asyncio.to_thread(end_leftover, ground)
    stage = _stage(ground, plan, journal, scenario, command)
    if stage.offset > 0 or left:
        stage.log(kinds.CONTINUED, {"pid": os.getpid(), "at": stage.offset, "ended": left})
    _catch_signals(stage)
    interrupted = False
    try:
        await _play(stage, scenario, catalog, say)
    except* Interrupted:
        interrupted = True
    finally:
        stage.look.close()
    await _last_anchor(stage)
    stage.log(kinds.AFTER, await asyncio.to_thread(after.left_over, ground))
    stage.log(
        kinds.MIRROR, {"name": after.MIRROR, "seqs": await asyncio.to_thread(after.mirror_lines, ground)}
    )
    stage.log(kinds.ENDED, {"why": "interrupted" if interrupted else "done"})
    _publish(stage, "interrupted" if interrupted else "judging")
    return not interrupted


async def _last_anchor(stage: Stage) -> None:
    """Note the room's last head, once its daemon has ended: what anybody writes after it is no part of this soak."""
    with Journal.read_only(stage.ground.room) as journal:
        stage.log(kinds.ANCHOR, {"seq": journal.seq, "head": journal.head, "last": True})


def _stage(
    ground: Ground, plan: Plan, journal: Journal, scenario: Scenario, command: tuple[str, ...]
) -> Stage:
    spent = max((float(event.data.get("t", 0.0)) for event in journal.newest(["soak."], 1)), default=0.0)
    asked = {event.data["key"]: event.data for event in journal.events(kinds=[kinds.ASKED])}
    rng = random.Random(f"{plan.seed}/{round(spent, 3)}")
    stage = Stage(
        ground, plan, journal, Daemon(ground, lambda kind, data: stage.log(kind, data), command), Look(ground),
        scenario.stream(plan), rng, offset=spent, asked=asked,
    )  # fmt: skip
    return stage


def _catch_signals(stage: Stage) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stage.ended.set)


async def _play(
    stage: Stage, scenario: Scenario, catalog: Mapping[str, Callable[[], Fault]], say: Say
) -> None:
    """Keep the daemon, the readings and the scenario going; drain; end the daemon."""
    await asyncio.to_thread(_tidy, stage, say)  # of a runner that was killed
    if not stage.journal.newest([kinds.FED], 1):
        (stage.feed if FOLLOWED in stage.ground.config.read_text() else stage.lay)(scenario.first)
    keeping = asyncio.create_task(stage.daemon.keep())
    reading = asyncio.create_task(_read(stage, say))
    try:
        await _alive(keeping, stage.daemon.first())
        async with asyncio.TaskGroup() as group:
            guard = group.create_task(_guard(keeping, reading))
            works = [
                group.create_task(scenario.drive(stage)),
                group.create_task(halting.halts(stage, scenario.halt_every_s)),
                group.create_task(firing.faults(stage, catalog)),
                group.create_task(firing.orders(stage, catalog)),
                group.create_task(halting.oversee(stage)),
                group.create_task(_anchors(stage)),
            ]
            await asyncio.wait(works)
            guard.cancel()
        if stage.ended.is_set():
            raise Interrupted
        await _drain(stage)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await stage.daemon.stop()
        await asyncio.gather(keeping, return_exceptions=True)
        await asyncio.to_thread(_tidy, stage, say)


def _tidy(stage: Stage, say: Say) -> None:
    """Take back what a fault that never recovered has left over the room's directory."""
    with stage.look.away():
        for done in disk.tidy(stage.ground.room, stage.ground.scratch):
            say(done)


async def _alive(keeping: asyncio.Task[None], waiting: Any) -> None:
    """Wait for something while the daemon is kept; what goes wrong there comes out here."""
    task = asyncio.ensure_future(waiting)
    done, _ = await asyncio.wait({keeping, task}, return_when=asyncio.FIRST_COMPLETED)
    if task not in done:
        task.cancel()
    for one in done:
        one.result()


async def _guard(*tasks: asyncio.Task[None]) -> None:
    """Let a fault of the keeper or of the readings end the soak; nothing is measured without them."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for one in done:
        one.result()


async def _drain(stage: Stage) -> None:
    """Let the room finish what is open, in a bounded time, so that each request can show its end."""
    deadline = time.monotonic() + DRAIN_S
    quiet = 0.0
    while quiet < QUIET_S and time.monotonic() < deadline and not stage.ended.is_set():
        await asyncio.sleep(0.5)
        if stage.daemon.ready.is_set():
            await _lift(stage)
        quiet = quiet + 0.5 if await asyncio.to_thread(stage.open_requests) == 0 else 0.0
    if stage.ended.is_set():
        raise Interrupted
    if quiet < QUIET_S:
        stage.log(
            kinds.FINDING,
            {"text": f"not drained {DRAIN_S:g} s after the end: {stage.open_requests()} requests open"},
        )


async def _lift(stage: Stage) -> None:
    if await asyncio.to_thread(stage.look.of, lambda journal: journal.halt_state(), None) is not None:
        with suppress(MimicryError, OSError):  # tried again at the next look
            await asyncio.to_thread(stage.daemon.ask, "resume", reason="soak: drains")


async def _read(stage: Stage, say: Say) -> None:
    """Take a reading at a fixed cadence, also while the daemon is down: a hole in them is a finding of its own."""
    due = time.monotonic()
    while True:
        values = await asyncio.to_thread(stage.look.read, stage.daemon.pid)
        stage.log(kinds.READING, {"steady": stage.t() >= stage.plan.warm_up, "values": values})
        await asyncio.to_thread(_publish, stage, "runs", values)
        say(_line(stage, values))
        due = max(due + stage.plan.cadence, time.monotonic() - stage.plan.cadence)
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _anchors(stage: Stage) -> None:
    """Note the head of the room's chain: what the room wrote up to here cannot be written anew unseen."""
    while not stage.over():
        for event in await asyncio.to_thread(stage.look.of, _newest, []):
            stage.log(kinds.ANCHOR, {"seq": event.seq, "head": event.hash})
        await stage.sleep(max(ANCHOR_S / stage.plan.compress, 2.0))


def _newest(journal: Journal) -> list[Event]:
    return list(journal.events(after=max(0, journal.seq - 1), limit=1))


def _line(stage: Stage, values: Mapping[str, float]) -> str:
    """Return one line for the terminal: where the soak stands, and what the daemon weighs."""
    left = max(0.0, stage.plan.seconds - stage.t())
    memory, handles = values.get("engine.pss_mb"), values.get("engine.handles")
    weight = "daemon down" if memory is None else f"pss {memory:.1f} MB  handles {handles:.0f}"
    return f"{stage.ground.id}  {stage.t():7.0f} s, {left:.0f} s left  {weight}  asked {len(stage.asked)}  events {values.get('journal.events', 0):.0f}"


def _publish(stage: Stage, phase: str, values: Mapping[str, float] | None = None) -> None:
    """Write the status file that the Soak screen and `soak status` show; whole or not at all."""
    count = {
        kind: len(stage.journal.newest([kind], 10_000)) for kind in (kinds.HALT, kinds.FAULT, kinds.FINDING)
    }
    halts = [
        event.data["seconds"]
        for event in stage.journal.newest([kinds.HALT], 10_000)
        if event.data.get("seconds") is not None
    ]
    deaths = sum(event.data["what"] == "died" for event in stage.journal.newest([kinds.DAEMON], 10_000))
    told = {
        "schema": "soak_status/1", "id": stage.ground.id, "scenario": stage.plan.scenario, "phase": phase,
        "pid": os.getpid(), "t": round(stage.t(), 1), "seconds": stage.plan.seconds, "warm_up": stage.plan.warm_up,
        "asked": len(stage.asked), "draws": stage.position, "halts": count[kinds.HALT], "halt_worst": max(halts, default=None),
        "faults": count[kinds.FAULT], "faults_planned": len(stage.plan.faults), "deaths": deaths,
        "findings": count[kinds.FINDING], "values": dict(values or {}),
    }  # fmt: skip
    with suppress(StateError):  # a disk that a fault has filled: the next reading tries again
        write_atomic(stage.ground.path / STATUS, (json.dumps(told) + "\n").encode())
