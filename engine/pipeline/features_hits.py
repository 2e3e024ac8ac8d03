"""Features of the hit sequence: how often, in which blocks, in what runs, how lately, in what order, with what period."""

from __future__ import annotations

import numpy as np

from engine.evidence.evalue import NOISE_MIXTURE
from engine.pipeline.board import Board, Columns, ratio, shrunk_lift, tail_bits

THIRDS = ("early", "middle", "late")


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
    """Return the lift in each third of the past, and how much the thirds differ."""
    parts = np.array_split(np.arange(board.hits.shape[1]), 3)
    lifts = [
        shrunk_lift(board.hits[:, part].sum(axis=1), board.valid[:, part].sum(axis=1), board.chance)
        for part in parts
    ]
    return dict(zip(THIRDS, lifts, strict=True)) | {"spread": np.std(lifts, axis=0)}


def run(board: Board) -> Columns:
    """Return longest and mean run of hits, how many runs, the open run, and the longest drought."""
    hits = board.hits
    longest, open_run = _streaks(hits)
    droughts, _ = _streaks(board.misses)
    begun = (hits & ~np.pad(hits, ((0, 0), (1, 0)))[:, :-1]).sum(axis=1)
    return {
        "longest": longest,
        "count": begun.astype(float),
        "mean": ratio(board.matched, begun),
        "open": open_run,
        "drought": ratio(droughts, board.scored),
    }


def _streaks(marks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the longest and the last unbroken streak of each row."""
    streak, best = np.zeros(len(marks)), np.zeros(len(marks))
    for column in marks.T:
        streak = (streak + 1) * column
        best = np.maximum(best, streak)
    return best, streak


def recency(board: Board) -> Columns:
    """Return how long ago the last hit was, recent rates at two half-lives, and the trend of the hits over time."""
    draws = board.hits.shape[1]
    age = np.arange(draws - 1, -1, -1, dtype=float)
    last = np.where(board.hits, age, draws).min(axis=1, initial=draws)
    columns = {"since": ratio(last, np.full(len(last), max(1, draws)))}
    for name, half in (("fast", 4.0), ("slow", 16.0)):
        weight = 0.5 ** (age / half)
        columns[name] = ratio(board.hits @ weight, board.valid @ weight)
    centred = age.mean() - age if draws else age
    columns["trend"] = ratio(board.hits @ centred, np.sqrt(board.matched * float(centred @ centred) + 1e-12))
    return columns


def order(board: Board) -> Columns:
    """Return the autocorrelation of the hit sequence at lags 1 to 3, and whether values rise and fall together."""
    centred = np.where(board.valid, board.hits - ratio(board.matched, board.scored)[:, None], 0.0)
    power = (centred**2).sum(axis=1)
    columns = {
        f"lag{lag}": ratio((centred[:, lag:] * centred[:, :-lag]).sum(axis=1), power) for lag in (1, 2, 3)
    }
    predicted = np.where(board.misses, board.predicted - board.lo, 0).astype(float)
    drawn = np.where(board.misses, board.drawn - board.lo, 0).astype(float)
    columns["value"] = _correlation(predicted, drawn, board.misses)
    steps = board.misses[:, 1:] & board.misses[:, :-1]
    together = np.sign(np.diff(board.predicted, axis=1)) == np.sign(np.diff(board.drawn))
    columns["step"] = ratio((together & steps).sum(axis=1), steps.sum(axis=1), empty=0.5)
    return columns


def _correlation(first: np.ndarray, second: np.ndarray, where: np.ndarray) -> np.ndarray:
    count = np.maximum(where.sum(axis=1), 1)
    first = np.where(where, first - (first.sum(axis=1) / count)[:, None], 0.0)
    second = np.where(where, second - (second.sum(axis=1) / count)[:, None], 0.0)
    return ratio((first * second).sum(axis=1), np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1)))


def spectrum(board: Board) -> Columns:
    """Return the share of the hit sequence's power in its strongest period, and that frequency in cycles a draw."""
    centred = np.where(board.valid, board.hits - ratio(board.matched, board.scored)[:, None], 0.0)
    draws = centred.shape[1]
    if draws < 4:
        return {"peak": np.zeros(len(centred)), "frequency": np.zeros(len(centred))}
    power = np.abs(np.fft.rfft(centred, axis=1))[:, 1:] ** 2
    total = power.sum(axis=1)
    quiet = total < 1e-9
    frequency = (power.argmax(axis=1) + 1) / draws
    return {
        "peak": np.where(quiet, 0.0, ratio(power.max(axis=1), total)),
        "frequency": np.where(quiet, 0.0, frequency),
    }
