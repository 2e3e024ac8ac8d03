"""A real sshd of this machine on a free loopback port, with keys and configuration made for the test; and a crew of small workers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.config import RigSettings
from engine.rigs.here import Here
from engine.rigs.life import Life
from engine.rigs.machine import Machine
from engine.rigs.quarantine import Quarantine
from state.journal import Journal

sys.path.insert(0, str(Path(__file__).parent))
from rigside import SmallCrew, Stage, made_settings, make_cards, quick
from sshd import SSHD, Server, start


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if SSHD is None:
        pytest.skip("sshd is missing: apt-get install openssh-server")
    server = start(tmp_path_factory.mktemp("sshd"))
    yield server
    server.process.terminate()
    server.process.wait()


@pytest.fixture
def crew(tmp_path: Path) -> SmallCrew:
    return SmallCrew(tmp_path / "initialisations")


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    (tmp_path / "shm").mkdir()
    return tmp_path / "shm"


@pytest.fixture
def rig_settings(server: Server, staging: Path) -> Callable[..., RigSettings]:
    """Return a maker of the settings that room.toml would give for the test's sshd, with cards of a made-up sysfs."""

    def make(cards: int = 1, **others: Any) -> RigSettings:
        return made_settings(server, Path(others.pop("staging", staging)), cards, **others)

    return make


@pytest.fixture
def raise_rig(
    tmp_path: Path,
    crew: SmallCrew,
    rig_settings: Callable[..., RigSettings],
    staging: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., AbstractAsyncContextManager[Stage]]:
    """Return how to live through one rig's life: real guard, real small workers, made-up cards, short times; `ssh` goes through sshd."""
    monkeypatch.setattr("engine.rigs.life.FIRST_RETRY", 0.2)
    monkeypatch.setattr("engine.rigs.worker.FIRST_DELAY", 0.2)

    @asynccontextmanager
    async def up(
        cards: int = 1, *, ssh: bool = False, terms: dict[str, Any] | None = None, **settings: Any
    ) -> AsyncIterator[Stage]:
        root = tmp_path / "sys"
        if not root.exists():
            make_cards(root, cards)
        found = rig_settings(cards, **settings)
        stage, reach = Stage(), None if ssh else Here(found.name)
        with Journal.open(tmp_path / f"journal-{found.name}") as journal:
            stage.journal = journal
            machine = Machine(found, Quarantine(journal))
            stage.life = Life(machine, reach=reach, crew=crew, told=stage.changes.extend, ended=stage.attempts.append,
                              terms=quick(found, staging, **(terms or {})), roots=(str(root), "/proc", "false"))  # fmt: skip
            task = asyncio.create_task(stage.life.run())
            try:
                yield stage
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    return up
