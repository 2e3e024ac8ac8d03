"""An engine in a process of its own that works off chunks on rigs, books them once, and tells what it sees as JSON lines.

Run as `fault_engine.py CONFIG.json`; the config names rigs, cards, chunks and what is amiss with them. `end` on stdin ends it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from fault_chunks import INPUT, KINDS

from engine.compute.cluster import Compute
from engine.compute.codec import pack
from engine.compute.groups import grouped
from engine.compute.inputs import Input
from engine.compute.task import Task, TaskResult
from engine.config import RigSettings
from engine.journals import opened
from engine.rigs.life import Life, terms_of
from engine.rigs.machine import Machine
from engine.rigs.quarantine import Quarantine
from engine.rigs.recruits import Recruits
from engine.rigs.staging import Stage
from state.journal import Journal

SWEEP = "faults"
LOOK = 0.02


def say(**news: object) -> None:
    """Write one line of news, whole, from any thread."""
    os.write(1, json.dumps({"at": time.monotonic(), **news}).encode() + b"\n")


class Corrupting:
    """Flips a byte of the first file that goes to a rig's store: a transfer that arrives damaged."""

    def __init__(self, life: Life) -> None:
        self._upload, self.left = life.reach.upload, 1
        life.reach.upload = self.upload  # type: ignore[method-assign]

    async def upload(self, path: str, blocks: AsyncIterator[bytes]) -> None:
        """Upload, damaged once."""
        damaged = self.left > 0
        self.left -= 1

        async def flipped() -> AsyncIterator[bytes]:
            async for block in blocks:
                yield block[:-1] + bytes([block[-1] ^ 1]) if damaged else block

        await self._upload(path, flipped())
        if damaged:
            say(event="damaged")


def tasks(config: dict[str, Any], done: set[int], shared: Input) -> Iterator[Task]:
    """Give the chunks that no ledger row has; some of them are amiss."""
    for index in range(config["chunks"]):
        if index in done:
            continue
        params = {"index": index, "seconds": config["seconds"], **config.get("amiss", {}).get(str(index), {})}
        yield Task("chunk", f"c{index}", params, inputs=(shared,), limit=config.get("limit", 60.0))


def book(journal: Journal, group: list[TaskResult]) -> None:
    """Book results in one transaction; a failed one is told."""
    with journal.transaction():
        for one in group:
            if not one.ok:
                say(event="failed", key=one.key, error=one.error)
                continue
            payload = pack(one.meta, one.arrays)
            args = (
                SWEEP,
                one.meta["index"],
                hashlib.sha256(payload).hexdigest(),
                {"worker": one.worker},
                payload,
            )
            assert journal.chunk_done(*args), f"{one.key} was booked before"
    for one in group:
        say(event="chunk", key=one.key, worker=one.worker)


async def work(compute: Compute, journal: Journal, config: dict[str, Any]) -> None:
    """Work off what is missing."""
    done = set(journal.chunks(SWEEP))
    async with (
        compute.shared(INPUT) as shared,
        aclosing(grouped(compute.map(tasks(config, done, shared)))) as groups,
    ):
        async for group in groups:
            await asyncio.to_thread(book, journal, group)
        say(event="complete", chunks=len(journal.chunks(SWEEP)))


async def watch(compute: Compute, lives: list[Life]) -> None:
    """Tell whenever workers, links, attempts or reasons change."""
    seen, told = None, 0
    while True:
        alive = {one.name: one.pid for one in compute.workers() if one.alive}
        state = {
            "alive": alive, "scheduler": compute.scheduler_pid(), "degraded": compute.degraded(),
            "links": {life.name: life.machine.link for life in lives},
            "guards": {life.name: life.link.pid for life in lives if life.link is not None},
        }  # fmt: skip
        if state != seen:
            say(event="state", **state)
            seen = state
        attempts = compute.attempts(100)
        for one in reversed(attempts[: len(attempts) - told]):
            say(
                event="attempt",
                key=one.key,
                outcome=one.outcome,
                worker=one.worker,
                error=one.error,
                seconds=one.seconds,
            )
        told = len(attempts)
        await asyncio.sleep(LOOK)


async def main() -> None:
    """Run until the word comes to end."""
    config = json.loads(Path(sys.argv[1]).read_text())
    state, recruits = Path(config["state"]), Recruits()
    with opened(state) as journal:
        lives = [
            Life(
                Machine(settings, Quarantine(journal)), crew=recruits, told=lambda changes: None, ended=lambda attempt: None,
                terms=terms_of(settings), roots=(config["sys"], "/proc", "false"), stage=Stage(headroom=config.get("headroom", 0)),
            )
            for settings in (RigSettings.model_validate_json(json.dumps(one)) for one in config["rigs"])
        ]  # fmt: skip
        if config.get("corrupt"):
            Corrupting(lives[0])
        async with await Compute.start(state, workers=0, kinds=KINDS) as compute:
            recruits.join(compute)
            beside = [asyncio.create_task(life.run()) for life in lives]
            beside += [
                asyncio.create_task(watch(compute, lives)),
                asyncio.create_task(work(compute, journal, config)),
            ]
            await asyncio.to_thread(sys.stdin.readline)
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
