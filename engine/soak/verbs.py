"""What the socket answers and does about soaks: the running one and its faults, start, stop, fire, compare. Light: each imports what it needs."""

from __future__ import annotations

import asyncio
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
        from engine.soak.hand import catalogue

        return {"faults": catalogue()}

    async def start(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, scenario=None, reason="", **dict.fromkeys(OPTIONS, ""))
        if asked["scenario"] not in LETTERS:
            raise UsageError(f"soak_start: scenario {asked['scenario']!r} is none of a, b, c")
        options = {name: str(asked[name]) for name in OPTIONS}
        from engine.soak import hand

        return await asyncio.to_thread(hand.start, state, asked["scenario"], options)

    async def stop(command: Command, by: str) -> dict[str, Any]:
        only(command, reason="")
        from engine.soak import hand

        return await asyncio.to_thread(hand.stop, state)

    async def fire(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, fault="", reason="")
        from engine.soak import hand

        who = f"{by}: {asked['reason']}" if asked["reason"] else by
        return await asyncio.to_thread(hand.fire, state, str(asked["fault"]), who[:200])

    async def compare(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, a=None, b=None)
        from engine.soak import hand

        return await asyncio.to_thread(hand.beside, state, str(asked["a"]), str(asked["b"]))

    return {
        "soak": soak, "soak_faults": faults, "soak_start": start, "soak_stop": stop, "soak_fire": fire, "soak_compare": compare,
    }  # fmt: skip


def told(state: Path) -> dict[str, Any]:
    """Return the running soak's status and its faults; no soak: None and none."""
    from engine.soak import hand

    found = hand.running(state)
    if found is None:
        return {"soak": None, "faults": []}
    return {"soak": found[1], "faults": hand.recoveries(found[0])}
