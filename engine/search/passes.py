"""Which cells are searched in one pass: readings of one family's same seeds, whose words are made once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice
from typing import NamedTuple

from engine.search.cell import Cell, chunk_size
from engine.search.costs import CELL_SECONDS, VECTORS
from hip_cuda_kernels.mappings import is_composed, parse_mapping
from hip_cuda_kernels.planning import Workload, shared_and_own
from hip_cuda_kernels.registry import family
from hip_cuda_kernels.together import MOST_ALIGNMENTS

MOST_CELLS = 32  # of a pass: a chunk answers for all of them at once
LEAST_SEEDS = 1 << 22  # fewer take less than a chunk however they are searched
ROUTES = ("sieve", "twister_chain")  # that make every seed's words, as a pass does


@dataclass(frozen=True)
class _Member:
    """A cell with the seconds that a pass shares, and those that it adds."""

    cell: Cell
    making: float
    own: float


def joined(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Return the cells in the order of search, most belief a second first, those of one pass one after another.

    A pass grows by the cell that is worth most a second beside the others, as long as the pass is worth more with it.
    """
    units: list[list[Cell]] = []
    pools: dict[object, list[_Member]] = {}
    for cell in cells:
        if _may_join(cell):
            pools.setdefault((cell.family, cell.seeds), []).append(_member(cell))
        else:
            units.append([cell])
    for pool in pools.values():
        units += _passes(pool)
    return tuple(chain.from_iterable(sorted(units, key=_rank)))


def units(cells: Iterable[Cell]) -> Iterator[list[Cell]]:
    """Yield the cells of each pass; one that is searched alone is a pass of its own."""
    for (company, *_), group in groupby(
        cells, key=lambda cell: (cell.company, cell.chunk, cell.family, cell.seeds)
    ):
        while unit := list(islice(group, company)):
            yield unit


def _rank(unit: Iterable[Cell]) -> tuple[float, str]:
    cells = list(unit)
    return -sum(cell.prior for cell in cells) / sum(cell.seconds for cell in cells), cells[0].key


def _may_join(cell: Cell) -> bool:
    starts, gaps = (ends[1] - ends[0] + 1 for ends in (cell.starts, cell.gaps))
    plain = cell.origin == "seed" and cell.law == "constant" and cell.seeds.way is None and not cell.window
    return (
        plain and cell.route in ROUTES and cell.seeds.size >= LEAST_SEEDS and starts * gaps <= MOST_ALIGNMENTS
        and not is_composed(parse_mapping(cell.mapping, family(cell.family)))
    )  # fmt: skip


def _member(cell: Cell) -> _Member:
    found, scope = family(cell.family), cell.scope
    words = parse_mapping(cell.mapping, found).words
    load = Workload(
        cell.block, cell.threshold, scope.p, scope.starts, scope.gaps, cell.gaps[1] + 1, words, *found.ops, VECTORS
    )  # fmt: skip
    making, own = shared_and_own(load)
    return _Member(cell, cell.seeds.size * making, cell.seeds.size * own + CELL_SECONDS)


class _Total(NamedTuple):
    """What a pass holds so far: belief, the seconds that its cells share, and those that they add."""

    prior: float
    making: float
    own: float

    @classmethod
    def of(cls, one: _Member) -> _Total:
        return cls(one.cell.prior, one.making, one.own)

    def plus(self, one: _Member) -> _Total:
        return _Total(self.prior + one.cell.prior, max(self.making, one.making), self.own + one.own)

    @property
    def worth(self) -> float:
        return self.prior / (self.making + self.own)


def _passes(pool: list[_Member]) -> Iterator[list[Cell]]:
    """Yield the passes over the same seeds, a cell that gains nothing by company alone."""
    left = sorted(pool, key=lambda one: _rank([one.cell]))
    while left:
        taken, left = _grown(left)
        yield _pass(taken)


def _grown(pool: Sequence[_Member]) -> tuple[list[_Member], list[_Member]]:
    """Return the first cell with those that make a pass with it worth more a second than it is alone, and the others."""
    taken, left = [pool[0]], list(pool[1:])
    worth, total = pool[0].cell.prior / pool[0].cell.seconds, _Total.of(pool[0])
    while left and len(taken) < MOST_CELLS:
        at = max(range(len(left)), key=lambda at: total.plus(left[at]).worth)
        if total.plus(left[at]).worth <= worth:
            break
        total = total.plus(left[at])
        worth = total.worth
        taken.append(left.pop(at))
    return taken, left


def _pass(members: Sequence[_Member]) -> list[Cell]:
    """Return the cells with their place in the pass: its chunks, and an equal share of its seconds."""
    if len(members) == 1:
        return [members[0].cell]
    seconds = max(one.making for one in members) + sum(one.own for one in members)
    size = chunk_size(members[0].cell.seeds.size, seconds)
    return [
        replace(
            one.cell, route="together", seconds=seconds / len(members), company=len(members), chunk=size,
            part=one.cell.part or one.cell,
        )
        for one in members
    ]  # fmt: skip
