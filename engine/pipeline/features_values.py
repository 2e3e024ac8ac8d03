"""Features of near misses: residues, digits, bits and distance of predicted and drawn values, on draws that did not match.

A hit agrees in every residue and digit, so counting hits here again would add no information; only misses are looked at.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.pipeline.board import Board, Columns, excess, ratio

MODULI = (2, 3, 5, 7, 8)
WIDE = 1 << 20  # values; beyond it digits are uniform to six places
DIGITS = ("units", "tens", "hundreds")


def residue(board: Board) -> Columns:
    """Return how far above chance predictions agree with draws modulo small numbers."""
    predicted, drawn = board.predicted - board.lo, board.drawn - board.lo
    return {
        f"mod{small}": _agreement(
            board, predicted % small == drawn % small, _same_share(board.modulus, small)
        )
        for small in MODULI
        if small < board.modulus
    }


def digit(board: Board) -> Columns:
    """Return how far above chance decimal digits agree, and the leading digit's agreement."""
    columns: Columns = {}
    for place, name in enumerate(DIGITS):
        scale = 10**place
        if scale > board.hi:
            break
        same = board.predicted // scale % 10 == board.drawn // scale % 10
        columns[name] = _agreement(board, same, _same_digit(board.lo, board.hi, scale))
    if board.modulus >= 100:
        width = board.modulus / 10
        same = (board.predicted - board.lo) // width == (board.drawn - board.lo) // width
        columns["leading"] = _agreement(board, same, 0.1)
    return columns


def distance(board: Board) -> Columns:
    """Return mean, median and spread of the circular distance on misses, the share of near misses, and the bias."""
    gap = np.where(board.misses, board.predicted - board.drawn, 0)
    around = np.minimum(gap % board.modulus, (-gap) % board.modulus) / board.modulus
    around = np.where(board.misses, around, np.nan)
    near = max(1.0 / board.modulus, 0.02)
    count = board.misses.sum(axis=1)
    some = count > 0
    signed = ((gap + board.modulus // 2) % board.modulus - board.modulus // 2) / board.modulus
    columns = {name: np.full(len(gap), 0.25) for name in ("mean", "median")}
    columns |= {name: np.zeros(len(gap)) for name in ("spread", "near", "bias")}
    if some.any():
        columns["mean"][some] = np.nanmean(around[some], axis=1)
        columns["median"][some] = np.nanmedian(around[some], axis=1)
        columns["spread"][some] = np.nanstd(around[some], axis=1)
        columns["near"] = ratio((np.nan_to_num(around, nan=1.0) <= near).sum(axis=1), count)
        columns["bias"] = ratio(np.where(board.misses, signed, 0.0).sum(axis=1), count)
    return columns


def bits(board: Board) -> Columns:
    """Return the share of equal bits, and how many low and high bits agree on average, on misses."""
    width = max(1, (board.modulus - 1).bit_length())
    differ = np.where(board.misses, (board.predicted - board.lo) ^ (board.drawn - board.lo), 0)
    count = board.misses.sum(axis=1)
    unequal = np.bitwise_count(differ.astype(np.uint64)).sum(axis=1)
    low = np.where(board.misses, np.log2(np.maximum(differ & -differ, 1)), 0.0).sum(axis=1)
    high = np.where(board.misses, width - 1 - np.floor(np.log2(np.maximum(differ, 1))), 0.0).sum(axis=1)
    return {
        "equal": 1.0 - ratio(unequal / width, count, empty=0.5),
        "low": ratio(low, count),
        "high": ratio(high, count),
    }


def _agreement(board: Board, same: np.ndarray, share: float) -> np.ndarray:
    """Return the excess of agreements on misses over chance, given that the values differ."""
    chance = min(max((share - board.chance) / (1.0 - board.chance), 1e-9), 1.0 - 1e-9)
    return excess((same & board.misses).sum(axis=1).astype(float), board.misses.sum(axis=1), chance)


@lru_cache(maxsize=64)
def _same_digit(lo: int, hi: int, scale: int) -> float:
    """Return how often two uniform values in lo..hi agree in the digit at `scale`; 0.1 in very wide ranges."""
    if hi - lo > WIDE:
        return 0.1
    counts = np.bincount(np.arange(lo, hi + 1) // scale % 10, minlength=10)
    return float(((counts / counts.sum()) ** 2).sum())


def _same_share(modulus: int, small: int) -> float:
    """Return how often two uniform values below `modulus` agree modulo `small`."""
    counts = [modulus // small + (rest < modulus % small) for rest in range(small)]
    return sum((count / modulus) ** 2 for count in counts)
