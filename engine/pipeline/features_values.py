"""Features of near misses: residues, digits, bits and distance of predicted and drawn values, on draws that did not match.

A hit agrees in every residue and digit, so counting hits here again would add no information; only misses are looked at.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.pipeline.board import Board, Columns, excess, ratio

MODULI = (2, 3, 4, 5, 7, 8, 9, 11, 13, 16)
WIDE = 1 << 20  # values; beyond it digits are uniform to six places
TABLED = 1 << 16  # values; up to it a table of distances is faster than a division
DIGITS = ("units", "tens", "hundreds")
LEAST_LEADING = 100  # values
NEAR = 0.02  # of the range


def residue(board: Board) -> Columns:
    """Return how far above chance predictions agree with draws modulo small numbers, one by one and at best."""
    columns = {
        f"mod{small}": _agreement(board, _same_residue(board, small), _same_share(board.modulus, small))
        for small in MODULI
        if small < board.modulus
    }
    if len(columns) > 1:
        both = np.array(list(columns.values()))
        columns |= {"best": both.max(axis=0), "power": (both**2).mean(axis=0)}
    return columns


def _same_residue(board: Board, small: int) -> np.ndarray:
    """Return how many misses of each row agree modulo `small`, float (K,)."""
    if board.modulus <= TABLED:
        return _counted(_divisible(board.modulus, small)[np.abs(board.apart)])
    return _counted((board.apart % small == 0) & board.misses)


@lru_cache(maxsize=64)
def _divisible(modulus: int, small: int) -> np.ndarray:
    """Return, for every distance that a miss can have, whether `small` divides it; 0 is no miss."""
    table = np.arange(modulus) % small == 0
    table[0] = False
    return np.asarray(table)


def digit(board: Board) -> Columns:
    """Return how far above chance decimal digits agree, the leading tenth's agreement, and the digits' sum."""
    columns: Columns = {}
    for place, name in enumerate(DIGITS):
        scale = 10**place
        if scale > board.hi:
            break
        same = board.predicted // scale % 10 == board.drawn // scale % 10
        columns[name] = _agreement(
            board, _counted(same & board.misses), _same_digit(board.lo, board.hi, scale)
        )
    if len(columns) > 1:
        columns["sum"] = np.sum(list(columns.values()), axis=0)
    if board.modulus >= LEAST_LEADING:
        width = board.modulus / 10
        same = (board.predicted - board.lo) // width == (board.drawn - board.lo) // width
        columns["leading"] = _agreement(board, _counted(same & board.misses), 0.1)
    return columns


def distance(board: Board) -> Columns:
    """Return the circular distance on misses: mean, tenth, median, spread, share of near misses, bias, and its coherence."""
    modulus, count = board.modulus, board.missed
    turned = board.apart % modulus
    around = np.minimum(turned, modulus - turned) / modulus
    signed = np.where(turned > modulus // 2, turned - modulus, turned) / modulus
    some = count > 0
    mean = ratio(np.where(board.misses, around, 0.0).sum(axis=1), count, empty=0.25)
    square = ratio(np.where(board.misses, around**2, 0.0).sum(axis=1), count)
    near = max(1.0 / modulus, NEAR)
    columns = {
        "mean": mean,
        "spread": np.where(some, np.sqrt(np.maximum(square - mean**2, 0.0)), 0.0),
        "near": ratio(((around <= near) & board.misses).sum(axis=1), count),
        "bias": ratio(signed.sum(axis=1), count),
        "coherence": _coherence(board, turned),
    }
    ranked = np.sort(np.where(board.misses, around, np.inf), axis=1)
    return columns | {"tenth": _quantile(ranked, count, 0.1), "median": _quantile(ranked, count, 0.5)}


def _coherence(board: Board, turned: np.ndarray) -> np.ndarray:
    """Return the length of the mean direction of the distances on the circle: 1 where all misses miss by the same."""
    if board.modulus <= TABLED:
        angle = np.exp(2j * np.pi * np.arange(board.modulus) / board.modulus)[turned]
    else:
        angle = np.exp(2j * np.pi * (turned / board.modulus))
    return np.asarray(ratio(np.abs((angle * board.misses).sum(axis=1)), board.missed))


def _quantile(ranked: np.ndarray, count: np.ndarray, quantile: float) -> np.ndarray:
    """Return a quantile of the first `count` values of each ranked row, 0.25 where there is none."""
    if not ranked.shape[1]:
        return np.full(len(ranked), 0.25)
    place = np.maximum(np.ceil(count * quantile).astype(int) - 1, 0)
    return np.where(count > 0, ranked[np.arange(len(ranked)), place], 0.25)


def bits(board: Board) -> Columns:
    """Return the share of equal bits, how many low and high bits agree on average, the longest prefix, and two bits of their own."""
    width = max(1, (board.modulus - 1).bit_length())
    differ = np.where(board.misses, (board.predicted - board.lo) ^ (board.drawn - board.lo), 0)
    count = board.missed
    unequal = np.bitwise_count(differ)
    low = np.where(board.misses, np.bitwise_count((differ & -differ) - 1), 0)
    prefix = np.where(board.misses, width - _bit_length(differ, width), 0)
    top = 1 << (width - 1)
    return {
        "equal": 1.0 - ratio(unequal.sum(axis=1) / width, count, empty=0.5),
        "low": ratio(low.sum(axis=1).astype(float), count),
        "high": ratio(prefix.sum(axis=1).astype(float), count),
        "prefix": prefix.max(axis=1, initial=0).astype(float),
        "parity": ratio(((unequal & 1) == 0).sum(axis=1) - (board.valid.shape[1] - count), count, empty=0.5),
        "top": ratio(((differ & top) == 0).sum(axis=1) - (board.valid.shape[1] - count), count, empty=0.5),
    }


def _bit_length(numbers: np.ndarray, width: int) -> np.ndarray:
    """Return how many bits each number takes: all ones below its highest, then counted."""
    filled, shift = numbers, 1
    while shift < width:
        filled = filled | filled >> shift
        shift *= 2
    return np.asarray(np.bitwise_count(filled))


def _counted(marks: np.ndarray) -> np.ndarray:
    return np.asarray(marks.sum(axis=1), dtype=float)


def _agreement(board: Board, same: np.ndarray, share: float) -> np.ndarray:
    """Return the excess of agreements on misses over chance, given that the values differ."""
    chance = min(max((share - board.chance) / (1.0 - board.chance), 1e-9), 1.0 - 1e-9)
    return excess(same, board.missed, chance)


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
