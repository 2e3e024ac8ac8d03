"""Replay: what a survivor's own alignment predicts for each draw of a history. One meaning of start and gap for every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import BadInput
from engine.history.history import History
from engine.pipeline import varying
from engine.recovery import states
from engine.search.alignment import Alignment
from engine.search.layouts import reseeded
from hip_cuda_kernels import host

NONE = -1  # no prediction, or a missing draw; never matches and is never scored


class NotReplayable(BadInput):
    """An alignment whose predictions are not single values: unknown gaps, gaps that were not laid out, backward streams."""


def refuse(alignment: Alignment) -> str | None:
    """Return why an alignment cannot be replayed, or None if it can."""
    if alignment.origin.kind == "state" and not states.known(alignment.family):
        return f"no model steps {alignment.family} on from a state"
    if alignment.start is None and alignment.origin.kind != "state":
        return "its start is not known"
    if alignment.direction == "backward":
        return "backward streams have no forward prediction"
    if alignment.gap.law == "range" and (alignment.gap.pattern is None or alignment.origin.kind == "state"):
        return "its varying gaps are not laid out from a seed"
    if alignment.gap.law in ("unknown", "clock", "inverse"):
        return f"gap law {alignment.gap.law} leaves the next position open"
    if alignment.gap.unit != "call":
        return "gaps counted in raw words are not supported by this landing's kernels"
    return None


def stream(alignment: Alignment, first: int, count: int) -> np.ndarray:
    """Return the int64 (count,) values predicted for draws first.. of the alignment's own stream.

    Draw t lies at call start + t (gap + 1); calls before the stream began (start < 0) predict NONE.
    """
    reason = refuse(alignment)
    if reason is not None:
        raise NotReplayable(f"{alignment.line()}: {reason}; leave it out of the scored survivors")
    if count <= 0:
        return np.zeros(0, dtype=np.int64)
    start = alignment.start or 0  # a state is the one before the first draw
    if alignment.gap.law == "reseed":
        return _reseeded(alignment, start, int(alignment.gap.value or 0), first, count)
    if alignment.gap.law == "range":
        return _laid_out(alignment, first, count)
    if alignment.gap.law == "constant":
        return _constant(alignment, start, int(alignment.gap.value or 0), first, count)
    return _periodic(alignment, start, alignment.gap.pattern or (0,), first, count)


def _constant(alignment: Alignment, start: int, gap: int, first: int, count: int) -> np.ndarray:
    at = start + first * (gap + 1)
    silent = min(count, max(0, -(at // (gap + 1))))
    out = np.full(count, NONE, dtype=np.int64)
    if silent < count:
        out[silent:] = _values(alignment, at + silent * (gap + 1), gap, count - silent)
    return out


def _reseeded(alignment: Alignment, start: int, step: int, first: int, count: int) -> np.ndarray:
    """Return draws first.. of a generator that is seeded anew before each one, the seed `step` further every time."""
    lo, hi = alignment.range
    seed = (alignment.origin.number() + first * step) % (1 << alignment.origin.bits)
    return reseeded(alignment.family, alignment.mapping, seed, lo, hi, count, start, step)


def _laid_out(alignment: Alignment, first: int, count: int) -> np.ndarray:
    """Return what the alignment's own gaps reach, NONE after the last of them."""
    calls = varying.laid_out(alignment)[first : first + count]
    return np.concatenate([_at(alignment, calls), np.full(count - len(calls), NONE, dtype=np.int64)])


def _periodic(alignment: Alignment, start: int, pattern: Sequence[int], first: int, count: int) -> np.ndarray:
    gaps = np.resize(np.asarray(pattern, dtype=np.int64), first + count)
    calls = start + np.concatenate([[0], np.cumsum(gaps[:-1] + 1)])[first:]
    return _at(alignment, calls)


def _at(alignment: Alignment, calls: np.ndarray) -> np.ndarray:
    """Return the values at rising calls of the stream, NONE before it began."""
    out = np.full(len(calls), NONE, dtype=np.int64)
    live = calls >= 0
    if live.any():
        origin = int(calls[live][0])
        values = _values(alignment, origin, 0, int(calls[-1]) - origin + 1)
        out[live] = values[calls[live] - origin]
    return out


def _values(alignment: Alignment, start: int, gap: int, count: int) -> np.ndarray:
    lo, hi = alignment.range
    seed = alignment.origin.number()
    if alignment.origin.kind == "state":
        return states.values(alignment.family, alignment.mapping, seed, lo, hi, count, start=start, gap=gap)
    return host.values(alignment.family, alignment.mapping, seed, lo, hi, count, start=start, gap=gap)


@dataclass(frozen=True)
class Lines:
    """The draws and the stream each belongs to: `codes[t]` is the index into `labels` of draw t's session, -1 = none."""

    values: np.ndarray
    codes: np.ndarray
    labels: tuple[str, ...]

    @classmethod
    def of(cls, history: History) -> Lines:
        """Take the draws of a history."""
        return cls(history.values, history.codes, history.labels)

    def __len__(self) -> int:
        return len(self.values)

    def with_values(self, values: np.ndarray) -> Lines:
        """Return the same places with other draws in them."""
        return Lines(values, self.codes, self.labels)

    def places(self, session: str | None) -> np.ndarray:
        """Return the draw numbers of one stream, in time order."""
        if session is None:
            return np.arange(len(self.values))
        if session not in self.labels:
            raise BadInput(
                f"a survivor belongs to session {session!r}; this history has {self.labels or 'none'}: give it its own history"
            )
        return np.flatnonzero(self.codes == self.labels.index(session))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what a task needs to rebuild this."""
        return {"draws": self.values, "codes": self.codes}

    @classmethod
    def from_task(cls, params: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Lines:
        """Rebuild from a task's params and arrays."""
        return cls(arrays["draws"], arrays["codes"], tuple(params["labels"]))


def predictions(alignments: Sequence[Alignment], lines: Lines) -> np.ndarray:
    """Return int64 (K, T): the value each alignment predicts for each draw, NONE where it predicts nothing.

    Under varying gaps that is the likeliest value given the draws before.
    """
    out = np.full((len(alignments), len(lines)), NONE, dtype=np.int64)
    for row, alignment in enumerate(alignments):
        places = lines.places(alignment.session)
        if alignment.gap.law == "range" and refuse(alignment) is None:
            out[row, places] = varying.walk(alignment, lines.values[places]).foretold
        else:
            out[row, places] = stream(alignment, 0, len(places))
    return out


def next_position(alignment: Alignment, lines: Lines) -> int:
    """Return the number, in its own stream, of the draw that comes after this history."""
    return len(lines.places(alignment.session))


def tally(predicted: np.ndarray, drawn: np.ndarray, lo: int, hi: int) -> tuple[np.ndarray, np.ndarray]:
    """Return matched and scored (K,) over draws [lo, hi); NONE on either side is not scored."""
    predicted, drawn = predicted[:, lo:hi], drawn[lo:hi]
    valid = (predicted != NONE) & (drawn != NONE)
    return ((predicted == drawn) & valid).sum(axis=1), valid.sum(axis=1)
