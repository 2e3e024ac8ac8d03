"""A journal read back: every cell from its own key, every chunk at its own seeds, also where some are missing."""

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from engine.compute.codec import pack
from engine.errors import BadInput
from engine.search.cell import Cell
from engine.search.chunk import run
from engine.search.ranges import Range
from engine.search.recorded import cell_of, cells, chunks
from engine.search.sweeper import chunk_order
from engine.search.twins import twin_stream
from hip_cuda_kernels.host import HIT
from state.journal import Journal

CELL = Cell(
    "lcg48/java", "java_bounded", 0, 999, Range(3, 5003), (0, 3), (1, 3), 0.0, 4, 4, 0, None, 0.0, 0.0
)  # fmt: skip
SIZE = 2048


@pytest.mark.parametrize(
    "change",
    [
        {}, {"seeds": Range(7, 7)}, {"seeds": Range(0, 2**64 - 1)}, {"seeds": Range(1_420_070_400_000, 1_420_070_500_123, "ms")},
        {"law": "range"}, {"law": "reseed"}, {"window": 12}, {"session": "a|b:1\n2"}, {"mapping": "formula(x | 3)"},
        {"lo": -5, "hi": 5}, {"session": "turn 2 of 3"}, {"chunk": 1 << 22}, {"chunk": 4096, "session": "a by 7|b"},
        {"origin": "state", "route": "lattice", "seeds": Range(0, 2**48 - 1), "starts": (0, 0)},
        {"origin": "state", "route": "gf2", "seeds": Range(0, 2**19937 - 1), "session": "b"},
    ],
)  # fmt: skip
def test_a_cell_comes_back_from_its_key(change: dict[str, object]) -> None:
    cell = replace(CELL, **change)  # type: ignore[arg-type]
    assert cell_of(cell.family, cell.mapping, cell.key.removeprefix(f"{cell.family}|{cell.mapping}|")) == cell


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(BadInput, match="no cell's key"):
        cell_of("a/b", "mod", "trial 7")


def searched(journal: Journal, indices: list[int]) -> dict[int, tuple[int, int]]:
    """Run some chunks of CELL as a worker does, record them, and return where their seeds lie."""
    journal.bill("7|other", 1, {"step": "1"})
    journal.bill(CELL.key, CELL.hypotheses, {"family": CELL.family, "mapping": CELL.mapping})
    stream = twin_stream(np.random.default_rng(2).integers(0, 1000, 30), 0, 999, 5, None)
    placed = {}
    for index in indices:
        first = CELL.seeds.lo + index * SIZE
        count = min(SIZE, CELL.seeds.hi + 1 - first)
        params, arrays = chunk_order(CELL, stream, index, (first, count), 5)
        result = pack(*run(params, arrays, Never()))
        journal.chunk_done(CELL.key, index, sha256(result).hexdigest(), {}, result)
        placed[index] = (first, first + count - 1)
    return placed


class Never:
    array = np.zeros(1, np.uint32)
    generation = 0

    def asked(self) -> bool:
        return False


@pytest.mark.parametrize("indices", [[0, 1, 2], [0], [2], [1, 2], [0, 2]])
def test_chunks_lie_where_they_were_searched(indices: list[int], journal: Journal) -> None:
    placed = searched(journal, indices)
    assert [one.key for one in cells(journal)] == [CELL.key]
    found = chunks(journal, CELL)
    assert {one.index: one.seeds for one in found} == placed
    assert all(one.hits.dtype == HIT and not one.overflow for one in found)
