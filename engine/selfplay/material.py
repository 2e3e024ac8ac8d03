"""What selfplay may play on: the table of step 3 without its final block, which is not selfplay's to see."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.selfplay.loop import Material


class Scored(Protocol):
    """A scored table; `engine.pipeline.artifacts.Scored`."""

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
