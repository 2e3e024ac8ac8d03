"""All points of lattices in a box: reduced bases, then an enumeration by levels that misses none.

Source: Fincke and Pohst, Improved Methods for Calculating Vectors of Short Length in a Lattice (1985), with the box's
own shadow as the bound of each level beside the ball around it; many lattices and targets go level by level together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpz_mat

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]
MOST_NODES = 1 << 20
"""Partial points held at once; an enumeration that needs more is given up."""
SLACK = 1e-6
"""Box widths that rounding may move a point: coordinates are below 2^32 box widths, doubles hold 53 bits."""


def reduced(rows: list[list[int]], weights: Sequence[int]) -> list[list[int]]:
    """Return a basis of the rows' lattice, LLL-reduced as if column j were stretched by weights[j]."""
    scaled = fmpz_mat([[x * w for x, w in zip(row, weights, strict=True)] for row in rows])
    return [[int(x) // w for x, w in zip(row, weights, strict=True)] for row in scaled.lll().table()]


@dataclass(frozen=True)
class Points:
    """combinations[i] (N, d) of its basis carries target owners[i] into the box; not `complete` after giving up."""

    owners: Integers
    combinations: Integers
    complete: bool


def points_in_box(bases: Floats, lattices: Integers, targets: Floats, box: Floats) -> Points:
    """Return every x with 0 <= target + x @ basis <= box in all columns.

    `bases` (G, d, d) has basis vectors as rows, `lattices` (T,) says which basis a target of `targets` (T, d) goes with,
    `box` (d,) is at most 1 a side. Points that miss the box by little come as well: judge them exactly.
    """
    orthogonal, upper = np.linalg.qr(bases.transpose(0, 2, 1))
    shadow = np.einsum("gij,i->gj", np.abs(orthogonal), box / 2 + SLACK)
    aim = np.einsum("tij,ti->tj", orthogonal[lattices], box / 2 - targets)
    depth = bases.shape[1]
    owners, x = np.arange(len(targets)), np.zeros((len(targets), depth))
    left = np.full(len(targets), float(np.sum((box / 2 + SLACK) ** 2)))
    for level in reversed(range(depth)):
        which = lattices[owners]
        edge = upper[which, level, level]
        above = np.einsum("nd,nd->n", upper[which, level, level + 1 :], x[:, level + 1 :])
        rest = aim[owners, level] - above
        reach = np.minimum(shadow[which, level], np.sqrt(left)) / np.abs(edge)
        lowest = np.ceil(rest / edge - reach)
        counts = np.maximum(np.floor(rest / edge + reach) - lowest + 1, 0).astype(np.int64)
        if counts.sum() > MOST_NODES:
            return Points(np.empty(0, np.int64), np.empty((0, depth), np.int64), False)
        parent = np.repeat(np.arange(len(owners)), counts)
        nth = np.arange(len(parent)) - np.repeat(np.cumsum(counts) - counts, counts)
        owners, x = owners[parent], x[parent]
        x[:, level] = lowest[parent] + nth
        left = np.maximum(left[parent] - (rest[parent] - edge[parent] * x[:, level]) ** 2, 0.0)
    return Points(owners, x.astype(np.int64), True)
