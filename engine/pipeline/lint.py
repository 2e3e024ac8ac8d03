"""The feature lint. A column that leaks, or that is dead by construction, fails the run; one that carries nothing on these draws is dropped.

Dead: constant, or a copy of another, on draws that vary in every way; it is a fault of the code. On the real draws a column may be
constant, a copy, or name its trial for an honest reason (no earlier draws, no hits, one trial): it is left out by name and on record.
Whatever is written passes `barren` once more: a constant, copied or trial-naming column in the table fails the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.pipeline import features
from engine.pipeline.board import Board, Columns
from engine.pipeline.features import Table
from engine.pipeline.features_meta import ARRAYS, Meta

PROBE_ROWS, PROBE_DRAWS, PROBE_RANGE = (
    96,
    160,
    (0, 997),
)  # no power of two or ten: no digit is a tenth, no bit a residue
PERFECT = 1.0 - 1e-9
BLIND_ROWS = 16
CHANCE_HITS = 12  # fewer chance hits in all cannot tell a correlation from luck
CHANCE_LIMIT = 0.9
TRIAL_ROWS = 3  # fewer survivors of one trial agree by luck


@dataclass(frozen=True)
class Dropped:
    """One column that was left out, and the rule that it broke."""

    name: str
    rule: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """What the lint kept, dropped, and refused."""

    kept: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    leaks: tuple[str, ...]


def probe(lo: int = PROBE_RANGE[0], hi: int = PROBE_RANGE[1]) -> Columns:
    """Return the columns of made-up survivors that differ in everything a feature may look at, on draws in lo..hi."""
    rng = np.random.default_rng(PROBE_ROWS)
    drawn = rng.integers(lo, hi, PROBE_DRAWS, endpoint=True)
    predicted = rng.integers(lo, hi, (PROBE_ROWS, PROBE_DRAWS), endpoint=True)
    near = np.clip(drawn + rng.integers(-2, 2, predicted.shape, endpoint=True), lo, hi)
    predicted = np.where(rng.random(predicted.shape) < rng.random((PROBE_ROWS, 1)) / 2, near, predicted)
    place = np.arange(PROBE_DRAWS)
    since = rng.integers(0, PROBE_DRAWS, (PROBE_ROWS, 1))
    live = (place >= since) & (place < since + rng.integers(1, PROBE_DRAWS, (PROBE_ROWS, 1)))
    hit = live & (rng.random(predicted.shape) < rng.random((PROBE_ROWS, 1)))
    board = Board(np.where(hit, drawn, predicted), drawn, lo, hi)
    scored = {name: rng.integers(5, 60, PROBE_ROWS) for name in ARRAYS}
    counts = {
        name: rng.integers(0, scored[name.replace("matched", "scored")] + 1)
        if "matched" in name
        else scored[name]
        for name in ARRAYS
    }
    return features.columns(
        board, Meta({name: one.astype(float) for name, one in counts.items()}), PROBE_DRAWS
    )


def dead(columns: Mapping[str, np.ndarray]) -> list[Dropped]:
    """Return the columns of a probe that are constant, or copies of one before them."""
    table = Table(tuple(columns), np.stack(list(columns.values()), axis=1)[None])
    found = _constant(table, set())
    return found + _copies(table, {one.name for one in found})


def barren(table: Table, trials: np.ndarray) -> list[Dropped]:
    """Return the columns of a finished table that should not stand in it: constant, copied, naming their trial."""
    found = _constant(table, set())
    found += _trial_marks(table, trials, {one.name for one in found})
    return found + _copies(table, {one.name for one in found})


def future_blind(board: Board, meta: Meta, reads: Sequence[int], rng: np.random.Generator) -> list[str]:
    """Return the columns that change when draws which their slot may not know are replaced.

    The strongest leak test there is: it asks the code, not a statistic. `board` may hold any few rows.
    """
    lo, hi = board.lo, board.hi
    leaks: set[str] = set()
    for slot, read in enumerate(reads):
        other = board.drawn.copy()
        later = np.flatnonzero(other[read:] >= 0) + read
        other[later] = lo + (other[later] - lo + rng.integers(1, max(2, hi - lo + 1), len(later))) % (
            hi - lo + 1
        )
        # a future without misses as well, so that counts of hits show
        for drawn in (other, _oracle(board, read)):
            blind = Board(board.predicted, drawn, lo, hi)
            before, after = (
                features.columns(board, meta, reads[slot]),
                features.columns(blind, meta, reads[slot]),
            )
            leaks |= {name for name in before if not np.array_equal(before[name], after[name])}
    return sorted(leaks)


def _oracle(board: Board, read: int) -> np.ndarray:
    drawn = board.drawn.copy()
    drawn[read:] = np.where(drawn[read:] >= 0, np.maximum(board.predicted[0, read:], board.lo), drawn[read:])
    return drawn


def chance_leaks(table: Table, targets: np.ndarray, chance_rows: np.ndarray) -> list[str]:
    """Return columns that predict the hits of decoys, which nothing can; `targets` int (2, dev, K)."""
    hits, scored = targets[:, :, chance_rows]
    if hits.sum() < CHANCE_HITS:
        return []
    rate = (hits / np.maximum(scored, 1)).reshape(-1)
    x = table.x[: len(hits), chance_rows].reshape(len(rate), -1)
    return [
        name for name, r in zip(table.names, correlations(x, rate), strict=True) if abs(r) >= CHANCE_LIMIT
    ]


def check(
    table: Table,
    *,
    first_read: int,
    provenance: Mapping[str, int],
    trials: np.ndarray,
    leaks: Sequence[str] = (),
) -> Verdict:
    """Sort the columns: `provenance` is the first draw a column does not know, `trials` the trial of each survivor row."""
    dropped = [
        Dropped(name, "later", f"counts draws up to {end}, the first features may know {first_read}")
        for name, end in provenance.items()
        if end > first_read and name in table.names
    ]
    out = {one.name for one in dropped} | set(leaks)
    dropped += _constant(table, out)
    out |= {one.name for one in dropped}
    dropped += _trial_marks(table, trials, out)
    out |= {one.name for one in dropped}
    dropped += _copies(table, out)
    out |= {one.name for one in dropped}
    return Verdict(tuple(name for name in table.names if name not in out), tuple(dropped), tuple(leaks))


def _constant(table: Table, out: set[str]) -> list[Dropped]:
    low, high = table.x.min(axis=(0, 1)), table.x.max(axis=(0, 1))
    return [
        Dropped(name, "constant", f"is {low[at]:.6g} in every row")
        for at, name in enumerate(table.names)
        if low[at] == high[at] and name not in out
    ]


def _copies(table: Table, out: set[str]) -> list[Dropped]:
    names = [name for name in table.names if name not in out]
    flat = table.keep(names).x.reshape(-1, len(names))
    centred = flat - flat.mean(axis=0)
    r = np.abs(centred.T @ centred / np.maximum(np.outer(*[np.linalg.norm(centred, axis=0)] * 2), 1e-300))
    found: dict[str, str] = {}
    for later in range(len(names)):
        twins = [at for at in range(later) if names[at] not in found and r[at, later] >= PERFECT]
        if twins:
            found[names[later]] = names[twins[0]]
    return [Dropped(name, "copy", f"equals {first} up to scale") for name, first in found.items()]


def _trial_marks(table: Table, trials: np.ndarray, out: set[str]) -> list[Dropped]:
    """Find columns that are one value within every trial and differ between trials: they name the trial."""
    groups = [np.flatnonzero(trials == trial) for trial in np.unique(trials) if trial >= 0]
    groups = [group for group in groups if len(group) >= TRIAL_ROWS]
    if len(groups) < 2:
        return []
    found = []
    for at, name in enumerate(table.names):
        column = table.x[:, :, at]
        spread = max(float(np.ptp(column[:, group], axis=1).max()) for group in groups)
        between = float(np.ptp([column[0, group[0]] for group in groups]))
        if name not in out and spread == 0.0 and between > 0.0:
            found.append(
                Dropped(name, "trial", f"is one value in each of {len(groups)} trials: it names the trial")
            )
    return found


def correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the correlation of each column of x (rows, columns) with y (rows); 0 where one does not vary."""
    x, y = x - x.mean(axis=0), y - y.mean()
    scale = np.linalg.norm(x, axis=0) * np.linalg.norm(y)
    return np.asarray(np.divide(x.T @ y, scale, out=np.zeros(x.shape[1]), where=scale > 0))
