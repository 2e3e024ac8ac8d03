"""What selfplay may play on: the table of step 3 without its final block, which is not selfplay's to see."""

from __future__ import annotations

import numpy as np

from engine.pipeline.artifacts import Scored
from engine.selfplay.loop import Material


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
