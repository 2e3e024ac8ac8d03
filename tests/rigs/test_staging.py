"""Staging over a real sshd: content is its name, damaged or oversized files never count, what is there is not sent again."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rigside import make_cards, quick, until

from engine.compute.inputs import Input
from engine.errors import EnvironmentFault
from engine.rigs.here import Here
from engine.rigs.life import Life, reach_of
from engine.rigs.machine import Machine
from engine.rigs.quarantine import Quarantine
from engine.rigs.reach import Reach
from engine.rigs.recruits import Recruits
from engine.rigs.staging import MIB, Budget, Stage
from state.journal import Journal

Settings = Callable[..., Any]


@pytest.fixture
async def rig(rig_settings: Settings) -> AsyncIterator[Reach]:
    reach = reach_of(rig_settings(1))
    await reach.connect()
    yield reach
    await reach.close()


@pytest.fixture
def near() -> Reach:
    """The same without SSH, for what is the same on both."""
    return Here("rig-a")


def made(path: Path, data: bytes) -> dict[str, Path]:
    path.write_bytes(data)
    return {hashlib.sha256(data).hexdigest(): path}


async def test_a_file_is_there_under_its_digest_and_only_sent_once(
    rig: Reach, tmp_path: Path, staging: Path
) -> None:
    stage = Stage(headroom=0)
    files = made(tmp_path / "a", b"a" * 300_000) | made(tmp_path / "b", b"b" * 10)
    there = await stage.put(rig, sys.executable, str(staging), files)
    for digest, path in there.items():
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest
        assert Path(path).stat().st_mode & 0o777 == 0o600
    before = {path: Path(path).stat().st_mtime_ns for path in there.values()}
    await stage.put(rig, sys.executable, str(staging), files)
    assert {path: Path(path).stat().st_mtime_ns for path in there.values()} == before
    assert await stage.sweep(rig, sys.executable, str(staging), keep=list(files)[:1]) == 1


@pytest.mark.slow
async def test_what_rots_on_the_rig_is_sent_again_and_partial_files_go(
    near: Reach, tmp_path: Path, staging: Path
) -> None:
    """About 3 s."""
    stage = Stage(headroom=0)
    files = made(tmp_path / "a", b"a" * 1000)
    [path] = (await stage.put(near, sys.executable, str(staging), files)).values()
    Path(path).write_bytes(b"rotten")
    (Path(path).parent / "dead.part").write_bytes(b"half")
    await stage.put(near, sys.executable, str(staging), files)
    assert Path(path).read_bytes() == b"a" * 1000
    assert not list(Path(path).parent.glob("*.part"))


async def test_a_transfer_that_arrives_damaged_twice_is_refused(
    near: Reach, tmp_path: Path, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_upload = near.upload

    async def upload(path: str, blocks: AsyncIterator[bytes]) -> None:
        async def flipped() -> AsyncIterator[bytes]:
            async for block in blocks:
                yield block[:-1] + b"?"

        await true_upload(path, flipped())

    monkeypatch.setattr(near, "upload", upload)
    with pytest.raises(EnvironmentFault, match="a arrived damaged 2 times"):
        await Stage(headroom=0).put(near, sys.executable, str(staging), made(tmp_path / "a", b"a" * 1000))
    assert not list((staging / "mimicry-store").iterdir())


async def test_one_file_that_fails_ends_the_others_so_that_no_two_ever_write_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, ended = Stage(headroom=0), []  # type: ignore[var-annotated]

    async def send(rig: Any, store: Any, digest: str, path: Path) -> None:
        if path.name == "a":
            raise EnvironmentFault("arrived damaged")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(path.name)

    async def ask(self: Any, **order: Any) -> dict[str, Any]:
        return {"whole": [], "free": MIB}

    monkeypatch.setattr(stage, "_send", send)
    monkeypatch.setattr("engine.rigs.staging.Store.ask", ask)
    rig: Any = SimpleNamespace(name="rig-a")
    with pytest.raises(EnvironmentFault, match="arrived damaged"):
        await stage.put(rig, "python3", "/dev/shm", made(tmp_path / "b", b"b") | made(tmp_path / "a", b"a"))
    assert ended == ["b"]


@pytest.fixture
def small_ramdisk(staging: Path) -> Iterator[Path]:
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(staging)], capture_output=True
    ).returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield staging
    subprocess.run(["umount", "-l", str(staging)], check=True)


async def test_a_full_ramdisk_is_refused_before_anything_is_sent_and_while_it_fills(
    rig: Reach, tmp_path: Path, small_ramdisk: Path
) -> None:
    files = made(tmp_path / "a", b"a" * 3 * MIB)
    with pytest.raises(EnvironmentFault, match=r"3 MiB do not fit on .* 2 stay free"):
        await Stage(headroom=2 * MIB).put(rig, sys.executable, str(small_ramdisk), files)
    assert not list((small_ramdisk / "mimicry-store").iterdir())
    files = made(tmp_path / "b", b"b" * 5 * MIB)
    with pytest.raises(EnvironmentFault, match=r"cannot write .*; check its space"):
        await Stage(headroom=-8 * MIB).put(rig, sys.executable, str(small_ramdisk), files)
    await Stage(headroom=0).put(rig, sys.executable, str(small_ramdisk), made(tmp_path / "c", b"c"))


async def test_a_store_that_is_a_link_is_refused(near: Reach, tmp_path: Path, staging: Path) -> None:
    (staging / "mimicry-store").symlink_to(tmp_path)
    with pytest.raises(EnvironmentFault, match="is somebody else's; remove it"):
        await Stage(headroom=0).put(near, sys.executable, str(staging), made(tmp_path / "a", b"a"))


async def test_the_budget_spreads_what_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = 100.0, []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("engine.rigs.staging.asyncio.sleep", sleep)
    budget = Budget(1000, clock=lambda: now)
    for _ in range(3):
        await budget.spend(1000)
    assert slept == pytest.approx([0.9, 1.9, 2.9])


class Engine:
    """What the rigs need of a compute engine to bring it files."""

    def __init__(self) -> None:
        self.news: list[tuple[str, Any]] = []

    def bring_by(self, stager: Any) -> None:
        self.stager = stager

    def wanted_inputs(self) -> frozenset[str]:
        return frozenset(one.digest for one in self.inputs)

    def workers(self) -> list[Any]:
        return [WORKER]

    inputs: tuple[Input, ...] = ()

    def confirm(self, host: str, digests: frozenset[str]) -> None:
        self.news.append((host, digests))

    def unstaged(self, host: str, why: str) -> None:
        self.news.append((host, why))

    def lost_inputs(self, host: str) -> None:
        self.news.append((host, "lost"))


WORKER = SimpleNamespace(name="rig-a/gpu0", busy=False)  # there is one already, so that none is enlisted


async def test_an_engine_s_inputs_are_staged_confirmed_swept_and_forgotten_with_the_link(
    rig_settings: Settings, tmp_path: Path, staging: Path
) -> None:
    wanted, old = (Input.write(tmp_path / "inputs", {"v": np.arange(9) + shift}) for shift in (0, 1))
    store = staging / "mimicry-store"
    store.mkdir(mode=0o700)
    (store / old.digest).write_bytes(old.path.read_bytes())
    engine, recruits = Engine(), Recruits()
    engine.inputs = (wanted,)
    recruits.join(engine)  # type: ignore[arg-type]
    settings = rig_settings(1)
    with Journal.open(tmp_path / "journal") as journal:
        life = Life(
            Machine(settings, Quarantine(journal)), crew=recruits, told=lambda changes: None, ended=lambda attempt: None,
            terms=quick(settings, staging), roots=(str(make_cards(tmp_path / "sys", 1)), "/proc", "false"), stage=Stage(headroom=0),
        )  # fmt: skip
        task = asyncio.create_task(life.run())
        try:
            await until(
                lambda: ("rig-a", frozenset()) in engine.news
            )  # it is asked anew what it was refused before
            engine.news.clear()
            assert list(store.iterdir()) == [], "what nobody needs is swept when the rig is reached"
            recruits.stage("rig-a", {wanted.digest: wanted})
            await until(lambda: engine.news)
            assert engine.news == [("rig-a", frozenset({wanted.digest}))]
            assert (store / wanted.digest).read_bytes() == wanted.path.read_bytes()
            changed = Input(old.digest, wanted.path, 1)
            recruits.stage("rig-a", {old.digest: changed})
            await until(lambda: len(engine.news) == 2)
            assert "it changed since it was named" in engine.news[1][1]
            recruits.stage("rig-z", {wanted.digest: wanted})
            await until(lambda: len(engine.news) == 3)
            assert engine.news[2] == ("rig-z", "rig rig-z: not reached; they are sent once it is")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert engine.news[-1] == ("rig-a", "lost")


async def test_where_the_room_is_short_what_nobody_needs_goes_first(
    near: Reach, tmp_path: Path, small_ramdisk: Path
) -> None:
    stage, files = Stage(headroom=MIB), made(tmp_path / "a", b"a" * 2 * MIB)
    await stage.put(near, sys.executable, str(small_ramdisk), files)
    more = made(tmp_path / "b", b"b" * 2 * MIB)
    with pytest.raises(EnvironmentFault, match="do not fit"):
        await stage.put(near, sys.executable, str(small_ramdisk), more, keep=files)
    there = await stage.put(near, sys.executable, str(small_ramdisk), more, keep=())
    assert [path.name for path in (small_ramdisk / "mimicry-store").iterdir()] == list(there)
