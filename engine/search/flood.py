"""Floods of survivors: a part of the seeds at a time, and one for all alignments that foretell one value throughout.

Weak seeds give one value for long: their starts and gaps within that run, and those of other such seeds, are one hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.search.cell import Cell
from engine.search.design import NEXT_DRAWS
from engine.search.layouts import MAX_HITS, Layout, Params, StopFlag
from hip_cuda_kernels import host

MANY = 8  # alignments of one seed that survive: chance leaves fewer
FEW = 64  # survivors of one chunk that are not looked at for what they share
GLANCE = 32  # calls that show most streams not to be constant
MOST_CALLS = 1 << 17  # a stream is followed no further to learn how long it gives one value
Keep = Callable[[np.ndarray], np.ndarray]


def searched(
    layout: Layout, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag, keep: Keep
) -> host.SieveResult:
    """Search as the layout does; where hits overflow, both halves of the seeds, of each the hits that `keep` leaves."""
    outcome = layout.sieve(params, draws, first, count, stop)
    if not outcome.overflow or count < 2 or outcome.stopped:
        return host.SieveResult(keep(outcome.hits), outcome.seeds_done, outcome.stopped, outcome.overflow)
    half = count // 2
    one = searched(layout, params, draws, first, half, stop, keep)
    if one.stopped or one.overflow:
        return one
    two = searched(layout, params, draws, first + half, count - half, stop, keep)
    hits = np.concatenate([one.hits, two.hits])
    if params["window"]:  # a window inside the history is searched gap by gap
        hits = hits[np.argsort(hits["gap"], kind="stable")]
    full = two.overflow or len(hits) > MAX_HITS
    return host.SieveResult(hits[:MAX_HITS], one.seeds_done + two.seeds_done, two.stopped, full)


def one_a_seed(params: Params, hits: np.ndarray) -> np.ndarray:
    """Leave a seed with many alignments one of those in each row of draws that lie within its first calls of one value."""
    if params["law"] != "constant" or len(hits) < MANY:
        return hits
    code, span = (params["family"], params["mapping"]), (params["lo"], params["hi"])
    calls = params["starts"][1] + params["told"] * (params["gaps"][1] + 1)
    seeds, where, counts = np.unique(hits["seed"], return_inverse=True, return_counts=True)
    many = counts >= MANY
    runs = [
        run(code, seed, span, calls) if look else (-1, 0)
        for seed, look in zip(seeds.tolist(), many, strict=True)
    ]
    return _first_of(hits, where, np.array(runs)[where], params["told"])


def one_a_value(cell: Cell, hits: np.ndarray, draws: int) -> np.ndarray:
    """Leave one survivor in each row of `draws` draws to all whose seeds give one and the same value for as long as is foretold."""
    if len(hits) <= FEW or cell.law not in ("constant", "range") or cell.seeds.way is not None:
        return hits
    code, span, told = (cell.family, cell.mapping), (cell.lo, cell.hi), draws + NEXT_DRAWS
    calls = cell.starts[1] + told * (cell.gaps[1] + 1)
    seeds, where = np.unique(hits["seed"], return_inverse=True)
    runs = np.array([run(code, seed, span, calls) for seed in seeds.tolist()])[where]
    if cell.law == "range":  # its hits name the seed alone
        runs[runs[:, 1] < calls] = (-1, 0)
    return _first_of(hits, np.zeros(len(hits), np.int64), runs, told)


def _first_of(hits: np.ndarray, group: np.ndarray, runs: np.ndarray, told: int) -> np.ndarray:
    """Drop hits whose `told` draws are all of their run of one value, but the first (start, seed, gap) of each group, row and value."""
    last = hits["start"].astype(np.int64) + (told - 1) * (hits["gap"].astype(np.int64) + 1)
    alike = last < runs[:, 1]
    order = np.lexsort((hits["gap"], hits["seed"], hits["start"], hits["vector"], runs[:, 0], group))
    order = order[alike[order]]
    names = np.stack([group[order], runs[order, 0], hits["vector"][order].astype(np.int64)])
    again = np.zeros(len(hits), bool)
    again[order[1:]] = (names[:, 1:] == names[:, :-1]).all(axis=0)
    return hits[~again]


def run(code: tuple[str, str], seed: int, span: tuple[int, int], calls: int) -> tuple[int, int]:
    """Return the value of a seed's first call and how many calls from there on give it too, up to `calls`."""
    calls = min(calls, MOST_CALLS)
    for count in (min(calls, GLANCE), calls):
        made = host.values(*code, seed, *span, count)
        other = np.flatnonzero(made != made[0])
        if len(other):
            return int(made[0]), int(other[0])
    return int(made[0]), calls
