"""kill -9 of a whole room at random moments: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from loop_room import FEW, PATIENCE, ROOT, books, feed, lift, planted, room_of, scores, settings, show, story
from nulls import revision

from state.journal import Journal

MOST_RECORDS = (
    40  # of the journal from a start to a kill: all kinds of work are met, and a busy machine moves no moment
)
MOST_DELAY = 0.2  # seconds after the last of them
LOOK = 0.02
BROKEN = ("draws lost", "draws doubled", "requests not ended once", "decisions doubled", "pools committed after their draw")  # fmt: skip


async def serve(state: Path, draws: int, seed: int) -> int:
    """Be the engine that `kill` kills: run the room until all draws are settled."""
    async with room_of(state, settings()) as (room, journal):
        begun(state).touch()
        await feed(room, journal, planted(seed, change=draws // 2), draws, FEW)
    return 0


def begun(state: Path) -> Path:
    """Return the file that says that the room lives: a library that loads is no moment of the loop."""
    return state.parent / "begun"


def kill(kills: int, draws: int, first: int, out: Path | None) -> int:
    """Kill the engine at random moments of the loop, start it again, and hold the books at the end; add them to a file and sum it up."""
    since, rng, met = time.monotonic(), random.Random(11 + first), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        state.mkdir()
        while (
            code := lived(state, draws, rng.randrange(MOST_RECORDS) if met.total() < kills else None)
        ) is None:
            met[at_work(state)] += 1
        with Journal.open(state) as journal:
            journal.verify()
            row = {"first": first, "revision": revision(), "kills": met.total(), "met": dict(met), **books(journal, draws)} | {
                "exit code": code, "lift, last 30": round(lift(scores(journal)[-30:]), 1), "load": round(os.getloadavg()[0], 1),
            }  # fmt: skip
            print("\n".join(story(journal)))
    show(row, since)
    if out is not None:
        with out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        show(summed([json.loads(line) for line in out.read_text().splitlines()]), since)
    return int(code != 0 or any(row[name] for name in BROKEN))


def lived(state: Path, draws: int, records: int | None) -> int | None:
    """Run the engine; return its exit code, or None where it was killed after so many records of its journal."""
    begun(state).unlink(missing_ok=True)
    command = [sys.executable, str(ROOT / "benchmarks" / "loop.py"), "serve", "--state", str(state), "--draws", str(draws)]  # fmt: skip
    engine = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    if records is None:
        return engine.wait(PATIENCE * 2)
    while not begun(state).exists() and engine.poll() is None:
        time.sleep(LOOK)
    with Journal.read_only(state) as journal:
        last = journal.seq + records
        while journal.seq < last and engine.poll() is None:
            time.sleep(LOOK)
    time.sleep(random.random() * MOST_DELAY)
    if engine.poll() is not None:
        return engine.returncode
    os.kill(engine.pid, signal.SIGKILL)
    engine.wait()
    return None


def at_work(state: Path) -> str:
    """Say what a kill met: the request that ran and the last step that it had finished, or the draws."""
    with Journal.read_only(state) as journal:
        row = next(iter(journal.requests.list(states=("claimed", "running"), limit=1)), None)
        if row is None:
            return "draws, between requests"
        done = [
            one.data["step"] for one in journal.newest(["step.finished"], 6) if one.data["run"] == row.run
        ]
    return f"{row.kind} after step {done[0]}" if done else f"{row.kind}, its first step"


def summed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums of a file of rooms, and of which versions they are."""
    met = sum((Counter(row["met"]) for row in rows), Counter[str]())
    told = {
        name: sum(row[name] for row in rows) for name in ("kills", "draws", "requests", "decisions", *BROKEN)
    }
    versions = Counter({row["revision"]: 0 for row in rows})
    for row in rows:
        versions[row["revision"]] += row["kills"]
    return {"rooms": len(rows), **told, "met": dict(met.most_common()), "kills by version": dict(versions)}
