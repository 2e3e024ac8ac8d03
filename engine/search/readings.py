"""The other readings of a claimed stream: mappings and ranges, generators of its kind, patterns of its gaps. Each is a look that is paid for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from engine.recovery.problem import Ints
from engine.search.cell import Cell
from engine.search.claims import Claim, Hit, kind
from engine.search.plan import MOST_PATTERNS
from engine.search.space import periods
from engine.search.turns import Turns, turns
from hip_cuda_kernels import host
from hip_cuda_kernels.errors import IncompatibleMapping
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.mappings import resolve_mappings
from hip_cuda_kernels.registry import family as family_of

MOST_COMPARED = 64  # draws by which the best pattern is chosen


def siblings(claim: Claim, spans: Iterable[tuple[int, int]]) -> list[Cell]:
    """Return the cells that read the claimed stream through another mapping or range of the same family."""
    family = family_of(claim.cell.family)
    variants = [
        replace(claim.cell, mapping=mapping.id, lo=lo, hi=hi)
        for lo, hi in spans
        for mapping in resolve_mappings(None, family)
    ]
    return [cell for cell in variants if cell != claim.cell]


def relatives(claim: Claim, families: Iterable[Family]) -> list[Cell]:
    """Return the cells that start the claimed seed in another generator of its kind, where the claim leaves draws unexplained.

    PHP's twister before 7.1 makes about half of the words of the right one, which is far beyond chance and not the truth.
    """
    if claim.cell.origin == "state" or claim.matched == claim.scored:
        return []
    kin = [
        one for one in families
        if kind(one.id) == kind(claim.cell.family) and one.id != claim.cell.family and claim.seed < 1 << one.seed_bits
    ]  # fmt: skip
    cells = (
        replace(claim.cell, family=one.id, mapping=mapping.id)
        for one in kin
        for mapping in resolve_mappings(None, one)
    )
    return [cell for cell in cells if _can_make(cell)]


def _can_make(cell: Cell) -> bool:
    try:
        host.check_mapping(cell.family, cell.mapping, cell.lo, cell.hi)
    except IncompatibleMapping:
        return False
    return True


def patterns(claim: Claim, draws: Ints) -> tuple[int, list[tuple[Cell, Hit]]]:
    """Return how many starts and patterns of gaps were tried on a claimed seed, and the best of each period.

    A pattern that shares turns with the right one explains their draws, so it may be claimed before the right one was tried.
    """
    cell = claim.cell.whole
    if cell.law != "periodic" or cell.origin == "state" or claim.matched == claim.scored:
        return 0, []
    looks, best, near = 0, [], draws[:MOST_COMPARED]
    for period, _ in periods(cell.law):
        if (cell.gaps[1] - cell.gaps[0] + 1) ** period > MOST_PATTERNS:
            continue
        laid = turns(*cell.gaps, period, len(near))
        tried, start, code = _best(cell, claim.seed, laid, near)
        looks += tried
        best.append((_turning(claim.cell, period), Hit(claim.seed, start, code)))
    return looks, best


def _turning(cell: Cell, period: int) -> Cell:
    """Return the cell under patterns of another period; one of a single word stays it, and pays for its list."""
    if cell.word is None:
        return replace(cell.whole, period=period)
    return replace(cell, period=period, part=replace(cell.whole, period=period))


def _best(cell: Cell, seed: int, laid: Turns, draws: Ints) -> tuple[int, int, int]:
    """Return (alignments tried, start, code) of the alignment that makes the most draws."""
    stream = host.values(cell.family, cell.mapping, seed, cell.lo, cell.hi, cell.starts[1] + laid.reach)
    calls = laid.calls[:, : len(draws)]
    starts = range(cell.starts[0], cell.starts[1] + 1)
    matched = np.array([(stream[start + calls] == draws).sum(axis=1) for start in starts])
    at, which = np.unravel_index(int(matched.argmax()), matched.shape)
    return matched.size, starts[int(at)], int(laid.codes[which])
