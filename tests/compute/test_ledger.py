"""Exactly once through the ledger: an engine that is killed again and again, with its scheduler and workers, ends with the books of an unbroken run."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.compute.codec import pack
from engine.journals import opened

CHUNKS = 40
ENGINE = """
import asyncio, hashlib, os, signal, sys
from pathlib import Path
from engine.compute.cluster import Compute
from engine.compute.codec import pack
from engine.compute.task import Task
from engine.journals import opened
from sample_kinds import KINDS

COUNT, SECONDS, KILLS = int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "kills"

async def main():
    state = Path(sys.argv[1])
    with opened(state) as journal:
        async with await Compute.start(state, workers=2, kinds=KINDS) as compute:
            held = journal.chunks("sweep")
            tasks = (Task("pure", f"c{i}", {"index": i, "seconds": SECONDS}) for i in range(COUNT) if i not in held)
            done = len(held)
            async for result in compute.map(tasks):
                assert result.ok, result.error
                payload = pack(result.meta, result.arrays)
                args = ("sweep", result.meta["index"], hashlib.sha256(payload).hexdigest(), {"worker": result.worker}, payload)
                assert journal.chunk_done(*args)
                assert not journal.chunk_done(*args), "a result that is delivered twice changes nothing"
                done += 1
                print(done, flush=True)
                if KILLS and done == len(held) + 5:
                    os.kill(compute.workers()[0].pid, signal.SIGKILL)
                if KILLS and done == len(held) + 10:
                    os.kill(compute.scheduler_pid(), signal.SIGKILL)

asyncio.run(main())
"""


def engine(state: Path, *, seconds: float, kills: bool) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ENGINE, str(state), str(CHUNKS), str(seconds), "kills" if kills else "calm"],
        stdout=subprocess.PIPE,
        text=True,
    )


def expected() -> dict[int, str]:
    """Return index to digest as an unbroken run would write them."""
    digests = {}
    for index in range(CHUNKS):
        hits = np.random.default_rng(index).integers(0, 1 << 30, 20)
        digests[index] = hashlib.sha256(pack({"index": index}, {"hits": hits})).hexdigest()
    return digests


@pytest.mark.slow
async def test_killed_engine_scheduler_and_worker_lose_and_double_nothing(tmp_path: Path) -> None:
    """Runs for about 12 s."""
    first = engine(tmp_path / "state", seconds=0.1, kills=False)
    assert first.stdout is not None
    for _ in range(8):
        line = await asyncio.to_thread(first.stdout.readline)
        assert line, "the engine ended by itself"
    first.kill()
    first.wait()
    first.stdout.close()

    second = engine(tmp_path / "state", seconds=0.03, kills=True)
    began = time.monotonic()
    assert second.stdout is not None
    lines = await asyncio.to_thread(second.stdout.read)
    assert second.wait() == 0, lines
    print(f"the rest with both kills took {time.monotonic() - began:.1f} s")

    with opened(tmp_path / "state") as journal:
        rows = journal.chunks("sweep")
        assert {index: row.digest for index, row in rows.items()} == expected()
        assert len(list(journal.events(kinds=["chunk.done"]))) == CHUNKS
        assert not list(journal.events(kinds=["chunk.differs"]))
