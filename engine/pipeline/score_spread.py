"""The scores of a room's survivors as a histogram, beside those of the null twins that step 3 scored in the same turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import BadInput
from engine.pipeline.artifacts import SCORED
from engine.pipeline.scored import Scored
from engine.pipeline.trace import SCORE
from state.artifacts import ArtifactStore
from state.errors import ArtifactRefused

SCHEMA = "scores/1"
BINS = 40


def score_spread(directory: Path) -> dict[str, Any]:
    """Return `scores/1`: counts in equal bins from the least to the greatest score; `above` are survivors over every null twin."""
    store = ArtifactStore(directory)
    empty: dict[str, Any] = {
        "schema": SCHEMA, "lo": None, "hi": None, "survivors": [], "null": [], "of": {"survivors": 0, "null": 0}, "above": None,
    }  # fmt: skip
    if not store.exists(SCORED):
        return empty
    try:
        scored = Scored.from_bytes(store.read_bytes(SCORED), SCORED)
    except ArtifactRefused as error:
        raise BadInput(str(error)) from None
    score = scored.x[-1, :, scored.head.names.index(SCORE)]
    if not len(score):
        return empty
    real, null = score[: scored.real], score[scored.real :]
    lo, hi = float(score.min()), float(score.max())
    ends = (lo, hi if hi > lo else lo + 1.0)
    return empty | {
        "lo": lo,
        "hi": hi,
        "survivors": np.histogram(real, BINS, ends)[0].tolist(),
        "null": np.histogram(null, BINS, ends)[0].tolist(),
        "of": {"survivors": len(real), "null": len(null)},
        "above": int((real > null.max()).sum()) if len(null) else None,
    }
