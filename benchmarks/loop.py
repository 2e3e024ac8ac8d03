"""Measure the live loop in virtual time: the next draw comes as soon as the pool for it is committed and nothing is asked for.

Every case runs the room's own parts; only the clock of the draws is virtual. Wall time is printed. Results: loop.md.
    python benchmarks/loop.py closed [--draws 200]     one planted room: every draw, request and decision once; lift
    python benchmarks/loop.py null [--streams 200]     draws of chance: false alarms, pools, promotions
    python benchmarks/loop.py equals [--seeds 200]     candidates that are no better: how many are ever promoted
    python benchmarks/loop.py change [--seeds 9]       the generator changes at draw 100: detection, full rerun, lift
    python benchmarks/loop.py delay [--seeds 60]       the same for the trigger alone, under pools that state less
    python benchmarks/loop.py bandit [--seeds 20]      one arm of all better by 2 sigma: episodes until found, regret, posterior
    python benchmarks/loop.py episodes --episodes 240  what real episodes return, arm by arm, for `bandit`
    python benchmarks/loop.py kill [--kills 20]        kill -9 of the engine at random moments: nothing lost, nothing doubled
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.compute.kinds import resolve
from engine.compute.stop import Stop, StopWord
from engine.compute.stream import Tasks, each
from engine.compute.task import TaskResult
from engine.config import Settings, load
from engine.feedback.cycle import FIRED, Cycle
from engine.feedback.epochs import OPENED, Epochs
from engine.feedback.intake import Intake
from engine.feedback.pools import Pools, direct_pool
from engine.feedback.reacquirer import REACQUIRED
from engine.history.injector import Injector, Plant
from engine.history.store import Arrival
from engine.room import Room
from engine.status import VERDICT
from state.journal import Journal

ROOT = Path(__file__).resolve().parent.parent
FIRST, FEW = 30, 12
"""Draws that a room knows at first: enough for models; too few for them, so that most of the time is the loop's."""
OPEN = ("queued", "claimed", "running", "deferred")
PATIENCE = 240.0
Source = Callable[[int], int]


def planted(seed: int, *, change: int | None = None, noise: float = 0.0) -> Source:
    """Return the n-th draw of a Java `nextInt(1000)`, a share of them wrong; from draw `change` on, of one with another seed."""
    wrong = np.random.default_rng([seed, 5]).random(100_000) < noise
    plants = [Injector(Plant("lcg48/java", "java_bounded", 0, 999, seed=at), 1) for at in (seed, seed + 7919)]

    def draw(number: int) -> int:
        second = change is not None and number >= change
        source = plants[second]
        source.position = number - (change or 0) if second else number
        value = source.next_draw().value
        assert value is not None
        return (value + 1) % 1000 if wrong[number] else value

    return draw


def settings(**flags: Any) -> Settings:
    """Return a room in test mode that asks for one family, so that a search takes a second."""
    asked = {
        "test_mode": True, "synthetic_injection.enabled": True, "history.range": "0:999", "search.gaps": "0:4",
        "search.families": ["lcg48/java"], "search.seeds": "0:65535",
    }  # fmt: skip
    return load(flags={**asked, **flags})


@asynccontextmanager
async def room_of(state: Path, asked: Settings) -> AsyncIterator[tuple[Room, Journal]]:
    """Run a room in this process."""
    with Journal.open(state) as journal, StopWord(state / "stop.word") as word:
        room = Room(state, asked, journal, word, demo=False)
        living = asyncio.create_task(room.live())
        try:
            yield room, journal
        finally:
            room.stop()
            await living


async def feed(room: Room, journal: Journal, source: Source, draws: int, first: int = FIRST) -> None:
    """Deliver draws up to number `draws`; each waits for its pool and for everything that was asked for."""
    while (at := room.desk.intake.count) < draws:
        if at >= first:
            await settled(journal, at)
            while room.desk.searching:  # noqa: ASYNC110 - a missed stream is looked for
                await asyncio.sleep(0.002)
        count = first - at if at < first else 1
        room.desk.intake.append(
            [Arrival(source(at + i), id=f"draw-{at + i}") for i in range(count)], "synthetic"
        )
    await settled(journal, draws)


async def settled(journal: Journal, coming: int) -> None:
    """Wait until the pool for the coming draw is committed and the queue is empty."""
    async with asyncio.timeout(PATIENCE):
        while journal.predictions.committed(coming) is None or journal.requests.list(states=OPEN, limit=1):  # noqa: ASYNC110
            await asyncio.sleep(0.002)


def books(journal: Journal, draws: int) -> dict[str, Any]:
    """Count what must be there exactly once, in the journal itself."""
    judged = Counter(event.data["for_draw"] for event in journal.events(kinds=("draw.judged",)))
    skipped = [
        at for event in journal.events(kinds=("draws.unforecast",)) for at in range(event.data["first"], event.data["last"] + 1)
    ]  # fmt: skip
    taken = judged + Counter(skipped)
    ends = Counter(
        event.data["request"] for state in ("done", "failed", "rejected", "cancelled") for event in journal.events(kinds=(f"request.{state}",))
    )  # fmt: skip
    requests = journal.requests.list()
    decisions = [row.id for row in journal.decisions.list(limit=10_000)]
    after = sum(
        one.pool is not None and one.pool.seq > one.seq
        for one in journal.predictions.judgements(limit=10_000)
    )
    return {
        "draws": draws, "draws lost": sum(at not in taken for at in range(draws)),
        "draws doubled": sum(count > 1 for count in taken.values()), "judged": len(judged),
        "requests": len(requests), "requests not ended once": sum(ends[row.id] != 1 for row in requests),
        "decisions": len(decisions), "decisions doubled": len(decisions) - len(set(decisions)),
        "pools committed after their draw": after,
    }  # fmt: skip


def scores(journal: Journal) -> list[dict[str, Any]]:
    """Return the scores of all forecast draws, oldest first."""
    return [one.score for one in reversed(journal.predictions.judgements(limit=10_000)) if one.score]


def lift(rows: list[dict[str, Any]]) -> float:
    """Return hits over those that chance expected."""
    expected = sum(row["chance"] for row in rows)
    return sum(row["hit"] for row in rows) / expected if expected else 0.0


def story(journal: Journal) -> list[str]:
    """Return every request with who asked and why."""
    return [
        f"{row.id} {row.kind} ({row.origin}) {row.state}: {row.why[:110]}" for row in journal.requests.list()
    ]


# -- closed loop, change of generator -------------------------------------------------------------------------------------


async def closed(draws: int, seed: int) -> int:
    """Run one planted room."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        async with room_of(Path(folder), settings()) as (room, journal):
            await feed(room, journal, planted(seed), draws)
            told = books(journal, draws)
            told |= {
                "lift": round(lift(scores(journal)), 1),
                "alarms": sum(1 for _ in journal.events(kinds=(FIRED,))),
            }
            told |= {
                "retrains asked by triggers": sum(
                    row.origin == "chapter 13" for row in journal.requests.list()
                )
            }
            print("\n".join(story(journal)))
        show(told, begun)
    faults = (
        told["draws lost"]
        + told["draws doubled"]
        + told["requests not ended once"]
        + told["decisions doubled"]
    )
    return int(faults > 0 or told["lift"] < 30 or told["alarms"] > 0)


async def change(seeds: int, at: int, draws: int, first: int = 0, noise: float = 0.0) -> int:
    """Change the generator's seed at draw `at` in several rooms; report detection, what was asked, and when lift is back."""
    rows = []
    for seed in range(first, first + seeds):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.monotonic()
            async with room_of(Path(folder), settings(**({"search.noise": noise} if noise else {}))) as (
                room,
                journal,
            ):
                await feed(room, journal, planted(1000 + 131 * seed, change=at, noise=noise), draws)
                rows.append(changed(journal, at) | {"wall": round(time.monotonic() - begun, 1)})
            print(rows[-1], flush=True)
    delays = [row["detected after"] for row in rows]
    back = [row["lift back after"] for row in rows]
    print(f"detected after: median {statistics.median(delays)}, worst {max(delays)} draws; searched anew in "
          f"{sum(row['searched since'] > 0 for row in rows)} of {seeds}; lift back after: median "
          f"{statistics.median(back)}, worst {max(back)} draws")  # fmt: skip
    return int(statistics.median(delays) > 15 or max(back) > 40)


def changed(journal: Journal, at: int, window: int = 10) -> dict[str, Any]:
    """Return when the change was noticed, how it was dated, and after how many draws a window of them hits as before."""
    fired = next(iter(journal.events(kinds=(FIRED,))), None)
    found = next(iter(journal.events(kinds=(REACQUIRED,))), None)
    noticed = min(event.seq for event in (fired, found) if event is not None)
    rows = {row["for_draw"]: row for row in scores(journal)}
    before = lift([row for draw, row in rows.items() if draw < at])
    late = next(
        (draw for draw in range(at, max(rows) - window + 2) if all(one in rows for one in range(draw, draw + window))
         and lift([rows[one] for one in range(draw, draw + window)]) >= 0.9 * before),
        10**6,
    )  # fmt: skip
    opened = next(event for event in journal.events(kinds=(OPENED,)))
    return {
        "detected after": max(draw for draw in rows if _seq(journal, draw) < noticed) + 1 - at,
        "dated": opened.data["epoch"]["since"], "asked": fired and fired.data["asks"],
        "stream found again after": found and found.data["for_draw"] - at,
        "lift before": round(before, 1), "lift after": round(lift([row for draw, row in rows.items() if draw >= at]), 1),
        "lift back after": late - at, "searched since": searched(journal, opened.data["epoch"]["since"]),
    }  # fmt: skip


def searched(journal: Journal, since: int) -> int:
    """Return how many searches over the draws from `since` on ended with a verdict."""
    return sum(event.data.get("since") == since for event in journal.events(kinds=(VERDICT,)))


def _seq(journal: Journal, draw: int) -> int:
    found = journal.predictions.judgement(draw)
    assert found is not None
    return found.seq


def delay(seeds: int) -> int:
    """Let pools that state less than certainty stop hitting at draw 100: how soon the trigger notices, and how it dates it."""
    from engine.feedback.diagnostics import Score
    from engine.feedback.triggers import update

    begun, told = time.monotonic(), {}
    for stated in (0.95, 0.7, 0.5, 0.3, 0.1):
        delays, dates, early = [], [], 0
        for seed in range(seeds):
            rng, state, fired, draw = random.Random(seed), None, None, -1
            while fired is None and draw < 400:
                draw += 1
                hit = rng.random() < (stated if draw < 100 else 0.02)
                state, fired = update(state, Score(for_draw=draw, hit=hit, size=20, modulus=1000, chance=0.02, stated=stated,
                                                   bits=0.0, model="m"), 0.01)  # fmt: skip
            early += draw < 100
            delays.append(draw - 99)
            dates += [fired.since] if fired and fired.since is not None else []
        told[f"a pool that states {stated:.0%}"] = (
            f"noticed after {statistics.median(delays):.0f} (worst {max(delays)}), dated {statistics.median(dates):.0f}, too early {early}"
        )
    show(told, begun)
    return 0


# -- draws of chance ------------------------------------------------------------------------------------------------------


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


# -- selfplay -------------------------------------------------------------------------------------------------------------


def bandit(seeds: int, episodes: int) -> int:
    """Play a bandit over the room's arms, one of them better by two sigma of an episode; against choosing at random."""
    from bandit import measure

    begun = time.monotonic()
    told, met = measure(seeds, episodes)
    show(told, begun)
    return int(not met)


async def episodes(count: int) -> int:
    """Play every arm in turn in a real room, and keep what the episodes returned for `bandit`."""
    from bandit import keep

    from engine.selfplay.bandit import Bandit

    def in_turn(self: Bandit) -> str:
        self.chosen += 1
        return self.names[self.chosen % len(self.names)]

    Bandit.choose = in_turn  # type: ignore[method-assign]
    begun, rewards = time.monotonic(), list[tuple[str, float]]()
    for draws, noise in ((60, 0.4), (90, 0.2)):
        with tempfile.TemporaryDirectory() as folder:
            async with room_of(Path(folder), settings()) as (room, journal):
                await feed(room, journal, planted(31337 + draws, noise=noise), draws, draws)
                (Path(folder) / "watcher_requests" / "play.json").write_text(
                    json.dumps({"type": "selfplay_retrain", "episodes": count})
                )
                async with asyncio.timeout(PATIENCE * 4):
                    while journal.last(("selfplay.finished",)) is None:  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
                played = [event.data for event in journal.events(kinds=("selfplay.episode",))]
                rewards += [(one["arm"], one["reward"]) for one in played if one["arm"] != "final"]
    keep(
        rewards,
        f"planted Java histories of 60 draws (40 % wrong) and 90 (20 %), {count} episodes asked of each",
    )
    show({"episodes": len(rewards)}, begun)
    return 0


# -- kill -9 --------------------------------------------------------------------------------------------------------------


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
                [sys.executable, __file__, "serve", "--state", str(state), "--draws", str(draws)],
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


def show(told: dict[str, Any], begun: float) -> None:
    """Print numbers one a line, the wall time last."""
    for name, value in told.items():
        print(f"{name:44} {value if not isinstance(value, (list, dict)) else json.dumps(value)}")
    print(f"{'wall time':44} {time.monotonic() - begun:.1f} s", flush=True)


def main() -> int:
    """Run the asked case; 1 where a target is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "case", choices=("closed", "null", "equals", "change", "delay", "bandit", "episodes", "kill", "serve")
    )
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=None)
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--first", type=int, default=0, help="first seed or stream, to measure in slices")
    parser.add_argument("--noise", type=float, default=0.0, help="share of wrong draws in `change`")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--state", type=Path)
    asked = parser.parse_args()
    cases: dict[str, Callable[[], int]] = {
        "closed": lambda: asyncio.run(closed(asked.draws, 31337)),
        "null": lambda: asyncio.run(null(asked.streams, asked.draws, asked.alpha, asked.first)),
        "equals": lambda: equals(asked.seeds or 200, asked.draws),
        "change": lambda: asyncio.run(change(asked.seeds or 9, 100, asked.draws, asked.first, asked.noise)),
        "delay": lambda: delay(asked.seeds or 60),
        "bandit": lambda: bandit(asked.seeds or 20, asked.episodes),
        "episodes": lambda: asyncio.run(episodes(asked.episodes)),
        "kill": lambda: kill(asked.kills, asked.draws, asked.first),
        "serve": lambda: asyncio.run(serve(asked.state, asked.draws, 31337)),
    }
    return cases[asked.case]()


if __name__ == "__main__":
    raise SystemExit(main())
