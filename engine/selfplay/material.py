"""What selfplay may play on: the table of step 3 without its final block, which is not selfplay's to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Material:
    """What episodes play on: the table of step 3, its digest, and the blocks that selfplay may use.

    `x` (blocks, K, F), `hits` and `scored` (blocks, K), `marks` per block (K, draws); every block lies before the
    final one, which selfplay never sees. `trains` gives the training blocks of a test block, embargo respected.
    """

    names: tuple[str, ...]
    x: npt.NDArray[Any]
    hits: npt.NDArray[Any]
    scored: npt.NDArray[Any]
    marks: tuple[npt.NDArray[Any], ...]
    trains: dict[int, tuple[int, ...]]
    chance: float
    draws_seen: int
    digest: str
    run: str

    def tests(self) -> list[int]:
        """Return the blocks that can be tested: those with a training block before them."""
        return [block for block, train in sorted(self.trains.items()) if train]


class Scored(Protocol):
    """A scored table; `engine.pipeline.scored.Scored`."""

    @property
    def head(self) -> Any:
        """Return the header."""

    @property
    def x(self) -> npt.NDArray[Any]:
        """Return the features: development blocks, final block, next draw."""

    @property
    def targets(self) -> npt.NDArray[Any]:
        """Return hits and scored draws of the development blocks."""

    @property
    def marks(self) -> npt.NDArray[Any]:
        """Return the marks of the development draws."""


def material_of(scored: Scored, *, digest: str, run: str) -> Material:
    """Cut a scored table into blocks; `digest` names the artifact it was read from."""
    blocks = scored.head.blocks()
    count = len(blocks.dev)
    ends = np.cumsum([block.draws for block in blocks.dev])[:-1]
    return Material(
        names=scored.head.names,
        x=scored.x[:count],
        hits=scored.targets[0],
        scored=scored.targets[1],
        marks=tuple(np.ascontiguousarray(part) for part in np.split(scored.marks, ends, axis=1)),
        trains={block: tuple(blocks.trains(block)) for block in range(count)},
        chance=scored.head.chance,
        draws_seen=scored.head.now,
        digest=digest,
        run=run,
    )
