"""kill -9 of a whole room at random moments: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from loop_room import FEW, PATIENCE, ROOT, books, feed, lift, planted, room_of, scores, settings, show, story

from state.journal import Journal


async def serve(state: Path, draws: int, seed: int) -> int:
    """Be the engine that `kill` kills: run the room until all draws are settled."""
    async with room_of(state, settings()) as (room, journal):
        await feed(room, journal, planted(seed, change=draws // 2), draws, FEW)
    return 0


def kill(kills: int, draws: int, first: int = 0) -> int:
    """Kill the engine at random moments of the loop, start it again, and hold the books at the end."""
    begun, rng = time.monotonic(), random.Random(11 + first)
    with tempfile.TemporaryDirectory() as folder:
        state, done = Path(folder) / "state", 0
        state.mkdir()
        while True:
            engine = subprocess.Popen(
                [sys.executable, str(ROOT / "benchmarks" / "loop.py"), "serve", "--state", str(state), "--draws", str(draws)],
                cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            if done == kills:
                code = engine.wait(PATIENCE * 2)
                break
            try:
                code = engine.wait(rng.uniform(1.0, 15.0))
                break
            except subprocess.TimeoutExpired:
                os.kill(engine.pid, signal.SIGKILL)
                engine.wait()
                done += 1
        with Journal.open(state) as journal:
            journal.verify()
            told = books(journal, draws) | {
                "kills": done,
                "exit code": code,
                "lift, last 30": round(lift(scores(journal)[-30:]), 1),
            }
            print("\n".join(story(journal)))
    show(told, begun)
    keys = (
        "draws lost",
        "draws doubled",
        "requests not ended once",
        "decisions doubled",
        "pools committed after their draw",
    )
    return int(any(told[key] for key in keys) or code != 0)
