"""The loop over draws of chance, sound pools and equal candidates: what must not happen, counted."""

from __future__ import annotations

import logging
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from loop_room import FIRST, scores, show

from engine.compute.kinds import resolve
from engine.compute.stop import Stop, StopWord
from engine.compute.stream import Tasks, each
from engine.compute.task import TaskResult
from engine.feedback.cycle import FIRED, Cycle
from engine.feedback.epochs import Epochs
from engine.feedback.intake import Intake
from engine.feedback.pools import Pools, direct_pool
from engine.history.store import Arrival
from state.journal import Journal


class Inline:
    """Runs each task where it stands: the same kinds of work, without worker processes."""

    def __init__(self, word: StopWord) -> None:
        """Poll `word` as a worker would; nobody speaks it."""
        self._stop = Stop(word, word.generation())

    async def map(self, tasks: Tasks, *, window: int | None = None) -> AsyncIterator[TaskResult]:
        """Run tasks one after the other."""
        async for task in each(tasks):
            begun = time.monotonic()
            meta, arrays = resolve(task.kind)(task.params, task.arrays, self._stop)
            yield TaskResult(task.key, True, meta, arrays, None, time.monotonic() - begun, "inline", False)


async def null(streams: int, draws: int, alpha: float, first: int = 0) -> int:
    """Run the live loop over streams of chance: search, even pool, judgement, triggers; count what must not happen."""
    begun, told = time.monotonic(), Counter[str]()
    for stream in range(first, first + streams):
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
            told.update(await _stream(Path(folder), stream, draws, alpha))
    sound = _sound(range(first, first + streams), draws, alpha)
    error = 1.96 * (alpha * (1 - alpha) / streams) ** 0.5
    told_all = dict(told) | {f"alarms, {name}": count for name, count in sound.items()}
    show(
        told_all
        | {
            "allowed alarms": f"{streams * (alpha + error):.1f} of {streams} (alpha {alpha:g} + Monte Carlo error)"
        },
        begun,
    )
    alarms = [told["streams with an alarm"], *sound.values()]
    return int(max(alarms) > streams * (alpha + error) or told["pools with a claim"] > 0)


async def _stream(state: Path, stream: int, draws: int, alpha: float) -> dict[str, int]:
    from engine.search.identify import identify

    rng = np.random.default_rng([77, stream])
    values = rng.integers(0, 1000, draws)
    logging.disable(logging.CRITICAL)
    with Journal.open(state) as journal, StopWord(state / "stop.word") as word:
        intake = Intake(state, journal, lambda: None)
        intake.append([Arrival(int(value)) for value in values[:FIRST]], "chance")
        epochs, pools = Epochs(journal), Pools(journal, intake.store)
        cycle = Cycle(journal, intake.store, pools.reissue, epochs, false_alarm=alpha, cooldown=5)
        history = intake.store.snapshot()
        analysis = await identify(history, _space(), Inline(word), journal, run="null")  # type: ignore[arg-type]
        pools.publish(direct_pool(analysis, history, heads=20))
        await cycle.drain()
        for value in values[FIRST:]:
            intake.append([Arrival(int(value))], "chance")
            await cycle.drain()
        rows = scores(journal)
        found = {
            "streams": 1, "draws judged": len(rows), "streams with an alarm": int(any(True for _ in journal.events(kinds=(FIRED,)))),
            "pools with a claim": sum(row["basis"] != "uniform, no evidence" for row in rows),
            "identified": int(analysis.verdict == "identified"),
        }  # fmt: skip
        intake.close()
    return found


def _space() -> Any:
    from engine.search.ranges import parse_range
    from engine.search.space import Space

    return Space(families=("lcg48/java",), range=(0, 999), seeds=parse_range("0:65535", what="seeds", highest=2**64 - 1),
                 gaps=parse_range("0:4", what="gaps", highest=2**16))  # fmt: skip


def _sound(streams: Iterable[int], draws: int, alpha: float) -> dict[str, int]:
    """Watch sound claiming pools, which hit exactly as often as they state."""
    from engine.feedback.diagnostics import Score
    from engine.feedback.triggers import Watch, update

    found = {}
    for stated in (0.02, 0.5, 0.95):
        alarms = 0
        for stream in streams:
            rng, state, fired = random.Random(f"{stated}/{stream}"), None, None
            for draw in range(draws):
                score = Score(for_draw=draw, hit=rng.random() < stated, size=20, modulus=1000, chance=0.02, stated=stated,
                              bits=0.0, model="m")  # fmt: skip
                state, fired = update(state, score, alpha)
                if fired:
                    break
            assert isinstance(state, Watch)
            alarms += fired is not None
        found[f"a pool that hits {stated:.0%} as stated"] = alarms
    return found


def equals(seeds: int, draws: int) -> int:
    """Judge candidates that are no better than the active policy, after every draw: how many are ever promoted."""
    from engine.feedback.verdict import ALPHA, weigh

    begun, promoted = time.monotonic(), 0
    for seed in range(seeds):
        rng = np.random.default_rng([9, seed])
        one, other = (rng.normal(0.0, 1.0, draws).tolist() for _ in range(2))
        looks = (weigh(one[:at], other[:at], rank=1).outcome for at in range(1, draws + 1, 3))
        promoted += any(outcome == "promote" for outcome in looks)
    show(
        {
            "candidates no better": seeds,
            "draws each": draws,
            "ever promoted": promoted,
            "allowed": f"{ALPHA / 2:.3f} of them",
        },
        begun,
    )
    return int(promoted > seeds * ALPHA / 2 + 1.96 * (seeds * 0.025 * 0.975) ** 0.5)
