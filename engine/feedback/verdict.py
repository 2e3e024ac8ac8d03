"""What paired draws say about one candidate: a sign test as a test martingale, valid whenever it is looked at. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from engine.evidence.evalue import EProcess, required_bits, survivor_bits

ALPHA = 0.05
MOST_DRAWS = 400
HOPELESS_DRAWS = 60


class Verdict(BaseModel):
    """What the paired draws say about one candidate; `required` grows with every candidate judged before it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcome: Literal["promote", "reject", "wait"]
    draws: int
    wins: int
    losses: int
    mean_gain: float
    bits: float
    required: float
    reason: str


def weigh(candidate: Sequence[float], active: Sequence[float], *, rank: int, alpha: float = ALPHA) -> Verdict:
    """Compare two policies draw by draw on draws that neither saw (bits over chance each, oldest first).

    The `rank`-th candidate ever judged pays log2(rank * (rank + 1)) bits more, so many tries cannot wear the error
    rate down.
    """
    if len(candidate) != len(active):
        raise ValueError(f"{len(candidate)} and {len(active)} scores: want one of each per draw")
    gains = [one - other for one, other in zip(candidate, active, strict=True)]
    process = EProcess(0.5)
    for gain in gains:
        if abs(gain) > 1e-9:
            process.update(gain > 0)
    required = required_bits(alpha) + survivor_bits(rank)
    mean = sum(gains) / len(gains) if gains else 0.0
    outcome, why = _outcome(process, len(gains), mean, required)
    return Verdict(
        outcome=outcome,
        draws=len(gains),
        wins=process.matched,
        losses=process.scored - process.matched,
        mean_gain=round(mean, 6),
        bits=round(max(process.bits, -1024.0), 3),
        required=round(required, 3),
        reason=f"{why}: {process.bits:.1f} of {required:.1f} bits, mean gain {mean:+.3f} bits a draw over {len(gains)} draws",
    )


def _outcome(
    process: EProcess, draws: int, mean: float, required: float
) -> tuple[Literal["promote", "reject", "wait"], str]:
    if process.peak >= required and mean > 0:
        return "promote", "better on unseen draws"
    if draws >= MOST_DRAWS:
        return "reject", "not shown to be better in time"
    if draws >= HOPELESS_DRAWS and mean <= 0:
        return "reject", "no better on unseen draws"
    return "wait", "more draws are needed"
