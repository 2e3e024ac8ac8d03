"""Soak C, closed loop: draws keep coming, the generator degrades, changes and gives way to chance; the room must notice, find, and not find."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from engine.soak.plan import Plan
from engine.soak.scenarios.scenario import FIRST_DRAWS, RANGE, Scenario, room
from engine.soak.stage import Stage
from engine.soak.streams import Stream, Stretch, stream
from state.journal import Journal

SEEDS, STARTS = 1 << 17, 15
DRAW_EVERY_S = 5.0
LEAST_PACE_S = 1.0
PLAY: Mapping[str, Any] = {"type": "selfplay_retrain", "episodes": 10}
LOOK_S = 1.0
LEAST_JUDGED, PATIENCE_S = 5, 300.0
SHARES = (
    (0.2, Stretch(0)),
    (0.2, Stretch(0)),
    (0.2, Stretch(0, 0.5, same=True)),
    (0.0, Stretch(0, null=True)),
)
"""Of the draws after the first ones: a generator, another one, that one gone bad (half of its draws wrong), then chance to the end."""


def pace(plan: Plan) -> float:
    """Return the seconds between two draws."""
    return max(DRAW_EVERY_S / plan.compress, LEAST_PACE_S)


def settings(plan: Plan, ground: Mapping[str, Any]) -> dict[str, Any]:
    """Return the room's settings."""
    return room(SEEDS, follow=ground["draws"], starts=STARTS)


def draws(plan: Plan) -> Stream:
    """Return the regimes, sized to the draws that this soak will feed."""
    total = plan.seconds / pace(plan)
    stretches = [Stretch(round(share * total), one.noise, one.same, one.null) for share, one in SHARES]
    stretches[0] = Stretch(FIRST_DRAWS + stretches[0].draws, stretches[0].noise)
    return stream(plan.seed, stretches, seeds=SEEDS, span=RANGE)


async def drive(stage: Stage) -> None:
    """Feed draws at a steady pace; after each finished run ask for selfplay on what it scored."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_feed(stage))
        group.create_task(_play(stage))
    await _judged_at_all(stage)


async def _feed(stage: Stage) -> None:
    every = pace(stage.plan)
    due = stage.t()
    while not stage.over():
        due = max(due + every, stage.t() - 10 * every)
        await stage.sleep(due - stage.t())
        if not stage.over():
            stage.feed(1)


async def _judged_at_all(stage: Stage) -> None:
    """Where a short soak's time was over before the first pool was published, feed on until some draws were judged by one."""
    deadline = stage.t() + PATIENCE_S
    while (
        not stage.ended.is_set()
        and stage.t() < deadline
        and await asyncio.to_thread(_judged, stage) < LEAST_JUDGED
    ):
        await asyncio.sleep(pace(stage.plan))
        stage.feed(1)


def _judged(stage: Stage) -> int:
    return stage.look.of(lambda journal: len(journal.newest(["draw.judged"], LEAST_JUDGED)), 0)


async def _play(stage: Stage) -> None:
    """Drop one request for selfplay after each run that gave a new table of scores."""
    played = _runs(stage) if stage.asked else 0
    while not stage.over():
        await stage.sleep(LOOK_S)
        runs = await asyncio.to_thread(_runs, stage)
        if runs > played and await asyncio.to_thread(stage.open_requests) == 0:
            played = runs
            stage.ask({**PLAY, "reason": f"soak-{len(stage.asked):05d}"}, door="inbox")


def _runs(stage: Stage) -> int:
    """Return how many steps 3 have run to their end."""

    def count(journal: Journal) -> int:
        steps = journal.events(kinds=["step.finished"])
        return sum(event.data["step"] == "3" and event.data["status"] == "done" for event in steps)

    return stage.look.of(count, 0)


SCENARIO = Scenario(
    "c", "closed loop", "draws keep coming: planted truth is found, its change noticed, chance is not found, each draw counts once",
    settings, draws, drive, first=FIRST_DRAWS, halt_every_s=120.0,
)  # fmt: skip
