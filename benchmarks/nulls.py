"""Count false claims on histories that no generator made: entropy, shuffled generators' draws, balls of public lotteries.

Each search takes at least 10^9 hypotheses: the most common families, every native mapping, seeds below 2^16, starts 0..26, gaps 0..7,
exact and with wrong draws; it ends by itself after `--limit` seconds. `--results FILE` (JSON lines) keeps each search as it ends: a
later run adds to it until there are `--histories`, whatever the version of the code, and a public ball is searched once.
`--unpaid` leaves one bill out and shows what it was for (`search` needs a dozen histories, `prior` 24).
Run: python benchmarks/nulls.py [--histories 1000] [--results FILE] [--limit 10] [--balls DIR] [--unpaid prior|search]
Balls ship in small packages: `pip install --no-deps --target DIR frenchlottery==0.4.0 powerball-quantum==1.0.2`.
1,000 histories take about 50 minutes of one core.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import psutil

from engine.compute.cluster import Compute
from engine.evidence.evalue import prior_bits
from engine.evidence.identifiability import needed_draws
from engine.evidence.power import clopper_pearson_upper
from engine.history.history import History
from engine.scenarios import balls
from engine.search import claims
from engine.search.analysis import Analysis
from engine.search.cell import Cell
from engine.search.claims import Claim
from engine.search.identify import identify
from engine.search.ranges import Range
from engine.search.space import Space
from hip_cuda_kernels import host
from hip_cuda_kernels.registry import FAMILIES
from state.journal import Journal

COMMON = [family for family in FAMILIES if family.weight >= 8.0]
SEEDS, STARTS, GAPS = Range(0, 2**16 - 1), Range(0, 26), Range(0, 7)
CELL_BITS = float(np.log2(SEEDS.size * STARTS.size * GAPS.size))
LEAST_HYPOTHESES, MOST_SECONDS, MOST_BIASED = 10**9, 10.0, 0.01
SIZES = (6, 10, 49, 100, 1000)
COARSE = (2, 6)  # where chance matches often: what is not paid for shows soonest
BALL_DRAWS = 60


@dataclass(frozen=True)
class Null:
    """Draws in lo..hi that no generator made in this order."""

    kind: str
    draws: tuple[int, ...]
    lo: int
    hi: int

    @property
    def digest(self) -> str:
        """Return the name of these draws in a file of results."""
        return hashlib.sha256(f"{self.lo}:{self.hi} {self.draws}".encode()).hexdigest()[:16]


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


def drawn() -> Iterator[Null]:
    """Yield the machine-drawn balls that are installed, a column at a time, cut into histories that share no draw, oldest first."""
    for name, game in balls.GAMES.items():
        for ball, highest in game.balls.items() if balls.installed(name) else ():
            values = balls.draws(name, ball)
            for first in range(0, len(values) - BALL_DRAWS + 1, BALL_DRAWS):
                yield Null(f"{name} {ball}", tuple(values[first : first + BALL_DRAWS]), 1, highest)


def made(sizes: Sequence[int], spare: Sequence[int]) -> Iterator[Null]:
    """Yield entropy and shuffles in turn, without end."""
    return (make(sizes, spare) for make in itertools.cycle((entropy, shuffled)))


def histories(known: frozenset[str]) -> Iterator[Null]:
    """Yield balls, entropy and shuffles in turn, without those that are `known`; no ball once they are used up."""
    real = (null for null in drawn() if null.digest not in known)
    more = made(SIZES, range(5, 60))  # fewer carry no wrong draws, and half of the hypotheses
    for null in more:
        if (ball := next(real, None)) is not None:
            yield ball
        yield null
        yield next(more)


@dataclass(frozen=True)
class Searched:
    """One search as a file of results keeps it, with the version that made it; `draws` stand there only where something was claimed."""

    revision: str
    kernels: str
    kind: str
    digest: str
    values: int
    length: int
    verdict: str
    stopped_by: str
    hypotheses: int
    seconds: float
    cpu_seconds: float
    load: float
    best_bits: float
    draws: tuple[int, ...] = ()
    claimed: tuple[str, ...] = ()

    @classmethod
    def of(cls, null: Null, answer: Analysis, cpu_seconds: float) -> Searched:
        """Return what is kept of an answer."""
        claim = answer.verdict in ("identified", "biased")
        return cls(
            revision(), host.build_digest()[:12], null.kind, null.digest, null.hi - null.lo + 1, len(null.draws), answer.verdict,
            answer.stopped_by, answer.hypotheses_tested, answer.elapsed_s, round(cpu_seconds, 2), round(os.getloadavg()[0], 1),
            answer.evidence_bits, null.draws if claim else (), tuple(one.family for one in answer.hypotheses),
        )  # fmt: skip


@cache
def revision() -> str:
    """Return the commit that is searched with, marked where the tree differs from it."""
    asked = ("git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*")
    done = subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


async def search(null: Null, compute: Compute, seeds: Range, alpha: float, limit: float) -> Analysis:
    """Search one history in a ledger of its own."""
    space = Space(
        families=tuple(family.id for family in COMMON), seeds=(seeds,), starts=STARTS, gaps=GAPS, range=(null.lo, null.hi), alpha=alpha,
        time_limit=limit,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="mimicry-nulls-") as directory:
        journal = Journal.open(Path(directory))
        try:
            return await identify(
                History.of(null.draws, source=null.kind), space, compute, journal, run="null"
            )
        finally:
            journal.close()


async def searched(
    nulls: Iterable[Null], seeds: Range, alpha: float, limit: float
) -> AsyncGenerator[Searched, None]:
    """Search every history; yield what is found as it ends."""
    with tempfile.TemporaryDirectory(prefix="mimicry-nulls-") as directory:
        async with await Compute.start(Path(directory)) as compute:
            for null in nulls:
                before = _cpu_seconds()
                answer = await search(null, compute, seeds, alpha, limit)
                yield Searched.of(null, answer, _cpu_seconds() - before)


def _cpu_seconds() -> float:
    """Return what this process and those it started have used."""
    here = psutil.Process()
    times = [one.cpu_times() for one in (here, *here.children(recursive=True))]
    return sum(one.user + one.system for one in times)


async def count(nulls: Iterable[Null], seeds: Range, alpha: float) -> list[Searched]:
    """Search every history without a limit to speak of."""
    async with aclosing(searched(nulls, seeds, alpha, 600.0)) as found:
        return [one async for one in found]


def kept(file: Path | None) -> list[Searched]:
    """Return the searches that a file of results holds."""
    if file is None or not file.exists():
        return []
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return [
        Searched(**{**row, "draws": tuple(row["draws"]), "claimed": tuple(row["claimed"])}) for row in rows
    ]


async def add(number: int, limit: float, file: Path | None) -> list[Searched]:
    """Search until `number` histories are done, those in the file counted; write each as it ends."""
    found = kept(file)
    nulls = itertools.islice(histories(frozenset(one.digest for one in found)), max(0, number - len(found)))
    async with aclosing(searched(nulls, SEEDS, 1e-6, limit)) as more:
        async for one in more:
            found.append(one)
            if file is not None:
                with file.open("a") as out:
                    out.write(json.dumps(asdict(one)) + "\n")
            if one.claimed or one.verdict == "biased" or len(found) % 50 == 0:
                print(f"{len(found)}: {one}", flush=True)
    return found


def report(found: Sequence[Searched]) -> bool:
    """Print the counts with upper bounds (95 %) of the rates behind them; return whether the targets are met."""
    total, verdicts = len(found), Counter(one.verdict for one in found)
    kinds = Counter(one.kind.split()[0] for one in found)
    print(f"histories     {total}: {', '.join(f'{kind} {number}' for kind, number in kinds.most_common())}")
    print(
        f"versions      {', '.join(f'{name} {number}' for name, number in Counter(one.revision for one in found).items())}"
    )
    for verdict in ("identified", "biased"):
        false = verdicts[verdict]
        print(
            f"false {verdict:11} {false}, at most {clopper_pearson_upper(false, total):.2%} of such histories"
        )
    tested = [one.hypotheses for one in found]
    whole = sum(one.stopped_by == "exhausted" for one in found)
    few = sum(one < LEAST_HYPOTHESES for one in tested)
    print(
        f"hypotheses    {min(tested):.4g} to {max(tested):.4g} a search, {sum(tested):.4g} in all; below 10^9 in {few} searches"
    )
    print(
        f"ended         the whole space in {whole}, by the time limit in {sum(one.stopped_by == 'time' for one in found)}"
    )
    for name, seconds in (
        ("seconds", [one.seconds for one in found]),
        ("cpu seconds", [one.cpu_seconds for one in found]),
    ):
        middle, most, longest = np.quantile(seconds, [0.5, 0.95, 1.0])
        print(f"{name:13} median {middle:.1f}, 95 % below {most:.1f}, longest {longest:.1f}")
    print(f"load          {min(one.load for one in found)} to {max(one.load for one in found)}")
    slow = max(one.seconds for one in found) > MOST_SECONDS + 0.5
    return not (verdicts["identified"] or verdicts["biased"] > MOST_BIASED * total or slow or few)


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
    nulls = list(itertools.islice(made(COARSE, spare), number))
    print(f"error rate {UNPAID_ALPHA}, everything paid")
    report(asyncio.run(count(nulls, UNPAID_SEEDS, UNPAID_ALPHA)))
    print(f"error rate {UNPAID_ALPHA}, the same histories, {path} unpaid")
    with unpaid():
        freed = asyncio.run(count(nulls, UNPAID_SEEDS, UNPAID_ALPHA))
    report(freed)
    return any(one.verdict == "identified" for one in freed)


def main() -> int:
    """Run the command line; 0 when the targets are met, or when an unpaid price shows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--results", type=Path, metavar="FILE")
    parser.add_argument("--limit", type=float, default=MOST_SECONDS, metavar="S")
    parser.add_argument("--balls", type=Path, metavar="DIR")
    parser.add_argument("--unpaid", choices=sorted(UNPAID))
    asked = parser.parse_args()
    if asked.unpaid is not None:
        return int(not shows(asked.unpaid, asked.histories))
    if asked.balls is not None:
        sys.path.append(str(asked.balls))
    return int(not report(asyncio.run(add(asked.histories, asked.limit, asked.results))))


if __name__ == "__main__":
    sys.exit(main())
