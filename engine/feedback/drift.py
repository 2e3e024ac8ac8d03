"""Feature drift: how far the survivors' features for the next draw lie from those that models were taught on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy.typing as npt

DRIFT = "features.drift"
FAR, SHOWN = 3.0, 5


class Scored(Protocol):
    """A scored table; `engine.pipeline.scored.Scored`."""

    @property
    def head(self) -> Any:
        """Return the header, with the columns' names."""

    @property
    def x(self) -> npt.NDArray[Any]:
        """Return the features: development blocks, final block, next draw."""


class Ledger(Protocol):
    """The part of the journal that drift needs."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        """Record one event."""


def drifted(journal: Ledger, scored: Scored, run: str) -> None:
    """Put the columns that moved most on record, and how many moved by more than three standard deviations."""
    moved = shifts(scored)
    most = sorted(moved.items(), key=lambda item: -abs(item[1]))[:SHOWN]
    told = [{"name": name, "shift": round(shift, 3)} for name, shift in most]
    far = sum(abs(shift) > FAR for shift in moved.values())
    journal.append(DRIFT, {"run": run, "columns": len(moved), "far": far, "most": told})


def shifts(scored: Scored) -> dict[str, float]:
    """Return how far each column's mean for the next draw lies from its mean over the blocks, in their standard deviations.

    The spread is that of the blocks' means, but at least a tenth of the spread of single rows: few blocks show little.
    """
    blocks, ahead = scored.x[:-2], scored.x[-1]
    means = blocks.mean(axis=1)
    spread = means.std(axis=0, ddof=1) if len(means) > 1 else means[0] * 0.0
    floor = blocks.reshape(-1, blocks.shape[-1]).std(axis=0) / 10.0
    scale = [max(float(one), float(other)) for one, other in zip(spread, floor, strict=True)]
    gaps = (ahead.mean(axis=0) - means.mean(axis=0)).tolist()
    return {
        name: gap / size if size > 0 else 0.0
        for name, gap, size in zip(scored.head.names, gaps, scale, strict=True)
    }
