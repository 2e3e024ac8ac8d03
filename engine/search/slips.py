"""A slip: from some draw on a history lies a few calls off a claimed alignment, because a draw is missing or stands twice."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.evidence.chance import log2_tail
from engine.evidence.evalue import required_bits
from engine.recovery import states
from engine.recovery.problem import Ints
from engine.search.claims import Claim
from engine.search.design import NEXT_DRAWS
from engine.search.streams import parts
from hip_cuda_kernels import host

FARTHEST = 8  # draws that may be missing, or too many
LONGEST = 1 << 20  # calls of a stream that is looked along

Settled = tuple[Claim, int, Ints]


@dataclass(frozen=True)
class Slip:
    """From draw `place` (0 the first) on the draws lie `calls` later than claimed, `matched` of `scored` there; `future` follows them."""

    place: int
    calls: int
    stride: int
    matched: int
    scored: int
    future: Ints

    def line(self) -> str:
        """Say what happened there, and what to do about it."""
        draws, rest = divmod(abs(self.calls), self.stride)
        where = f"before draw {self.place + 1}"
        if rest:
            what = f"the gap {where} is {abs(self.calls)} calls {'wider' if self.calls > 0 else 'narrower'}"
        elif self.calls > 0:
            what = f"{draws} missing {where}: write - for each"
        else:
            what = f"{draws} too many {where}: leave out what was recorded twice"
        return (
            f"{what}; the {self.matched} of {self.scored} draws that match from there on lie {abs(self.calls)} calls "
            f"{'later' if self.calls > 0 else 'earlier'}, and so do the next draws"
        )


def slip(claim: Claim, draws: Ints, p: float, alpha: float) -> Slip | None:
    """Return the slip that explains most of what a claim leaves open, where chance would not; None without one."""
    cell, stride, count = claim.cell, claim.gap + 1, len(draws)
    if cell.law != "constant" or claim.matched == claim.scored or parts(cell.session)[1] != "forward":
        return None
    reach = claim.start + (count + NEXT_DRAWS + FARTHEST) * stride
    if reach > LONGEST:
        return None
    make = states.values if cell.origin == "state" else host.values
    stream = make(cell.family, cell.mapping, claim.seed, cell.lo, cell.hi, reach)
    shifts = [calls for calls in range(-FARTHEST * stride, FARTHEST * stride + 1) if calls]
    kept = np.concatenate([[0], np.cumsum(_matches(stream, draws, claim.start, stride))])[:-1]

    def explained(calls: int) -> Ints:
        """Return how many draws the claim explains before each place and the shift from there on."""
        return kept + np.cumsum(_matches(stream, draws, claim.start + calls, stride)[::-1])[::-1]

    calls = max(shifts, key=lambda one: (explained(one).max(), -abs(one)))
    # the last of equal places begins with a match
    place = count - 1 - int(explained(calls)[::-1].argmax())
    there = _matches(stream, draws, claim.start + calls, stride)[place:]
    matched, scored = int(there.sum()), int((draws[place:] >= 0).sum())
    if log2_tail(scored, matched, p) + math.log2(count * len(shifts)) > -required_bits(alpha):
        return None
    ahead = claim.start + calls + stride * np.arange(count, count + NEXT_DRAWS)
    return Slip(place, calls, stride, matched, scored, stream[ahead])


def _matches(stream: Ints, draws: Ints, first: int, stride: int) -> Ints:
    """Return where the draws are those of the calls from `first` on; a call before the stream makes none."""
    calls = first + stride * np.arange(len(draws))
    return np.asarray((calls >= 0) & (stream[np.maximum(calls, 0)] == draws))


def followed(settled: Iterable[Settled], slips: Iterable[Slip | None]) -> list[Settled]:
    """Return settled claims with the next draws that follow their slips."""
    return [
        (claim, equal, future if found is None else found.future)
        for (claim, equal, future), found in zip(settled, slips, strict=True)
    ]
