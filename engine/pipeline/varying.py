"""Gaps that vary: where in its stream a survivor stands, as a belief that each draw moves, and what it foretells from there.

The gaps of a survivor's alignment were laid out over the very draws that it would be scored on. So the past is foretold anew: draw
by draw, from the draws before it alone, under a law of gaps that those draws taught. The coming draw is every call within reach, each
an alignment with its gaps so far, weighed by that law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.search.alignment import Alignment
from hip_cuda_kernels import host

NONE = -1
WRONG, RIGHT = 1.0, 4.0  # draws that the belief in a right draw begins with
LEAST = 1e-6  # places less likely at either end are forgotten
MOST = 16  # places that one stream keeps from draw to draw


@dataclass(frozen=True)
class Walk:
    """What a walk over the draws leaves: of each the best value, the share of belief that named it, how surely it was right; and where the next one lies."""

    alignment: Alignment
    foretold: np.ndarray
    named: np.ndarray
    right: np.ndarray
    past: Sequence[tuple[int, np.ndarray]]
    base: int
    belief: np.ndarray
    law: np.ndarray

    def forks(self) -> tuple[tuple[Alignment, float], ...]:
        """Return alignments whose gaps most likely lead up to the coming draw, likeliest first; their shares sum to at most 1."""
        order, lo = np.argsort(-self.belief, kind="stable")[:MOST], self.alignment.gap.lo or 0
        return tuple(
            (
                _with(self.alignment, _path(self.past, self.base + int(at), lo, self.law)),
                float(self.belief[at]),
            )
            for at in order
        )


def laid_out(alignment: Alignment) -> np.ndarray:
    """Return the calls of the draws that the alignment's own gaps reach, int64 (gaps + 1,)."""
    steps = np.asarray(alignment.gap.pattern or (), dtype=np.int64) + 1
    return (alignment.start or 0) + np.concatenate([[0], np.cumsum(steps)])


def walk(alignment: Alignment, drawn: np.ndarray) -> Walk:
    """Go over the draws of the alignment's own stream; what is foretold of a draw knows only the draws before it."""
    lo, hi = alignment.gap.lo or 0, alignment.gap.hi or 0
    calls = _calls(alignment, len(drawn) * (hi + 1) + 1)
    chance = 1.0 / (alignment.range[1] - alignment.range[0] + 1)
    taken, true, wrong = np.ones(hi - lo + 1), RIGHT, WRONG
    foretold, named, right = np.full(len(drawn), NONE, dtype=np.int64), *np.zeros((2, len(drawn)))
    base, belief = 0, np.ones(1)
    past: list[tuple[int, np.ndarray]] = []
    for t, value in enumerate(drawn):
        near = calls[base : base + len(belief)]
        foretold[t] = near[int(belief.argmax())]
        here = belief
        if value != NONE:
            rate = true / (true + wrong)
            hit = near == value
            named[t] = float(belief[hit].sum())
            right[t] = _share(rate * named[t], (1.0 - rate) * chance)
            true, wrong = true + right[t], wrong + 1.0 - right[t]
            here = belief * (rate * hit + (1.0 - rate) * chance)
            here = here / here.sum()
        base, here = _trimmed(base, here)
        law = taken / taken.sum()
        taken = taken + (_learnt(past[-1], here, base, lo, law) if past and value != NONE else 0.0)
        past.append((base, here))
        base, belief = base + lo + 1, np.convolve(here, taken / taken.sum())
    return Walk(alignment, foretold, named, right, past, base, belief, taken / taken.sum())


def _calls(alignment: Alignment, count: int) -> np.ndarray:
    """Return the values of the calls from the alignment's first draw on; those before its stream began foretell nothing."""
    start = alignment.start or 0
    silent = min(count, max(0, -start))
    made = np.full(count, NONE, dtype=np.int64)
    made[silent:] = host.values(
        alignment.family, alignment.mapping, alignment.origin.number(), *alignment.range, count - silent,
        start=start + silent,
    )  # fmt: skip
    return made


def _share(one: float, other: float) -> float:
    return one / (one + other) if one + other > 0 else 0.0


def _trimmed(base: int, belief: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the belief without its unlikely ends."""
    live = np.flatnonzero(belief > LEAST * belief.max())
    kept = belief[live[0] : live[-1] + 1]
    return base + int(live[0]), kept / kept.sum()


def _learnt(
    before: tuple[int, np.ndarray], here: np.ndarray, base: int, lo: int, law: np.ndarray
) -> np.ndarray:
    """Return how likely each gap was between two draws, given both beliefs: one draw's worth of the law."""
    earlier = before[1]
    first = before[0] + lo + 1 - base  # where the shortest gap from the first earlier place lands
    prior = np.convolve(earlier, law)
    padded = np.zeros(len(prior))
    inside = np.arange(len(here)) - first
    live = (inside >= 0) & (inside < len(prior))
    padded[inside[live]] = here[live]
    ratio = np.divide(padded, prior, out=np.zeros(len(prior)), where=prior > 0)
    seen = law * np.array([float(earlier @ ratio[gap : gap + len(earlier)]) for gap in range(len(law))])
    return np.asarray(seen / seen.sum()) if seen.sum() > 0 else law


def _path(past: Sequence[tuple[int, np.ndarray]], call: int, lo: int, law: np.ndarray) -> tuple[int, ...]:
    gaps: list[int] = []
    for base, belief in reversed(past):
        at = call - 1 - lo - np.arange(len(law)) - base
        inside = (at >= 0) & (at < len(belief))
        ways = np.where(inside, belief[np.clip(at, 0, len(belief) - 1)] * law, -1.0)
        gap = lo + int(ways.argmax())
        gaps.append(gap)
        call -= gap + 1
    return tuple(reversed(gaps))


def _with(alignment: Alignment, pattern: tuple[int, ...]) -> Alignment:
    gap = alignment.gap.model_copy(update={"pattern": pattern})
    return alignment.model_copy(update={"gap": gap})


def law_of(alignment: Alignment) -> dict[int, float]:
    """Return how likely each gap from `lo` to `hi` is after the alignment's own gaps."""
    lo, hi = alignment.gap.lo or 0, alignment.gap.hi or 0
    counts = np.bincount(np.asarray(alignment.gap.pattern or (), dtype=np.int64) - lo, minlength=hi - lo + 1)
    law = (counts + 1.0) / (counts.sum() + len(counts))
    return {lo + at: float(share) for at, share in enumerate(law)}


def onward(alignment: Alignment, gap: int) -> Alignment:
    """Return the alignment with the gap that came next."""
    return _with(alignment, (*(alignment.gap.pattern or ()), gap))


def stream_of(alignment: Alignment) -> Alignment:
    """Return what two alignments share that walk one stream, whichever gaps they took; any other alignment as it is."""
    return _with(alignment, ()) if alignment.gap.law == "range" else alignment
