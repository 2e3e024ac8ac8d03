"""Histories drawn at test time: a real runtime's calls under a hidden seed, start and gap, or what no generator made."""

from __future__ import annotations

import hashlib
import math
import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from runtimes import Call

from engine.evidence.identifiability import needed_draws

SIZES = (6, 10, 37, 49, 64, 100, 365, 1000)
NOISES = (0.0, 0.0, 0.0, 0.05, 0.1)
TOLERATED = (
    0.2  # the share of wrong draws that the default search allows for, hence what a noisy history must carry
)
CODE_BITS = 10.0  # log2 of more families and mappings than there are
WITHHELD = 10
MARGIN = (3, 20)  # draws beyond the bound
LOADED = 300  # throws of a loaded die; with these its bias may be seen
NEGATIVES = ("entropy", "shuffled", "cipher", "loaded die")


@dataclass(frozen=True)
class Bounds:
    """What the search is told: intervals (both ends included) that hold seed, start and gap, as its own options."""

    kind: str
    seeds: tuple[int, int]
    seed_option: str
    start: int
    gap: int
    family: str = "all"

    @property
    def options(self) -> list[str]:
        """Return the options of `mimicry analyze`."""
        places = ["--starts", f"0:{self.start}", "--gaps", f"0:{self.gap}"]
        return ["--families", self.family, "--seeds", self.seed_option, *places]

    @property
    def bits(self) -> float:
        """Return log2 of the hypotheses within the bounds, families and mappings included."""
        low, high = self.seeds
        return math.log2((high - low + 1) * (self.start + 1) * (self.gap + 1)) + CODE_BITS


@dataclass(frozen=True)
class History:
    """Draws as the search gets them, in lo..hi; `future` are the runtime's next draws, None where nothing made them."""

    source: str
    bounds: Bounds
    lo: int
    hi: int
    draws: tuple[int, ...]
    future: tuple[int, ...] | None
    seed: int = 0
    start: int = 0
    gap: int = 0
    noise: float = 0.0

    @property
    def truth(self) -> str:
        """Return how the history was made, enough to make it again."""
        if self.future is None:
            return self.source
        wrong = f", {self.noise:.0%} wrong" if self.noise else ""
        return f"{self.source}  seed {self.seed}, start {self.start}, gap {self.gap}, {len(self.draws)} draws of {self.lo}..{self.hi}{wrong}"


def small(_: random.Random, call: Call) -> Bounds:
    """Seeds of 16 bits, deep."""
    return Bounds("small", (0, 2**16 - 1), "0:65535", 40, 16)


def typed(_: random.Random, call: Call) -> Bounds:
    """Seeds that people type."""
    return Bounds("typed", (0, 2**20 - 1), "0:1048575", 7, 7)


def clock(rng: random.Random, call: Call) -> Bounds:
    """Unix seconds of one day of the last years."""
    day = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=rng.randrange(6 * 365))
    ends = [day, day + timedelta(days=1)]
    option = "..".join(f"{end:%Y-%m-%dT%H:%M}" for end in ends) + "/s"
    return Bounds("clock", (int(ends[0].timestamp()), int(ends[1].timestamp())), option, 15, 15)


def wide(rng: random.Random, call: Call) -> Bounds:
    """All seeds of a family that is told, where that is a matter of seconds; else seeds that people type."""
    if not call.known:
        return typed(rng, call)
    last = 2**call.seed_bits - 1
    return Bounds("wide", (0, last), f"0:{last}", 2, 2, call.known)


def modest(_: random.Random, call: Call) -> Bounds:
    """Seeds of the short form."""
    return Bounds("modest", (0, 2**12 - 1), "0:4095", 8, 5)


Bounding = Callable[[random.Random, Call], Bounds]
ALL_BOUNDS: tuple[Bounding, ...] = (small, typed, clock, wide)


def real(call: Call, bounds: Bounds, rng: random.Random, work: Path, noise: float) -> History:
    """Let a runtime draw; seed, start, gap and number of values come from `rng`, the number of draws from the identifiability bound."""
    seed, start, gap = rng.randint(*bounds.seeds), rng.randint(0, bounds.start), rng.randint(0, bounds.gap)
    size, count = _measures(bounds, rng, noise, SIZES)
    calls = call.draws(seed, start + (count + WITHHELD) * (gap + 1), size, work)
    kept = calls[start :: gap + 1]
    draws = [rng.randrange(size) + call.first if rng.random() < noise else draw for draw in kept[:count]]
    last = call.first + size - 1
    future = tuple(kept[count : count + WITHHELD])
    return History(call.name, bounds, call.first, last, tuple(draws), future, seed, start, gap, noise)


def _measures(bounds: Bounds, rng: random.Random, noise: float, sizes: tuple[int, ...]) -> tuple[int, int]:
    """Return the number of values and of draws that carry a claim over the bounds, with a margin."""
    size = rng.choice(sizes)
    need = needed_draws(bounds.bits, 1 / size, noise=TOLERATED if noise else 0.0)
    assert need is not None
    return size, need + rng.randint(*MARGIN)


def negative(kind: str, call: Call, bounds: Bounds, rng: random.Random, work: Path) -> History:
    """Return a history that no generator explains; entropy is the one kind that `rng` does not repeat."""
    size, count = _measures(bounds, rng, 0.0, (6,) if kind == "loaded die" else SIZES)
    if kind == "shuffled":
        made = real(call, bounds, rng, work, 0.0)
        draws = tuple(rng.sample(made.draws, len(made.draws)))
        return History(kind, bounds, made.lo, made.hi, draws, None)
    makers: dict[str, Callable[[], list[int]]] = {
        "entropy": lambda: [secrets.randbelow(size) for _ in range(count)],
        "cipher": lambda: list(_cipher(rng.randbytes(32), size, count)),
        "loaded die": lambda: rng.choices(range(size), [1, 1, 1, 1, 1, rng.uniform(1.5, 3)], k=LOADED),
    }
    return History(kind, bounds, 0, size - 1, tuple(makers[kind]()), None)


def _cipher(key: bytes, size: int, count: int) -> Iterator[int]:
    """Yield draws of SHA-256 in counter mode; 256 bits below `size` are uniform for every purpose here."""
    for counter in range(count):
        yield int.from_bytes(hashlib.sha256(key + counter.to_bytes(8, "big")).digest(), "big") % size
