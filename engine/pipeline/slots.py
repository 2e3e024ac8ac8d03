"""Where this run's blocks lie: after everything that selected the survivors, or, with too few draws, openly overlapping it."""

from __future__ import annotations

from engine.pipeline.artifacts import Overlap, WindowConfig
from engine.pipeline.blocks import Blocks, TooFewDraws, lay_out
from engine.pipeline.context import RunContext


def blocks_for(ctx: RunContext, config: WindowConfig) -> tuple[Blocks, Overlap]:
    """Return the blocks and what their final one overlaps; raise TooFewDraws where not even that fits.

    "search" or "confirm": the draws that validate also selected, so lifts on them describe and prove nothing.
    """
    draws, wanted = len(ctx.history), {"dev": ctx.parameters.dev_blocks, "embargo": ctx.parameters.embargo}
    try:
        blocks = lay_out(draws, config.search[1], **wanted)
    except TooFewDraws:
        blocks = lay_out(draws, draws // 3, **wanted)
    if blocks.dev[0].reads < config.search[1]:
        return blocks, "search"
    if config.confirm is not None and blocks.final.cut < config.confirm[1]:
        return blocks, "confirm"
    return blocks, "none"
