"""Scores of stated hit rates, draw by draw: bits over chance, and the lift of a weighted choice of survivors."""

from __future__ import annotations

import numpy as np

FLOOR = 1e-7


def rates(margin: np.ndarray, chance: float) -> np.ndarray:
    """Return hit rates from log-odds above chance, kept away from 0 and 1."""
    odds = margin + np.log(chance) - np.log1p(-chance)
    rate = 1.0 / (1.0 + np.exp(-np.clip(odds, -50.0, 50.0)))
    return np.asarray(np.clip(rate, chance * FLOOR, 1.0 - FLOOR))


def draw_gains(rate: np.ndarray, marks: np.ndarray, chance: float) -> np.ndarray:
    """Return, per scored draw, the mean bits over chance that the rates earned; rate (K,), marks int8 (K, n), -1 unscored."""
    hit = np.log2(rate / chance)[:, None]
    miss = (np.log1p(-rate) - np.log1p(-chance))[:, None] / np.log(2.0)
    scored = marks >= 0
    gained = np.where(marks == 1, hit, miss) * scored
    counted = scored.sum(axis=0)
    live = counted > 0
    return np.asarray(gained.sum(axis=0)[live] / counted[live])


def weights(rate: np.ndarray, chance: float) -> np.ndarray:
    """Return the share of trust in each row: its predicted excess over chance, or equal shares where there is none."""
    over = np.maximum(rate - chance, 0.0)
    total = over.sum()
    return over / total if total > 0 else np.full(len(rate), 1.0 / max(1, len(rate)))


def hit_shares(share: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Return, per scored draw, the trusted share of rows that hit: its mean over chance is the lift."""
    live = (marks >= 0).any(axis=0)
    return np.asarray(share @ (marks[:, live] == 1))


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Return the mean and its standard error; the error of fewer than two values is infinite."""
    if len(values) < 2:
        return (float(values.mean()) if len(values) else 0.0), float("inf")
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
