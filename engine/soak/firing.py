"""Faults of a plan, each at its second: done, held, undone, recovered from, and what must hold after it asked for."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import MimicryError
from engine.soak import kinds, processes
from engine.soak.fault import CannotBeDone, Fault
from engine.soak.ground import ORDERS
from engine.soak.plan import FaultAt
from engine.soak.stage import Stage
from engine.soak.target import Target
from state.clock import monotonic

POLL_S, ORDER_S = 0.5, 1.0
ROUSE_S = 90.0
"""Seconds after which a room that is not back is given work: one at rest starts no worker in the place of a dead one."""
TRY_S, AGAIN_S = 120.0, 3.0
"""Seconds for which a fault is tried again whose process does not run at its moment, and between two tries."""
MOMENTARY = "at this moment"
WORK: Mapping[str, Any] = {"type": "pipeline_rerun"}
"""Asked for where a fault finds nothing to break: a room at rest lets its scheduler and workers go. It has a search and trainings."""


async def faults(stage: Stage, catalog: Mapping[str, Callable[[], Fault]]) -> None:
    """Fire every fault of the plan that no earlier runner has fired; a room at rest is given work first."""
    fired = {event.data["n"] for event in stage.journal.events(kinds=[kinds.FAULT])}
    for number, asked in enumerate(stage.plan.faults):
        if number in fired:
            continue
        await stage.sleep(stage.plan.when(asked) - stage.t())
        if stage.over():
            return
        until, roused = stage.t() + TRY_S, False
        while True:
            async with stage.hands:
                last = stage.t() >= min(until, stage.plan.seconds - 2 * AGAIN_S)
                if await fire(stage, number, asked, catalog[asked.name](), last=last):
                    break
            if not roused:
                roused = True
                stage.ask({**WORK, "reason": f"soak: work for {asked.name}"}, door="inbox")
            await stage.sleep(AGAIN_S)
            if stage.over():
                return


async def orders(stage: Stage, catalog: Mapping[str, Callable[[], Fault]]) -> None:
    """Fire what somebody asks for beside the plan, one after the other, with who asked on record."""
    folder = stage.ground.path / ORDERS
    while not stage.over():
        for file in await asyncio.to_thread(_waiting, folder):
            told = json.loads(file.read_text(encoding="utf-8"))
            file.unlink()
            fired = [event.data["n"] for event in stage.journal.newest([kinds.FAULT], 10_000)]
            number = max([len(stage.plan.faults) - 1, *fired]) + 1
            async with stage.hands:
                asked = FaultAt(name=told["name"], at=1.0)
                await fire(stage, number, asked, catalog[asked.name](), by=told["by"])
        await stage.sleep(ORDER_S)


def _waiting(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime) if folder.is_dir() else []


async def fire(
    stage: Stage, number: int, asked: FaultAt, fault: Fault, *, last: bool = True, by: str = ""
) -> bool:
    """Do one fault from beginning to end; whatever happens, it is undone and on the record.

    False: it could not be done at this moment (its process does not run), and unless this is the `last` try nothing is recorded.
    """
    target = target_of(stage)
    begun = time.monotonic()
    head: dict[str, Any] = {"n": number, "name": fault.name, **({"by": by} if by else {})}
    stage.daemon.expect(f"fault {fault.name}")
    stage.fault = fault.name
    told: dict[str, Any] = {"holds": False, "findings": [], "skipped": None}
    try:
        did = await asyncio.to_thread(fault.inject, target, dict(asked.options))
        stage.log(kinds.FAULT, head | {"mono": monotonic(), "did": did, "must": fault.holds})
        if fault.undo_first:
            await asyncio.sleep(fault.hold_s)
            await asyncio.to_thread(fault.undo, target)
        begun = time.monotonic()
        back = await _recovered(stage, fault, target, begun)
        told["seconds"] = round(time.monotonic() - begun, 3)
        if back:
            told["findings"] = await asyncio.to_thread(fault.findings, target)
        else:
            told["findings"] = [f"not back after {fault.settle_s:g} s"]
        told["holds"] = not told["findings"]
    except CannotBeDone as error:
        if not last and MOMENTARY in str(error):
            return False
        stage.log(kinds.FAULT, head | {"mono": monotonic(), "did": None, "skipped": str(error)})
        told["skipped"] = str(error)
    except (MimicryError, OSError) as error:
        told["findings"] = [f"{type(error).__name__}: {error}"[:300]]
    finally:
        try:
            await asyncio.to_thread(fault.undo, target)
        except (MimicryError, OSError) as error:
            told["findings"] = [*told["findings"], f"undo: {type(error).__name__}: {error}"[:300]]
            told["holds"] = False
        stage.daemon.calm()
        stage.fault = ""
    stage.log(kinds.RECOVERED, {**head, "seconds": round(time.monotonic() - begun, 3), **told})
    return True


async def _recovered(stage: Stage, fault: Fault, target: Target, begun: float) -> bool:
    roused = False
    while (waited := time.monotonic() - begun) < fault.settle_s:
        if await asyncio.to_thread(fault.recovered, target):
            return True
        if not roused and waited >= ROUSE_S:
            roused = True
            stage.ask({**WORK, "reason": f"soak: work after {fault.name}"}, door="inbox")
        await asyncio.sleep(POLL_S)
    return False


def target_of(stage: Stage) -> Target:
    """Return what faults may touch."""

    return Target(
        state=stage.ground.room,
        scratch=stage.ground.scratch,
        processes=lambda: processes.tree(stage.daemon.pid),
        ask=stage.daemon.ask,
        restart=lambda conditions: stage.daemon.restart(conditions, stage.look.away),
        room_seq=lambda: stage.look.of(lambda journal: journal.seq, 0),
        seed=stage.plan.seed,
    )
