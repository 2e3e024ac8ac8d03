"""A worker that is started as a rig starts one: from files in a private directory, with nothing shared but two pipes and a port."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conformance import until
from sample_kinds import KINDS

from engine.compute import here
from engine.compute.cluster import Compute
from engine.compute.enrol import Event, OnEvent, Order, worker_payload
from engine.compute.isolation import environment
from engine.compute.pki import Authority
from engine.compute.place import Place
from engine.compute.task import Task
from engine.errors import UsageError


class Piped:
    """A worker's process over pipes alone: a rig's guard and its link, in a few lines."""

    def __init__(self, process: asyncio.subprocess.Process, on_event: OnEvent) -> None:
        self.pid: int | None = process.pid
        self.heard, self._process = time.monotonic(), process
        self.events: list[str] = []
        self._reader = asyncio.create_task(self._listen(on_event))

    async def _listen(self, on_event: OnEvent) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.heard = time.monotonic()
            event = json.loads(line)
            self.events.append(event["event"])
            if event["event"] == "gate":
                self.send({"gate": "open"})
            elif event["event"] != "initialised":
                on_event(event)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    def send(self, line: Event) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")

    def silence(self) -> float:
        return time.monotonic() - self.heard

    def kill(self, why: str = "") -> None:
        if self.alive:
            os.killpg(self._process.pid, signal.SIGKILL)

    def refuse(self, why: str) -> None:
        self.kill()

    async def wait(self) -> int:
        code = await self._process.wait()
        await self._reader
        return code

    def last_words(self) -> str:
        return "the rig's own words"

    async def kernel_log(self, since: float) -> str:
        return "amdgpu 0000:03:00.0: GPU reset"

    async def close(self) -> None:
        self.kill()
        await self.wait()


class Rig:
    """A directory that stands for a rig."""

    def __init__(self, home: Path) -> None:
        self.home, self.last = home, None

    async def start(self, order: Order, on_event: OnEvent) -> Piped:
        payload = worker_payload(
            order, port=order.port, inputs=str(self.home / "store"), python=sys.executable,
            env={"HIP_VISIBLE_DEVICES": "0"}, gate=True,
        )  # fmt: skip
        assert not any("KEY" in text for text in (*payload.argv, *payload.env.values()))
        folder = self.home / str(order.launch)
        folder.mkdir(mode=0o700, parents=True)
        for name, content in payload.files.items():
            fd = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(fd, content)
            os.close(fd)
        process = await asyncio.create_subprocess_exec(
            *payload.argv, stdin=-1, stdout=-1, stderr=-3, cwd=folder, env={**environment(1), **payload.env}, start_new_session=True
        )  # fmt: skip
        self.folder, self.last = folder, Piped(process, on_event)
        return self.last


async def test_an_enlisted_worker_works_halts_dies_and_comes_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "rig")
    async with await Compute.start(tmp_path / "state", workers=0, kinds=KINDS) as compute:
        waiting = asyncio.ensure_future(compute.run(Task("echo", "early", {})))
        compute.enlist(Place("rig-x/gpu0", rig.start, gpu=True, remote=True, reserve=1 << 60))
        with pytest.raises(UsageError, match="is there already"):
            compute.enlist(Place("rig-x/gpu0", rig.start, remote=True))
        result = await asyncio.wait_for(waiting, 60)
        assert (result.ok, result.worker) == (True, "rig-x/gpu0")
        assert rig.last is not None
        assert rig.last.events[:3] == ["gate", "initialised", "report"]
        assert sorted(path.name for path in rig.folder.iterdir() if path.is_file()) == ["stop.word"], (
            "keys are gone"
        )
        (worker,) = compute.workers()
        assert worker.free == 1, "all that its host has is in reserve"
        cramped = asyncio.ensure_future(compute.run(Task("echo", "large", {}, memory=1 << 20)))
        await until(lambda: compute.workers()[0].note.startswith("waits for memory: a task needs 1 MiB"))
        cramped.cancel()
        assert worker.degraded.startswith(
            "no GPU, the CPU searches: "
        )  # no runtime, or one that finds no card
        assert compute.degraded() == [f"worker rig-x/gpu0: {worker.degraded}"]

        # a halt reaches it by line, for it sees another stop word; what comes after the resume runs
        running = asyncio.ensure_future(compute.run(Task("obey", "o", {"mark": str(tmp_path / "m")})))
        await until((tmp_path / "m").exists)
        begun, pid = time.monotonic(), rig.last.pid
        compute.stop_now()
        assert (await running).stopped
        assert time.monotonic() - begun < 1
        compute.resume()
        assert (await compute.run(Task("echo", "after", {}))).ok
        assert compute.workers()[0].pid == pid, "an obedient worker was killed"

        # its death is the task's, with the rig's words, and it comes back through the same gate
        assert (
            await asyncio.wait_for(compute.run(Task("die_once", "d", {"mark": str(tmp_path / "d")})), 60)
        ).ok
        (attempt,) = compute.attempts()
        assert (attempt.key, attempt.outcome, attempt.code, attempt.number) == ("d", "died", -9, 1)
        assert (attempt.words, attempt.worker) == ("the rig's own words", "rig-x/gpu0")
        assert attempt.kernel == "amdgpu 0000:03:00.0: GPU reset", "the rig's log, not this machine's"
        await compute.dismiss("rig-x/gpu0")
        assert compute.workers() == []


async def test_a_rig_that_cannot_start_one_is_tried_again(tmp_path: Path) -> None:
    tries: list[str] = []

    async def broken(order: Order, on_event: OnEvent) -> Any:
        tries.append(order.alias)
        raise ConnectionError("the link is down")

    async with await Compute.start(tmp_path, workers=0) as compute:
        compute.enlist(Place("rig-y/gpu0", broken, remote=True))
        await until(lambda: len(tries) > 1)
        assert tries[:2] == ["rig-y/gpu0#1", "rig-y/gpu0#2"]
        assert "not started: the link is down" in compute.workers()[0].note


def test_two_starts_of_a_place_share_neither_key_nor_name() -> None:
    authority = Authority()
    one, two = (Order("rig/gpu0", launch, 0, 1, authority.leaf("worker", "rig")) for launch in (1, 2))
    files = [worker_payload(order, port=9, inputs="").files for order in (one, two)]
    assert files[0]["key.pem"] != files[1]["key.pem"]
    assert files[0]["ca.pem"] == files[1]["ca.pem"]
    assert one.alias != two.alias


async def test_gpus_of_this_machine_initialise_one_after_the_other_once_their_imports_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children: list[Any] = []

    class Quiet:
        """A child that says what it is told to say."""

        def __init__(self, on_event: OnEvent) -> None:
            self.say, self.told = on_event, []
            self.ended = asyncio.get_running_loop().create_future()

        def send(self, line: Event) -> None:
            self.told.append(line)

        async def wait(self) -> int:
            return await asyncio.shield(self.ended)

    async def spawn(module: str, spec: Event, log: Path, on_event: OnEvent, env: Any) -> Quiet:
        assert spec["gate"]
        children.append(Quiet(on_event))
        return children[-1]

    monkeypatch.setattr("engine.compute.here.Child.spawn", spawn)
    heard: list[str] = []
    authority = Authority()
    for number, place in enumerate(
        here.places(
            tmp_path, 3, here.Cards(tuple({"CUDA_VISIBLE_DEVICES": str(n)} for n in range(3)), delay=0.05)
        )
    ):
        order = Order(place.name, number, 0, 0, authority.leaf("worker", place.name), gpu=place.gpu)
        await place.launch(order, lambda event: heard.append(event["event"]))
    for child in children:
        child.say({"event": "gate"})
    opened = [{"gate": "open"}]
    await until(lambda: children[0].told == opened)
    assert children[1].told == []
    children[0].ended.set_result(-9)  # its death ends its turn
    await until(lambda: children[1].told == opened)
    await asyncio.sleep(0.01)
    assert children[2].told == []
    children[1].say({"event": "initialised"})
    said = time.monotonic()
    await until(lambda: children[2].told == opened)
    assert time.monotonic() - said >= 0.05, "the pause after an initialisation"
    children[2].ended.set_result(0)
    children[1].ended.set_result(0)
    assert heard == ["gate", "gate", "gate", "initialised"]
    await asyncio.sleep(0.01)
