"""One hypothesis along the draws: where it matches, and how its evidence grows on the draws that the search never saw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.evidence.evalue import EProcess, log2_evidence
from engine.recovery import states
from engine.recovery.problem import calls_of
from engine.search.clock import foretold
from engine.search.layouts import reseeded
from engine.search.streamed import led_back
from hip_cuda_kernels import host

MISS, HIT, MISSING = 0, 1, -1


@dataclass(frozen=True)
class Along:
    """`marks` int8 (n,): HIT, MISS or MISSING a draw; the first `edge` draws were searched; `paid` bits are the claim's price."""

    marks: np.ndarray
    edge: int
    p: float
    noise: float | None
    paid: float

    def __len__(self) -> int:
        """Return the number of draws."""
        return len(self.marks)

    @cached_property
    def matches(self) -> np.ndarray:
        """Return the int64 (n,) matches up to and including each draw."""
        return np.cumsum(self.marks == HIT)

    @cached_property
    def chance(self) -> np.ndarray:
        """Return the float (n,) matches that chance expects up to and including each draw."""
        return self.p * np.cumsum(self.marks != MISSING)

    def bits(self, place: int) -> float:
        """Return the evidence after the draw at `place`, from the unseen draws alone, its price paid."""
        unseen = self.marks[self.edge : place + 1]
        matched, scored = int((unseen == HIT).sum()), int((unseen != MISSING).sum())
        return log2_evidence(matched, scored, self.p, self.noise) - self.paid

    def crossing(self, required: float) -> int | None:
        """Return the place of the first unseen draw at which the evidence reaches the required bits, or None."""
        process = EProcess(self.p, self.noise, self.paid)
        for place in np.flatnonzero(self.marks[self.edge :] != MISSING) + self.edge:
            if process.update(bool(self.marks[place] == HIT)) >= required:
                return int(place)
        return None


def follow(
    draws: np.ndarray,
    claim: Mapping[str, Any],
    span: tuple[int, int],
    p: float,
    noise: float | None,
    times: np.ndarray | None = None,
) -> Along:
    """Lay a hypothesis (fields of `analysis/1`) along int64 draws; `times` are theirs, where they are the seeds."""
    told = predicted(claim, span, len(draws), times)
    marks = (told == draws[: len(told)]).astype(np.int8)
    marks[draws[: len(told)] < 0] = MISSING
    searched = claim["scored"] - claim["confirmed"]["scored"]
    edge = int(np.flatnonzero(marks != MISSING)[searched - 1]) + 1 if searched else 0
    return Along(marks, edge, p, noise, _paid(claim, p, noise))


def predicted(
    claim: Mapping[str, Any], span: tuple[int, int], count: int, times: np.ndarray | None = None
) -> np.ndarray:
    """Return the int64 (count,) draws of a hypothesis, fewer where its gaps are known so far only."""
    code = claim["family"], claim["mapping"]
    seed, start, gap = int(claim["origin"]["value"], 16), claim["start"], claim["gap"]
    if claim["origin"]["kind"] == "state":
        return states.values(*code, seed, *span, count, pattern=tuple(gap.get("pattern") or (gap["value"],)))
    if gap["law"] == "clock" and times is not None:
        return foretold(*code, seed, *span, times[:count], claim["origin"]["unit"], start)
    if gap["law"] == "inverse":
        return led_back(*code, seed, *span, count, start, gap["value"])
    if gap["law"] == "reseed":
        return reseeded(*code, seed, *span, count, start, gap["value"])
    if gap["law"] == "constant":
        return host.values(*code, seed, *span, count, start=start, gap=gap["value"])
    if gap["law"] == "periodic":
        calls = start + calls_of(tuple(gap["pattern"]), np.arange(count))
        return np.asarray(host.values(*code, seed, *span, int(calls[-1]) + 1)[calls])
    calls = np.cumsum([start, *(skipped + 1 for skipped in gap["pattern"])])
    stream = host.values(*code, seed, *span, int(calls[-1]) + 1)
    return np.asarray(stream[calls])


def _paid(claim: Mapping[str, Any], p: float, noise: float | None) -> float:
    """Return what was subtracted from the evidence of the unseen draws: rank, design and, without them, all that was tried."""
    confirmed = claim["confirmed"]
    whole = log2_evidence(confirmed["matched"], confirmed["scored"], p, noise)
    return max(0.0, whole - claim["evidence_bits"]) if math.isfinite(whole) else 0.0
