"""What the socket answers and does about soaks: the running one and its faults, start, stop, fire, compare. Light: each imports what it needs."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.verb_arguments import only

if TYPE_CHECKING:
    from engine.protocol import Command
    from engine.server import Handler

LETTERS = ("a", "b", "c")
OPTIONS = ("hours", "compress", "faults", "seed")


def soak_verbs(state: Path) -> Mapping[str, Handler]:
    """Return the handlers by verb."""

    async def soak(command: Command, by: str) -> dict[str, Any]:
        only(command)
        return {"schema": "soak/1", **await asyncio.to_thread(told, state)}

    async def faults(command: Command, by: str) -> dict[str, Any]:
        only(command)
        return {"faults": await by_hand("catalogue")}

    async def start(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, scenario=None, reason="", **dict.fromkeys(OPTIONS, ""))
        if asked["scenario"] not in LETTERS:
            raise UsageError(f"soak_start: scenario {asked['scenario']!r} is none of a, b, c")
        options = {name: str(asked[name]) for name in OPTIONS}
        return dict(await by_hand("start", state, asked["scenario"], options))

    async def stop(command: Command, by: str) -> dict[str, Any]:
        only(command, reason="")
        return dict(await by_hand("stop", state))

    async def fire(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, fault="", reason="")
        who = f"{by}: {asked['reason']}" if asked["reason"] else by
        return dict(await by_hand("fire", state, str(asked["fault"]), who[:200]))

    async def compare(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, a=None, b=None)
        return dict(await by_hand("beside", state, str(asked["a"]), str(asked["b"])))

    return {
        "soak": soak, "soak_faults": faults, "soak_start": start, "soak_stop": stop, "soak_fire": fire, "soak_compare": compare,
    }  # fmt: skip


async def by_hand(name: str, *args: object) -> Any:
    """Call a function of `engine.soak.hand` off the loop, its import included: that takes seconds on a busy machine."""

    def called() -> Any:
        return getattr(importlib.import_module("engine.soak.hand"), name)(*args)

    return await asyncio.to_thread(called)


def told(state: Path) -> dict[str, Any]:
    """Return the running soak's status and its faults; no soak: None and none."""
    from engine.soak import hand

    found = hand.running(state)
    if found is None:
        return {"soak": None, "faults": []}
    return {"soak": found[1], "faults": hand.recoveries(found[0])}
