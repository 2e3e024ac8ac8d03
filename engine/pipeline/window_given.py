"""Step 1 without a search: the artifacts of an identification that `analyze` made, its claims as the survivors."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.pipeline.artifacts import (
    WindowConfig,
)
from engine.pipeline.context import RunContext, StepOutcome
from engine.pipeline.replay import Lines, predictions, refuse, tally
from engine.pipeline.window_kept import store
from engine.search.analysis import Analysis
from engine.search.survivors import SurvivorHeader, Survivors


def from_analysis(ctx: RunContext, analysis: Analysis) -> StepOutcome:
    """Write step 1's artifacts from an identification: its claims are the survivors, its blocks the selected draws."""
    claims = [(one, h) for one, h in zip(analysis.alignments(), analysis.hypotheses, strict=True)]
    playable = [(one, h) for one, h in claims if refuse(one) is None]
    block = max((h.scored - h.confirmed.scored for _, h in claims), default=0)
    draws = len(ctx.history)
    end = _draws_for(ctx, block) if block > 0 else draws
    header = SurvivorHeader(
        range=analysis.range,
        history=ctx.history.digest,
        draws=draws,
        search=(0, end),
        confirm=(end, draws) if end < draws else None,
        found=len(claims),
        carried=max(1, len(claims)),
        origin="analyze",
    )
    kept = Survivors.from_alignments(
        [one for one, _ in playable], header, _counts(ctx, [one for one, _ in playable], header)
    ).with_columns(evidence_bits=np.array([h.evidence_bits for _, h in playable], dtype=float))
    config = WindowConfig(
        history=ctx.history.digest,
        range=analysis.range,
        search=header.search,
        confirm=header.confirm,
        window=header.search,
        identified=analysis.verdict == "identified" and bool(len(kept)),
        required_bits=analysis.required_bits,
        origin="analyze",
        session=playable[0][0].session if playable else None,
        starts=_ends([one.start or 0 for one, _ in playable]),
        gaps=_ends([one.gap.value or 0 for one, _ in playable]),
        threshold=0,
        objective=analysis.evidence_bits,
    )
    outcome = store(ctx, config, kept)
    outcome.measure("survivors", len(kept), note=f"{len(claims) - len(kept)} claims cannot be replayed")
    outcome.measure("best_evidence_bits", analysis.evidence_bits, ">=", analysis.required_bits)
    outcome.measure(
        "power", analysis.controls.cells_found / max(1, analysis.controls.cells_planted), ">=", 1.0
    )
    outcome.metrics |= {"identified": config.identified, "required_bits": config.required_bits}
    outcome.note = f"{len(kept)} identified by analyze, {analysis.evidence_bits:.1f} bits"
    return outcome


def _draws_for(ctx: RunContext, block: int) -> int:
    """Return how many draws of the history hold `block` present ones."""
    present = np.flatnonzero(ctx.history.values >= 0)
    return int(present[min(block, len(present)) - 1]) + 1


def _counts(ctx: RunContext, alignments: list[Any], header: SurvivorHeader) -> dict[str, Any]:
    predicted = predictions(alignments, Lines.of(ctx.history))
    forward = tally(predicted, ctx.history.values, *header.search)
    confirm = tally(predicted, ctx.history.values, *(header.confirm or (0, 0)))
    return {
        "window_start": header.search[0],
        "window_length": header.search[1],
        "forward_matched": forward[0],
        "forward_scored": forward[1],
        "confirm_matched": confirm[0],
        "confirm_scored": confirm[1],
        "sweep": "analyze",
    }


def _ends(values: list[int]) -> tuple[int, int]:
    return (min(values), max(values)) if values else (0, 0)
