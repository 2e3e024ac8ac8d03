"""Simulated workers: many Dask workers of ours in one process whose chunks only sleep. For benchmarks/fleet.py; no kernel runs.

Everything around the sleep is real: certificates, TLS, the fence, the stream, the codec, the echo of each job.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from typing import Any

import numpy as np

from engine.compute import settings, worker
from engine.compute.job import decode_job, encode_answer, lot_key
from engine.compute.pki import Credentials


class SimulatedRuntime:
    """Answers after a sleep; which of the workers it is for, Dask knows."""

    def run(self, serial: int, payload: bytes) -> bytes:
        """Sleep as long as the job says and answer with a few hits."""
        begun = time.monotonic()
        job = decode_job(payload)
        time.sleep(job.params["seconds"])
        meta = {"seeds_done": 1, "hypotheses": 1_000_000, "canary": [1, 2, 3, True]}
        took = time.monotonic() - begun
        return encode_answer(job.echo(), "simulated", took, meta=meta, arrays={"hits": np.zeros((4, 5))})

    def answer(self, lot: int, serial: int, payload: bytes) -> None:
        """Send the answer up the stream of the worker that runs this."""
        from distributed import get_worker

        get_worker().answer(lot_key(lot), serial, payload)


async def live(order: dict[str, Any], scheduler: str, name: str) -> None:
    """Be one worker until the scheduler goes."""
    from engine.compute import nodes

    home, credentials = nodes.home(order["launch"]), Credentials(**order["tls"])
    async with nodes.QuietWorker(scheduler, order["alias"], home, order["directory"], credentials) as one:
        say(name, event="ready")
        while one.status.name in ("init", "running", "paused"):
            say(name, event="beat", rss=0, free=0)
            await asyncio.sleep(1.0)
    say(name, event="end")


def say(name: str, **event: Any) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps({"name": name, **event}) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Follow orders: {"start": spec, "scheduler": address}."""
    loop = asyncio.get_running_loop()
    lives: set[asyncio.Task[None]] = set()

    def begin(line: dict[str, Any]) -> None:
        lives.add(asyncio.create_task(live(line["start"], line["scheduler"], line["start"]["name"])))

    def follow() -> None:
        for line in sys.stdin:
            record = json.loads(line)
            if "start" in record:
                loop.call_soon_threadsafe(begin, record)
        loop.call_soon_threadsafe(loop.stop)

    threading.Thread(target=follow, daemon=True).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    settings.apply()
    worker._runtime = SimulatedRuntime()  # type: ignore[assignment]
    asyncio.run(main())
