"""The engine's end of a guard: one that does not come up, or is given up, leaves nothing behind; what breaks is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.rigs.faults import LinkFault
from engine.rigs.guardlink import Event, GuardLink, Terms
from engine.rigs.here import Here


async def test_a_guard_that_does_not_come_up_leaves_no_folder_in_the_rig_s_memory(tmp_path: Path) -> None:
    terms = Terms(python="/no/python3", staging=str(tmp_path))
    with pytest.raises(
        LinkFault, match=r"did not come up: .*/no/python3.*check `python` \(/no/python3\) in room.toml"
    ):
        await GuardLink.open(Here("rig-a"), terms, lambda event: None)
    assert list(tmp_path.iterdir()) == []


class Mute:
    """A rig whose guard says what it is told to, and then nothing."""

    name = "rig-a"

    def __init__(self, *said: bytes) -> None:
        self.said, self.sent, self.closed = said, list[bytes](), asyncio.Event()

    async def push(self, folder: str, files: object) -> None:
        pass

    async def channel(self, command: str) -> Mute:
        return self

    def send(self, line: bytes) -> None:
        self.sent.append(line)

    async def lines(self) -> AsyncIterator[bytes]:
        for line in self.said:
            yield line
        await self.closed.wait()

    def close(self) -> None:
        self.closed.set()


async def test_a_link_that_is_given_up_before_its_guard_is_up_beats_no_lease_any_more() -> None:
    rig: Any = Mute()
    before = asyncio.all_tasks()
    opening = asyncio.create_task(GuardLink.open(rig, Terms(), lambda event: None))
    await asyncio.sleep(0.01)
    opening.cancel()
    await asyncio.wait({opening})
    assert rig.closed.is_set(), "its guard reads end of file"
    assert asyncio.all_tasks() == before


async def test_what_breaks_where_the_guard_is_heard_ends_the_link_at_once_and_says_so() -> None:
    rig: Any = Mute(b'{"event":"up","pid":7,"slots":1,"blind":""}\n', b'{"event":"beat"}\n')

    def on_event(event: Event) -> None:
        if event["event"] == "beat":
            raise KeyError("gpu0")

    link = await GuardLink.open(rig, Terms(), on_event)
    async with asyncio.timeout(5):
        await link.closed.wait()
    assert "KeyError: 'gpu0'" in link.why
    await link.close()
