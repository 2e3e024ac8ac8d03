"""Soak B, queue: bursts of requests of every type through both doors, back to back, and the engine killed in the middle of them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from typing import Any

from engine.soak.plan import Plan
from engine.soak.scenarios.scenario import RANGE, Scenario, room
from engine.soak.stage import Stage
from engine.soak.streams import Stream, Stretch, stream

SEEDS = 1 << 20
FIRST_DRAWS = 60
NOISE = 0.05
HEAVY: tuple[Mapping[str, Any], ...] = (
    {"type": "pipeline_rerun"},
    {"type": "selfplay_retrain", "episodes": 8},
    {"type": "learning_loop"},
    {"type": "step_force", "step": "6"},
)
LONG: tuple[Mapping[str, Any], ...] = (
    {"type": "learning_loop", "steps": ["3", "5"]},
    {"type": "selfplay_retrain", "episodes": 4},
)
BROKEN: Mapping[str, Any] = {"type": "pipeline_rernu"}
"""A request that can never be one: it must be archived as rejected, with the reason."""
CRASHES = 2
"""Kills in a burst, each at a random moment of it."""
MOMENT_S = (0.2, 25.0)


def settings(plan: Plan, ground: Mapping[str, Any]) -> dict[str, Any]:
    """Return the room's settings: after the first ones, draws come as requests only."""
    return room(SEEDS, follow=None)


def draws(plan: Plan) -> Stream:
    """Return one planted generator."""
    return stream(plan.seed, [Stretch(0, NOISE)], seeds=SEEDS, span=RANGE)


async def drive(stage: Stage) -> None:
    """Burst after burst: ask for everything, crash, wait until all of it has ended."""
    for key in list(stage.asked):
        if stage.asked[key]["door"] == "socket":  # an earlier runner may have died before it was heard
            await stage.send(key)
    await stage.idle()
    number = sum(one["type"] == BROKEN["type"] for one in stage.asked.values())
    while not stage.over():
        async with asyncio.TaskGroup() as group:
            group.create_task(_burst(stage, number))
            group.create_task(_crashes(stage))
        await stage.idle()
        number += 1


async def _inject(stage: Stage, count: int) -> None:
    for _ in range(count):
        number = FIRST_DRAWS + sum(one["type"] == "inject_draw" for one in stage.asked.values())
        key = f"soak-{len(stage.asked):05d}"
        request = {"type": "inject_draw", "value": stage.stream.value(number), "reason": key}
        if not await stage.send(stage.ask(request, door="socket")):
            return


async def _burst(stage: Stage, number: int) -> None:
    """Ask back to back: a draw before each heavy request, so that each finds work that nobody has done."""
    heavy = [*HEAVY, *(LONG if number % 2 else ())]
    stage.random.shuffle(heavy)
    if number == 0:
        heavy.sort(key=lambda one: one["type"] != "pipeline_rerun")  # selfplay needs a scored table
    for place, asked in enumerate(heavy):
        await _inject(stage, 1)
        key = f"soak-{len(stage.asked):05d}"
        door = "inbox" if (place + number) % 2 else "socket"
        stage.ask({**asked, "reason": key}, door=door)
        if door == "socket" and not await stage.send(key):
            return
    stage.ask({**BROKEN, "reason": f"soak-{len(stage.asked):05d}"}, door="inbox")


async def _crashes(stage: Stage) -> None:
    """Kill the engine at random moments of the burst, as the kernel would."""
    low, high = MOMENT_S
    for _ in range(CRASHES):
        await stage.sleep(stage.random.uniform(low, max(low + 1.0, high / stage.plan.compress)))
        if stage.over():
            return
        async with stage.hands:
            pid = stage.daemon.pid
            if pid is None or not stage.daemon.ready.is_set():
                continue
            stage.daemon.expect("crash of the burst")
            os.kill(pid, signal.SIGKILL)
            while stage.daemon.pid == pid:  # noqa: ASYNC110 - its end is what `keep` polls for as well
                await asyncio.sleep(0.05)
            await asyncio.wait_for(stage.daemon.ready.wait(), 60)


SCENARIO = Scenario(
    "b", "queue", "requests back to back: each taken, done, archived, in order, once, also across crashes",
    settings, draws, drive, first=FIRST_DRAWS, halt_every_s=120.0,
)  # fmt: skip
