"""The live loop in a process of its own, to be killed: draws, judgements, triggers, requests, promotions. `python loop_child.py STATE DRAWS`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.feedback.acceptance import Acceptance
from engine.feedback.cycle import Cycle
from engine.feedback.epochs import Epochs
from engine.feedback.verdict import weigh
from engine.history.store import Arrival, DrawStore
from engine.selfplay.candidate import Candidate
from engine.selfplay.rules import Policy, Window
from state.artifacts import ArtifactStore
from state.journal import Journal

EVERY = 8
EARNED = weigh([1.0] * 60, [0.0] * 60, rank=1)


def value(draw: int) -> int:
    """Return the n-th draw: what the forecaster names, but for a stretch in which it is wrong."""
    return 500 if 30 <= draw < 44 else 7


async def forecast(for_draw: int) -> Mapping[str, Any]:
    return {
        "range": [0, 999], "for_draw": for_draw, "uniform": False, "heads": [[7, 0.9]], "rest": 0.1 / 999, "model": "m",
        "basis": "evidence", "components": [], "sha256": f"sha-{for_draw}",
    }  # fmt: skip


def candidate(draw: int) -> Candidate:
    return Candidate(
        policy=Policy(window=Window(blocks=draw)), model="lightgbm", fitness=0.5, baseline=0.4, null=0.0, gains=(0.1,),
        episodes=9, exploration=0.9, seed=1, draws_seen=draw, table="d", run="run-0001",
    )  # fmt: skip


def finish_requests(journal: Journal) -> None:
    """Do what a watcher does, in no time."""
    journal.requests.recover(max_attempts=100)
    while (row := journal.requests.claim()) is not None:
        journal.requests.start(row.id)
        journal.requests.finish(row.id, "done", "done")


async def live(state: Path, draws: int) -> None:
    with Journal.open(state) as journal:
        store = DrawStore.open(state / "history")
        acceptance = Acceptance(journal, state / "policy_history", ArtifactStore(state / "artifacts"))
        cycle = Cycle(journal, store, forecast, Epochs(journal), false_alarm=0.01, cooldown=3)
        await cycle.drain()
        while True:
            finish_requests(journal)
            for one in list(acceptance.open.values()):
                acceptance.judge(one, EARNED)
            if store.last >= draws:
                return
            store.append([Arrival(value(store.last), id=f"draw-{store.last}")])
            await cycle.drain()
            if store.last % EVERY == 0:
                acceptance.propose(candidate(store.last))


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2])))
