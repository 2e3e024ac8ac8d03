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
                                                       (--first N another room; --out FILE adds its row and sums up all)
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path

from loop_chance import equals, null
from loop_kill import kill, serve
from loop_play import bandit, episodes
from loop_truth import change, closed, delay


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
    parser.add_argument("--out", type=Path, metavar="FILE", help="file of rows that `kill` adds to")
    asked = parser.parse_args()
    cases: dict[str, Callable[[], int]] = {
        "closed": lambda: asyncio.run(closed(asked.draws, 31337)),
        "null": lambda: asyncio.run(null(asked.streams, asked.draws, asked.alpha, asked.first)),
        "equals": lambda: equals(asked.seeds or 200, asked.draws),
        "change": lambda: asyncio.run(change(asked.seeds or 9, 100, asked.draws, asked.first, asked.noise)),
        "delay": lambda: delay(asked.seeds or 60),
        "bandit": lambda: bandit(asked.seeds or 20, asked.episodes),
        "episodes": lambda: asyncio.run(episodes(asked.episodes)),
        "kill": lambda: kill(asked.kills, asked.draws, asked.first, asked.out),
        "serve": lambda: asyncio.run(serve(asked.state, asked.draws, 31337)),
    }
    return cases[asked.case]()


if __name__ == "__main__":
    raise SystemExit(main())
