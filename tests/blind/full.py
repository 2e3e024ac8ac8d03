"""The blind acceptance test in full: python tests/blind/full.py [--cases 200] [--seed N] [--limit S] [--json OUT].

Seed, start, gap, number of values and noise are drawn at the start, real runtimes draw, and `mimicry analyze` over all families is
told the bounds alone (and, where seeds of full width are searched, the family). One history in five is negative. 200 histories take about an hour on two cores.
Exit 1 if there is one false or wrong claim or one failure, or if less than 95 % of the exact histories are identified.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from histories import ALL_BOUNDS, NEGATIVES, NOISES, History, negative, real
from runtimes import Call, available
from scoring import Score, judge, record, table

LEAST_IDENTIFIED = 0.95
EVERY = 5  # so many histories have one that no generator made


def histories(cases: int, calls: list[Call], rng: random.Random, work: Path) -> Iterator[History]:
    """Yield `cases` histories: every call once before one comes twice, each fourth history negative."""
    order: list[Call] = []
    for number in range(cases):
        order = order or rng.sample(calls, len(calls))
        call = order.pop()
        bounds = rng.choice(ALL_BOUNDS)(rng, call)
        if number % EVERY == EVERY - 1:
            kind = NEGATIVES[number // EVERY % len(NEGATIVES)]
            yield negative(kind, call, bounds, rng, work)
        else:
            yield real(call, bounds, rng, work, 0.0 if bounds.kind == "wide" else rng.choice(NOISES))


def passed(scores: list[Score]) -> bool:
    """Return whether no claim is false or wrong and enough exact histories are identified."""
    exact = [
        score.outcome for score in scores if score.history.future is not None and not score.history.noise
    ]
    claims = all(score.outcome not in ("false", "wrong", "failed") for score in scores)
    return claims and exact.count("identified") >= LEAST_IDENTIFIED * len(exact)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument(
        "--seed", type=int, default=None, help="repeat an earlier run (entropy is new every time)"
    )
    parser.add_argument("--calls", default="", help="only calls whose name contains this")
    parser.add_argument("--limit", default="120", metavar="S", help="seconds for each search (default 120)")
    parser.add_argument("--json", type=Path, help="write every history and answer")
    asked = parser.parse_args()
    seed = secrets.randbits(32) if asked.seed is None else asked.seed
    calls, lacking = available()
    calls = [call for call in calls if asked.calls in call.name]
    print(f"--seed {seed}; {len(calls)} calls; not here: {lacking or 'none'}", flush=True)
    scores: list[Score] = []
    with tempfile.TemporaryDirectory(prefix="mimicry-blind-") as name:
        for history in histories(asked.cases, calls, random.Random(seed), Path(name)):
            scores.append(judge(history, ["--time-limit", asked.limit], Path(name)))
            last = scores[-1]
            print(
                f"{last.outcome:10} {last.seconds:6.1f} s  {history.bounds.kind:6} {history.truth}  {last.claim}",
                flush=True,
            )
    print(table(scores))
    if asked.json:
        asked.json.write_text(record(scores, seed))
    return int(not passed(scores))


if __name__ == "__main__":
    sys.exit(main())
