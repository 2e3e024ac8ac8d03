"""Features of the hit sequence: how often, in which blocks, in what runs, after what waits, how lately, in what order, with what period."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from engine.evidence.evalue import NOISE_MIXTURE
from engine.pipeline.board import Board, Columns, ratio, shrunk_lift, tail_bits

QUARTERS = ("first", "second", "third", "fourth")
LAGS = (1, 2, 3, 4, 6, 8)
LEAST_SPECTRUM = 4  # draws


def match(board: Board) -> Columns:
    """Return rate, shrunk lift, rarity and e-value of the matches so far."""
    return {
        "rate": ratio(board.matched, board.scored),
        "lift": shrunk_lift(board.matched, board.scored, board.chance),
        "rarity": tail_bits(board.matched, board.scored, board.chance),
        "evidence": evidence_bits(board.matched, board.scored, board.chance),
    }


def evidence_bits(matched: np.ndarray, scored: np.ndarray, chance: float) -> np.ndarray:
    """Return `engine.evidence.log2_evidence` for many tallies at once, the mixture over noise included."""
    misses = scored - matched
    logs = []
    for noise, weight in NOISE_MIXTURE:
        hit = np.log2((1.0 - noise) / chance + noise)
        miss = np.log2(noise) if noise > 0 else -2000.0
        logs.append(np.log2(weight) + matched * hit + misses * miss)
    return np.asarray(np.maximum(np.logaddexp2.reduce(np.array(logs)), -2000.0))


def block(board: Board) -> Columns:
    """Return the lift in each quarter of the past, a disjoint block of draws each, and how the quarters differ."""
    ends = np.linspace(0, board.hits.shape[1], len(QUARTERS) + 1).astype(int)
    spans = list(pairwise(ends))
    hits = np.array([board.hits[:, lo:hi].sum(axis=1) for lo, hi in spans], dtype=float)
    scored = np.array([board.valid[:, lo:hi].sum(axis=1) for lo, hi in spans], dtype=float)
    lifts = shrunk_lift(hits, scored, board.chance)
    rates = ratio(hits, scored)
    return dict(zip(QUARTERS, lifts, strict=True)) | {
        "best": rates.max(axis=0),
        "worst": rates.min(axis=0),
        "spread": lifts.std(axis=0),
        "hit": (hits > 0).sum(axis=0).astype(float),
        "turn": rates[-1] - rates[0],
    }


def run(board: Board) -> Columns:
    """Return longest and mean run of hits, how many runs, the open run, neighbours, and the longest drought."""
    hits = board.hits
    longest, open_run = _streaks(hits)
    droughts, _ = _streaks(board.misses)
    begun = (hits[:, :1].sum(axis=1) + (hits[:, 1:] & ~hits[:, :-1]).sum(axis=1)).astype(float)
    pairs = (hits[:, 1:] & hits[:, :-1]).sum(axis=1).astype(float)
    starts = np.maximum(board.scored - longest + 1.0, 1.0)
    return {
        "longest": longest,
        "count": begun,
        "mean": ratio(board.matched, begun),
        "open": open_run,
        "pairs": pairs,
        "rarity": np.maximum(-longest * np.log2(board.chance) - np.log2(starts), 0.0),
        "drought": ratio(droughts, board.scored),
    }


def _streaks(marks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the longest and the last unbroken streak of each row."""
    streak, best = np.zeros(len(marks)), np.zeros(len(marks))
    for column in np.ascontiguousarray(marks.T):
        streak = (streak + 1) * column
        np.maximum(best, streak, out=best)
    return best, streak


def wait(board: Board) -> Columns:
    """Return the draws between one hit and the next: mean, shortest, longest, variation, and the most common wait's share."""
    rows, at = np.nonzero(board.hits)
    same = rows[1:] == rows[:-1]
    row, steps = rows[1:][same], np.diff(at)[same].astype(float)
    count = np.bincount(row, minlength=len(board.hits)).astype(float)
    total = np.bincount(row, weights=steps, minlength=len(count))
    square = np.bincount(row, weights=steps**2, minlength=len(count))
    mean = ratio(total, count)
    shortest, longest = np.full(len(count), np.inf), np.zeros(len(count))
    np.minimum.at(shortest, row, steps)
    np.maximum.at(longest, row, steps)
    spread = np.sqrt(np.maximum(ratio(square, count) - mean**2, 0.0))
    draws = max(1, board.hits.shape[1])
    return {
        "mean": np.where(count > 0, mean / draws, 1.0),
        "shortest": np.where(count > 0, shortest / draws, 1.0),
        "longest": np.where(count > 0, longest / draws, 1.0),
        "variation": ratio(spread, mean),
        "common": _most_common(row, steps.astype(int), count),
    }


def _most_common(row: np.ndarray, steps: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return the share of each row's most common step."""
    most = np.zeros(len(count))
    if len(row):
        kinds, times = np.unique(row * (int(steps.max()) + 1) + steps, return_counts=True)
        np.maximum.at(most, kinds // (int(steps.max()) + 1), times)
    return ratio(most, count)


def recency(board: Board) -> Columns:
    """Return how long ago the last hit was, recent rates at two half-lives, and the trend of the hits over time."""
    draws = board.hits.shape[1]
    age = np.arange(draws - 1, -1, -1, dtype=float)
    last = np.where(board.hits.any(axis=1), board.hits[:, ::-1].argmax(axis=1) if draws else 0, draws)
    columns = {"since": last / max(1.0, float(draws))}
    hits = board.hits.astype(float)
    for name, half in (("fast", 4.0), ("slow", 16.0)):
        weight = 0.5 ** (age / half)
        columns[name] = ratio(hits @ weight, board.valid @ weight)
    centred = age.mean() - age if draws else age
    columns["trend"] = ratio(hits @ centred, np.sqrt(board.matched * float(centred @ centred) + 1e-12))
    return columns


def order(board: Board) -> Columns:
    """Return the autocorrelation of the hit sequence at six lags, and whether values rise and fall together."""
    centred = _centred(board)
    power = np.einsum("kt,kt->k", centred, centred)
    columns = {
        f"lag{lag}": ratio(np.einsum("kt,kt->k", centred[:, lag:], centred[:, :-lag]), power) for lag in LAGS
    }
    predicted = np.where(board.misses, board.predicted - board.lo, 0).astype(float)
    drawn = np.where(board.misses, board.drawn - board.lo, 0).astype(float)
    columns["value"] = _correlation(predicted, drawn, board.misses, board.missed)
    steps = board.misses[:, 1:] & board.misses[:, :-1]
    together = np.sign(np.diff(predicted, axis=1)) == np.sign(np.diff(drawn, axis=1))
    columns["step"] = ratio((together & steps).sum(axis=1), steps.sum(axis=1), empty=0.5)
    return columns


def _centred(board: Board) -> np.ndarray:
    """Return the hits less each row's own rate; 0 where nothing was scored."""
    rate = ratio(board.matched, board.scored)
    return np.asarray((board.hits - rate[:, None]) * board.valid)


def _correlation(first: np.ndarray, second: np.ndarray, where: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Return Pearson's r over the draws in `where`; both sides are 0 elsewhere."""
    count = np.maximum(counted, 1.0)
    sums = first.sum(axis=1), second.sum(axis=1)
    cross = np.einsum("kt,kt->k", first, second) - sums[0] * sums[1] / count
    power = [
        np.maximum(np.einsum("kt,kt->k", one, one) - total**2 / count, 0.0)
        for one, total in zip((first, second), sums, strict=True)
    ]
    scale = np.sqrt(power[0] * power[1])
    return np.where(scale > 1e-6, ratio(cross, scale), 0.0)


def spectrum(board: Board) -> Columns:
    """Return where the power of the hit sequence lies over its periods, and how evenly; all 0 for a silent sequence."""
    centred = _centred(board)
    draws = centred.shape[1]
    names = ("peak", "frequency", "entropy", "slow", "alternating", "mass")
    if draws < LEAST_SPECTRUM:
        return {name: np.zeros(len(centred)) for name in names}
    power = np.abs(np.fft.rfft(centred, axis=1))[:, 1:] ** 2
    total = power.sum(axis=1)
    quiet = total < 1e-9
    share = power / np.where(quiet, 1.0, total)[:, None]
    frequency = np.arange(1, power.shape[1] + 1) / draws
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(share > 0, share * np.log2(share), 0.0)
    columns = {
        "peak": share.max(axis=1),
        "frequency": frequency[power.argmax(axis=1)],
        "entropy": -logs.sum(axis=1) / max(1.0, np.log2(power.shape[1])),
        "slow": share[:, frequency <= 0.125].sum(axis=1),
        "alternating": share[:, frequency >= 0.375].sum(axis=1),
        "mass": share @ frequency,
    }
    return {name: np.where(quiet, 0.0, column) for name, column in columns.items()}


def stretch(board: Board) -> Columns:
    """Return how far the hits rise above chance on their steepest stretch, and on the one that still lasts: traces of reseeding."""
    rate = board.hits - board.valid * board.chance
    sums = np.cumsum(np.pad(rate, ((0, 0), (1, 0))), axis=1)
    rise = sums - np.minimum.accumulate(sums, axis=1)
    return {"steepest": rise.max(axis=1), "lasting": rise[:, -1]}
