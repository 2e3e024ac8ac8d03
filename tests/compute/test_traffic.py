"""What a worker says of itself is not believed: its answers are those of the connection on which they came."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from engine.compute.attempts import AttemptLog
from engine.compute.job import decode_job, encode_answer
from engine.compute.task import Task
from engine.compute.traffic import Traffic


async def test_an_answer_is_booked_on_the_worker_that_gave_it_whatever_name_it_bears(tmp_path: Path) -> None:
    traffic = Traffic(AttemptLog(tmp_path / "attempts.jsonl"), {})
    traffic.dealer.join("rig-a/gpu0#3", host="rig-a")
    flying = asyncio.create_task(traffic.fly(Task("sieve", "chunk-7", {}), 0))
    await asyncio.sleep(0)
    (lot,), _ = traffic.dealer.deal(time.monotonic())
    ((serial, load),) = lot.tasks
    echo = decode_job(traffic.flights[load].payload).echo()
    traffic.answered("rig-a/gpu0#3", serial, encode_answer(echo, "rig-b/gpu5", 1.0))
    result = await asyncio.wait_for(flying, 5)
    assert (result.ok, result.worker) == (True, "rig-a/gpu0")
