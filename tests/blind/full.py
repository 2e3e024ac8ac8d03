"""The blind acceptance test in full: python tests/blind/full.py [--cases 200] [--results FILE] [--seed N] [--limit S].

Seed, start, gap, number of values and noise are drawn at the start, real runtimes draw, and `mimicry analyze` over all families is
told the bounds alone (and, where seeds of full width are searched, the family). One history in five is negative and searched for at
most 40 seconds. 200 histories take about an hour on two cores; with `--results FILE` (JSON lines) a later run goes on where
an earlier one ended, whatever the version of the code, and `--again` first searches those anew that were missed or failed (a limit is
wall time: beside other work it tells of the machine).
Exit 1 if there is one false or wrong claim or one failure, or if less than 95 % of the exact histories are identified.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import tempfile
from collections import Counter
from pathlib import Path

from histories import ALL_BOUNDS, NEGATIVES, NOISES, History, negative, real
from runtimes import Call, available
from scoring import Score, judge, kept, put, table

LEAST_IDENTIFIED = 0.95
SILENT = 40.0  # seconds for what no generator made
EVERY = 5  # so many histories have one that no generator made
LATE = ("missed", "failed")  # what a machine at its limit may be to blame for


def history(number: int, calls: list[Call], seed: int, work: Path) -> History:
    """Return history `number` of a run: every call once before one comes twice, each fifth history negative."""
    turn, place = divmod(number, len(calls))
    call = random.Random(f"{seed} order {turn}").sample(calls, len(calls))[place]
    rng = random.Random(f"{seed} {number}")
    bounds = rng.choice(ALL_BOUNDS)(rng, call)
    if number % EVERY == EVERY - 1:
        return negative(NEGATIVES[number // EVERY % len(NEGATIVES)], call, bounds, rng, work)
    return real(call, bounds, rng, work, 0.0 if bounds.kind == "wide" else rng.choice(NOISES))


def passed(scores: list[Score]) -> bool:
    """Return whether no claim is false or wrong and enough exact histories are identified."""
    exact = [
        score.outcome for score in scores if score.history.future is not None and not score.history.noise
    ]
    claims = all(score.outcome not in ("false", "wrong", "failed") for score in scores)
    return claims and exact.count("identified") >= LEAST_IDENTIFIED * len(exact)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--results", type=Path, metavar="FILE", help="every history and answer, a line each")
    parser.add_argument(
        "--seed", type=int, default=None, help="repeat an earlier run (entropy is new every time)"
    )
    parser.add_argument(
        "--again", nargs="*", choices=LATE, help="first search anew what was missed or failed (default: both)"
    )
    parser.add_argument("--calls", default="", help="only calls whose name contains this")
    parser.add_argument(
        "--limit", type=float, default=120.0, metavar="S", help="seconds for each search (default 120)"
    )
    asked = parser.parse_args()
    seed = secrets.randbits(32) if asked.seed is None else asked.seed
    calls, lacking = available()
    calls = [call for call in calls if asked.calls in call.name]
    print(f"--seed {seed}; {len(calls)} calls; not here: {lacking or 'none'}", flush=True)
    scores = list(kept(asked.results))
    again = () if asked.again is None else asked.again or LATE
    late = [number for number, score in enumerate(scores) if score.outcome in again]
    with tempfile.TemporaryDirectory(prefix="mimicry-blind-") as name:
        for number in [*late, *range(len(scores), asked.cases)]:
            one = history(number, calls, seed, Path(name))
            limit = asked.limit if one.future is not None else min(asked.limit, SILENT)
            scores[number : number + 1] = [judge(one, ["--time-limit", f"{limit:g}"], Path(name))]
            _print(scores[number])
            if asked.results is not None:
                put(asked.results, scores)
    print(table(scores))
    print(dict(Counter(score.revision for score in scores)))
    return int(not passed(scores))


def _print(score: Score) -> None:
    bounds, truth = score.history.bounds.kind, score.history.truth
    print(f"{score.outcome:10} {score.seconds:6.1f} s  {bounds:6} {truth}  {score.claim}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
