"""One rig's life between two links: how long it waits before it knocks again, and that nothing there holds it up for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rigside import until

from engine.config import RigSettings
from engine.errors import BadInput
from engine.rigs import life as module
from engine.rigs.connection import Calls
from engine.rigs.faults import HostKeyRefused, LinkFault, LoginRefused
from engine.rigs.life import AILING, AWAY, SHUT, Life
from engine.rigs.machine import Machine

SETTINGS = RigSettings(name="rig-a", host="192.0.2.1", key=Path("key"), known_hosts=Path("known"))


class Rig:
    """A rig that cannot be reached, or is reached and does not come up."""

    name, calls = "rig-a", Calls()

    def __init__(self, connect: Exception | None, push: Exception | None = None) -> None:
        self._connect, self._push = connect, push

    async def connect(self) -> None:
        if self._connect is not None:
            raise self._connect

    async def push(self, folder: str, files: Any) -> None:
        assert self._push is not None
        raise self._push

    async def close(self) -> None:
        return


def life_on(rig: Any) -> Life:
    quarantine: Any = SimpleNamespace(of=lambda key: None)
    return Life(
        Machine(SETTINGS, quarantine),
        crew=None,
        told=lambda changes: None,
        ended=lambda attempt: None,
        reach=rig,
    )


@pytest.mark.parametrize(
    ("rig", "most"),
    [
        (Rig(LinkFault("away")), AWAY),
        (Rig(None, LinkFault("no room")), AILING),
        (Rig(None, BadInput("no python")), AILING),
        (Rig(HostKeyRefused("unknown")), SHUT),
        (Rig(LoginRefused("no")), SHUT),
    ],
    ids=["away", "no room", "no python", "host key", "login"],
)
async def test_the_longer_it_fails_the_rarer_it_is_tried_and_a_rig_that_is_away_never_rarely(
    rig: Rig, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 9:
            raise asyncio.CancelledError

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await life_on(rig).run()
    assert waits[:3] == [2.0, 4.0, 8.0]
    assert max(waits) == waits[-1] == most


async def test_a_rig_that_holds_its_worker_s_start_up_is_left_when_its_guard_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FAREWELL", 0.05)
    life, link = life_on(Rig(None)), SimpleNamespace(closed=asyncio.Event(), why="cut")

    async def opened(*_: Any) -> Any:
        return link

    async def nothing(*_: Any) -> None:
        return

    async def stuck(*_: Any) -> None:
        await asyncio.Event().wait()

    def keep(group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        return [group.create_task(stuck())]

    replaced: dict[str, Callable[..., Any]] = {
        "_poll": nothing, "_sweep": nothing, "_polls": stuck, "_keep": keep, "_leave": nothing,
    }  # fmt: skip
    for name, stand_in in replaced.items():
        monkeypatch.setattr(life, name, stand_in)
    monkeypatch.setattr(module.GuardLink, "open", opened)
    once = asyncio.create_task(life._once())
    await until(lambda: life.machine.link == "up")
    link.closed.set()
    with pytest.raises(BadInput, match="lost: cut"):
        await asyncio.wait_for(once, 2)


async def test_a_rig_is_let_go_whatever_its_crew_raises() -> None:
    def lost(life: Life) -> None:
        raise KeyError("a fault of ours")

    rig, closed = Rig(None), list[bool]()

    async def close() -> None:
        closed.append(True)

    rig.close = close  # type: ignore[method-assign]
    life = life_on(rig)
    life._crew = SimpleNamespace(lost=lost)  # type: ignore[assignment]
    with pytest.raises(KeyError):
        await life._leave()
    assert closed, "its guard reads end of file"
