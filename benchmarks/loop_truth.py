"""The loop over a planted truth: everything once, lift, and how soon a change of generator is noticed."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from loop_room import books, feed, lift, planted, room_of, scores, settings, show, story

from engine.feedback.cycle import FIRED
from engine.feedback.epochs import OPENED
from engine.feedback.reacquirer import REACQUIRED
from engine.status import VERDICT
from state.journal import Journal


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
