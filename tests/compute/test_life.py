"""A life: a scheduler counts as silent once it could speak, and one that cannot be started is one clear line."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.compute import life
from engine.errors import EnvironmentFault


class Mute:
    """A scheduler that says nothing."""

    def silence(self) -> float:
        return 1e9


async def test_a_scheduler_is_not_given_up_for_its_silence_before_it_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(life, "LOOK", 0.0)
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    given_up = asyncio.create_task(life._silent(Mute(), address))  # type: ignore[arg-type]
    await asyncio.sleep(0.02)
    assert not given_up.done()
    address.set_result("tls://127.0.0.1:1")
    await asyncio.wait_for(given_up, 5.0)


async def test_a_scheduler_that_cannot_be_started_is_an_error_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def spawn(*_: Any) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(life.Child, "spawn", spawn)
    ground, wire = SimpleNamespace(state=tmp_path), SimpleNamespace(close=lambda: asyncio.sleep(0))
    with pytest.raises(
        EnvironmentFault, match=r"compute: its scheduler does not start: .*Too many open files"
    ):
        await life.Life.start(ground, [], SimpleNamespace(), wire)  # type: ignore[arg-type]


async def test_a_scheduler_that_stands_still_holds_up_no_end(tmp_path: Path) -> None:
    dead = asyncio.Event()

    async def ends() -> None:
        dead.set()

    one = life.Life(SimpleNamespace(state=tmp_path), SimpleNamespace(), SimpleNamespace(close=dead.wait))  # type: ignore[arg-type]
    one._scheduler = SimpleNamespace(close=ends)  # type: ignore[assignment]
    await asyncio.wait_for(one.close(), 5.0)
