"""Count false claims on histories that no generator made: entropy, shuffled generators' draws, balls of public lotteries.

Each search takes at least 10^9 hypotheses: the most common families, every native mapping, seeds below 2^16, starts 0..40, gaps 0..7,
exact and with wrong draws. `--unpaid` leaves one bill out and shows what it was for (`search` needs a dozen histories, `prior` 24).
Run: python benchmarks/nulls.py [--histories 1000] [--balls DIR] [--unpaid prior|search]
DIR holds powerball.csv and megamillions.csv of github.com/jbaranski/jeffs-lottery-utils (numbers/). 1,000 histories take about two hours.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import itertools
import secrets
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from engine.compute.cluster import Compute
from engine.evidence.evalue import prior_bits
from engine.evidence.identifiability import needed_draws
from engine.evidence.power import clopper_pearson_upper
from engine.history.history import History
from engine.search import claims
from engine.search.analysis import Analysis
from engine.search.claims import Claim
from engine.search.identify import identify
from engine.search.plan import Cell
from engine.search.ranges import Range
from engine.search.space import Space
from hip_cuda_kernels import host
from hip_cuda_kernels.registry import FAMILIES
from state.journal import Journal

COMMON = [family for family in FAMILIES if family.weight >= 8.0]
SEEDS, STARTS, GAPS = Range(0, 2**16 - 1), Range(0, 40), Range(0, 7)
CELL_BITS = float(np.log2(SEEDS.size * STARTS.size * GAPS.size))
LEAST_HYPOTHESES, MOST_SECONDS = 10**9, 10.0
SIZES = (6, 10, 49, 100, 1000)
COARSE = (2, 6)  # where chance matches often: what is not paid for shows soonest
BALL_DRAWS = 60
# file, column, highest ball, first day of other rules (month/day/year)
LOTTERIES = (("powerball.csv", "red_ball", 26, ""), ("megamillions.csv", "yellow_ball", 25, "4/8/2025"))


@dataclass(frozen=True)
class Null:
    """Draws in lo..hi that no generator made in this order."""

    kind: str
    draws: tuple[int, ...]
    lo: int
    hi: int


def entropy(sizes: Sequence[int], spare: Sequence[int]) -> Null:
    """Draw from the operating system."""
    size, count = _measures(sizes, spare)
    return Null("entropy", tuple(secrets.randbelow(size) for _ in range(count)), 0, size - 1)


def shuffled(sizes: Sequence[int], spare: Sequence[int]) -> Null:
    """Shuffle the draws of a common family."""
    size, count = _measures(sizes, spare)
    family = secrets.choice(COMMON)
    made = host.values(family.id, family.mappings[0], secrets.randbelow(2**16), 0, size - 1, count).tolist()
    secrets.SystemRandom().shuffle(made)
    return Null("shuffled", tuple(made), 0, size - 1)


def _measures(sizes: Sequence[int], spare: Sequence[int]) -> tuple[int, int]:
    """Return the number of values, and of draws: enough for a claim, and one of `spare` more."""
    size = secrets.choice(sizes)
    need = needed_draws(CELL_BITS, 1 / size)
    assert need is not None
    return size, need + secrets.choice(spare)


def balls(directory: Path) -> Iterator[Null]:
    """Yield the machine-drawn single balls, cut into histories that share no draw, oldest first."""
    for name, column, highest, until in LOTTERIES:
        with (directory / name).open(newline="") as file:
            rows = itertools.takewhile(lambda row, until=until: row["date"] != until, csv.DictReader(file))
            drawn = [int(row[column]) for row in rows]
        for first in range(0, len(drawn) - BALL_DRAWS + 1, BALL_DRAWS):
            yield Null(name.removesuffix(".csv"), tuple(drawn[first : first + BALL_DRAWS]), 1, highest)


def histories(
    count: int, sizes: Sequence[int], spare: Sequence[int], directory: Path | None
) -> Iterator[Null]:
    """Yield `count` histories: all balls there are, then entropy and shuffles in turn."""
    drawn = balls(directory) if directory else iter(())
    made = (make(sizes, spare) for make in itertools.cycle((entropy, shuffled)))
    return itertools.islice(itertools.chain(drawn, made), count)


async def search(null: Null, compute: Compute, seeds: Range, alpha: float) -> Analysis:
    """Search one history in a ledger of its own."""
    space = Space(
        families=tuple(family.id for family in COMMON), seeds=seeds, starts=STARTS, gaps=GAPS, range=(null.lo, null.hi), alpha=alpha
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="mimicry-nulls-") as directory:
        journal = Journal.open(Path(directory))
        try:
            return await identify(
                History.of(null.draws, source=null.kind), space, compute, journal, run="null"
            )
        finally:
            journal.close()


async def count(nulls: Iterable[Null], seeds: Range, alpha: float) -> list[tuple[Null, Analysis]]:
    """Search every history; print what is claimed."""
    found = []
    with tempfile.TemporaryDirectory(prefix="mimicry-nulls-") as directory:
        async with await Compute.start(Path(directory)) as compute:
            for null in nulls:
                answer = await search(null, compute, seeds, alpha)
                found.append((null, answer))
                if answer.verdict in ("identified", "biased"):
                    print(f"{answer.verdict}: {null} {[one.family for one in answer.hypotheses]}", flush=True)
    return found


def report(found: list[tuple[Null, Analysis]]) -> bool:
    """Print the counts with upper bounds (95 %) of the rates behind them; return whether the targets are met."""
    total, verdicts = len(found), Counter(answer.verdict for _, answer in found)
    print(f"histories     {total}: {dict(Counter(null.kind for null, _ in found))}")
    for verdict in ("identified", "biased"):
        false = verdicts[verdict]
        print(
            f"false {verdict:11} {false}, at most {clopper_pearson_upper(false, total):.2%} of such histories"
        )
    tested = [answer.hypotheses_tested for _, answer in found]
    seconds = [answer.elapsed_s for _, answer in found]
    print(f"hypotheses    {min(tested):.3g} to {max(tested):.3g} a search, {sum(tested):.3g} in all")
    print(f"seconds       median {np.median(seconds):.1f}, longest {max(seconds):.1f}")
    slow, few = max(seconds) > MOST_SECONDS, min(tested) < LEAST_HYPOTHESES
    return not (verdicts["identified"] or verdicts["biased"] > 0.01 * total or slow or few)


def without_prior() -> AbstractContextManager[object]:
    """Let a claim over all draws name any hypothesis of its cell for nothing."""
    return patch.object(claims, "prior_bits", lambda _: 0.0)


def with_search_draws() -> AbstractContextManager[object]:
    """Let the draws that chose a survivor count as evidence for it."""
    honest = claims._score_fixed

    def score(
        cell: Cell, hit: tuple[int, int, int], draws: np.ndarray, p: float, noise: float | None, paid: float
    ) -> Claim:
        return honest(
            replace(cell, confirm=0), hit, draws, p, noise, paid - prior_bits(cell.whole.hypotheses)
        )

    return patch.object(claims, "_score_fixed", score)


# path -> what stops paying, and at how many draws around the bound it shows: fewest have no block to confirm on, then a short one
UNPAID: dict[str, tuple[Callable[[], AbstractContextManager[object]], range]] = {
    "prior": (without_prior, range(2, 8)),
    "search": (with_search_draws, range(-4, 1)),
}
UNPAID_ALPHA, UNPAID_SEEDS = 0.05, Range(0, 2**12 - 1)


def shows(path: str, number: int) -> bool:
    """Search the same histories with everything paid and with one bill left out; return whether false claims appear."""
    unpaid, spare = UNPAID[path]
    nulls = list(histories(number, COARSE, spare, None))
    print(f"error rate {UNPAID_ALPHA}, everything paid")
    report(asyncio.run(count(nulls, UNPAID_SEEDS, UNPAID_ALPHA)))
    print(f"error rate {UNPAID_ALPHA}, the same histories, {path} unpaid")
    with unpaid():
        freed = asyncio.run(count(nulls, UNPAID_SEEDS, UNPAID_ALPHA))
    report(freed)
    return any(answer.verdict == "identified" for _, answer in freed)


def main() -> int:
    """Run the command line; 0 when the targets are met, or when an unpaid price shows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--balls", type=Path, metavar="DIR")
    parser.add_argument("--unpaid", choices=sorted(UNPAID))
    asked = parser.parse_args()
    if asked.unpaid is None:
        nulls = histories(asked.histories, SIZES, range(2, 60), asked.balls)
        return int(not report(asyncio.run(count(nulls, SEEDS, 1e-6))))
    return int(not shows(asked.unpaid, asked.histories))


if __name__ == "__main__":
    sys.exit(main())
