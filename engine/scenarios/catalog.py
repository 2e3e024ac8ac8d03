"""Every scenario by name: what makes it, what it is, and which options it reads. Nothing that analyses may import this package."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, replace

from engine.errors import UsageError
from engine.scenarios import (
    balls,
    biased,
    clean,
    entropy,
    gapped,
    interleaved,
    noisy,
    regime,
    reseeded,
    shuffled,
    varying,
)
from engine.scenarios.scenario import Asked, Make, Scenario
from engine.seedtree import named_rng

PLANTED = ("range", "families", "seeds", "starts", "seed")


@dataclass(frozen=True)
class Entry:
    """One row of the catalogue; `reads` are the options that change it beside the number of draws."""

    make: Make
    summary: str
    reads: tuple[str, ...]
    truth: bool = True


CATALOG: dict[str, Entry] = {
    "clean": Entry(clean.make, "one generator, no gap, no noise", PLANTED),
    "gapped": Entry(gapped.make, "calls thrown away between two draws", (*PLANTED, "gap")),
    "varying": Entry(varying.make, "another gap before every draw", (*PLANTED, "gap", "noise")),
    "noisy": Entry(noisy.make, "a share of the draws is wrong", (*PLANTED, "gap", "noise")),
    "reseeded": Entry(reseeded.make, "a new seed every N draws", (*PLANTED, "gap", "noise", "every")),
    "interleaved": Entry(interleaved.make, "labelled sessions, mixed", (*PLANTED, "gap", "sessions")),
    "regime": Entry(regime.make, "a generator that gives way to entropy", (*PLANTED, "gap")),
    "biased": Entry(biased.make, "not uniform, but no generator", ("range", "strength", "seed"), False),
    "shuffled": Entry(shuffled.make, "a generator's draws, shuffled", (*PLANTED, "gap"), False),
    "entropy": Entry(entropy.make, "operating system entropy", ("range",), False),
    "euromillions": Entry(balls.maker("euromillions"), "balls, 2004 to 2020", ("ball", "first"), False),
    "loto": Entry(balls.maker("loto"), "balls, 2008 to 2019", ("ball", "first"), False),
    "powerball": Entry(balls.maker("powerball"), "the red ball, 2015 to 2025", ("ball", "first"), False),
}


def make(name: str, asked: Asked | None = None) -> Scenario:
    """Return a scenario by name, with the options it read; the same name, options and seed give the same draws."""
    if name not in CATALOG:
        near = difflib.get_close_matches(name, CATALOG, n=3, cutoff=0.0)
        raise UsageError(f"unknown scenario {name!r}; nearest are {', '.join(near)}")
    asked, entry = asked or Asked(), CATALOG[name]
    check(asked)
    made = entry.make(asked, named_rng(asked.seed, "scenario", name))
    told = {key: value for key, value in asdict(asked).items() if key in ("draws", *entry.reads)}
    return replace(made, options=told)


def check(asked: Asked) -> None:
    """Refuse numbers that no scenario can mean."""
    rules = (
        (1 <= asked.draws <= 1_000_000, f"--draws {asked.draws}: must lie in 1..1000000"),
        (0 <= asked.range[0] < asked.range[1], f"--range {asked.range}: two values or more, from 0"),
        (0.0 <= asked.noise <= 0.4, f"--noise {asked.noise}: must lie in 0..0.4"),
        (0 <= asked.gap < 1 << 16, f"--gap {asked.gap}: must lie in 0..65535"),
        (1 <= asked.seeds <= 1 << 63, f"--seeds {asked.seeds}: must lie in 1..2^63"),
        (1 <= asked.starts <= 1 << 20, f"--starts {asked.starts}: must lie in 1..2^20"),
        (asked.every >= 2, f"--every {asked.every}: must be 2 at least"),
        (1 <= asked.sessions <= 64, f"--sessions {asked.sessions}: must lie in 1..64"),
        (0.0 <= asked.strength <= 4.0, f"--strength {asked.strength}: must lie in 0..4"),
        (asked.first >= 0, f"--first {asked.first}: must not be negative"),
    )
    for good, text in rules:
        if not good:
            raise UsageError(text)
