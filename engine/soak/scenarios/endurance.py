"""Soak A, endurance: draws trickle in, and the room is never without work of every kind while what it weighs is read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from engine.soak.plan import Plan
from engine.soak.scenarios.scenario import FIRST_DRAWS, RANGE, Scenario, room
from engine.soak.stage import Stage
from engine.soak.streams import Stream, Stretch, stream

SEEDS = 1 << 22
DRAW_EVERY_S = 60.0
BREATH_S = 0.5
"""From asking until the queue is looked at: the inbox takes a file a second after it came."""
NOISE = 0.1
ROUND: tuple[Mapping[str, Any], ...] = (
    {"type": "selfplay_retrain", "episodes": 12},
    {"type": "pipeline_rerun"},
    {"type": "learning_loop"},
    {"type": "step_force", "step": "5"},
    {"type": "selfplay_retrain", "episodes": 8, "policy_conditioned": True},
)
"""Asked for one after the other, each when the one before has ended; a draw comes before each, so that none finds its work done."""


def settings(plan: Plan, ground: Mapping[str, Any]) -> dict[str, Any]:
    """Return the room's settings."""
    return room(SEEDS, follow=ground["draws"])


def draws(plan: Plan) -> Stream:
    """Return one planted generator that never changes."""
    return stream(plan.seed, [Stretch(0, NOISE)], seeds=SEEDS, span=RANGE)


async def drive(stage: Stage) -> None:
    """Keep draws coming and the queue filled until the time is up."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_trickle(stage))
        group.create_task(_work(stage))


async def _trickle(stage: Stage) -> None:
    pace = max(DRAW_EVERY_S / stage.plan.compress, 1.0)
    while not stage.over():
        await stage.sleep(pace)
        if not stage.over():
            stage.feed(1)


async def _work(stage: Stage) -> None:
    """Begin when the room's own first search has ended: before it there is nothing to build on."""
    while not stage.over() and await asyncio.to_thread(stage.finished) == 0:  # noqa: ASYNC110 - the room tells nobody
        await asyncio.sleep(1.0)
    while not stage.over():
        place = len(stage.asked)
        key = stage.ask(_request(place), door="inbox" if place % 2 else "socket")
        if place % 2 == 0 and not await stage.send(key):
            return
        stage.feed(1)
        await asyncio.sleep(BREATH_S)
        await stage.idle()


def _request(place: int) -> dict[str, Any]:
    return {**ROUND[place % len(ROUND)], "reason": f"soak-{place:05d}"}


SCENARIO = Scenario(
    "a", "endurance", "the daemon runs for hours: no leak, no handle lost, no stale lock, halt at any time",
    settings, draws, drive, first=FIRST_DRAWS, halt_every_s=50.0,
)  # fmt: skip
