"""Features from a survivor's own record. Each column states up to which draw it was counted; a later one is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.pipeline.board import Columns, ratio, shrunk_lift, tail_bits
from engine.search.survivors import START_NULL, Survivors

PARTS = ("forward", "backward", "confirm")
COUNTS = tuple(f"{part}_{what}" for part in PARTS for what in ("matched", "scored"))
RECORDED = ("rate", "lift", "rarity")
ARRAYS = (*COUNTS, "start", "gap")


@dataclass(frozen=True)
class Meta:
    """The columns of the survivors' table that may be features; seeds, trials and digests are not among them."""

    columns: dict[str, np.ndarray]

    @classmethod
    def of(cls, survivors: Survivors) -> Meta:
        """Take what is needed from a table."""
        taken = {name: survivors[name].astype(float) for name in COUNTS}
        taken["start"] = np.where(survivors["start"] == START_NULL, 0, survivors["start"]).astype(float)
        taken["gap"] = survivors["gap_hi"].astype(float)
        return cls(taken)

    def join(self, other: Meta) -> Meta:
        """Return both, one after the other."""
        return Meta({name: np.concatenate([self.columns[name], other.columns[name]]) for name in ARRAYS})

    def rows(self, chosen: slice | np.ndarray) -> Meta:
        """Return some rows."""
        return Meta({name: column[chosen] for name, column in self.columns.items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays for a task."""
        return {f"meta_{name}": column for name, column in self.columns.items()}

    @classmethod
    def from_task(cls, arrays: dict[str, np.ndarray]) -> Meta:
        """Rebuild from a task's arrays."""
        return cls({name: arrays[f"meta_{name}"] for name in ARRAYS})


def record(meta: Meta, chance: float) -> Columns:
    """Return rate, lift and rarity of each counted block, and the size of start and gap in bits."""
    columns: Columns = {}
    for part in PARTS:
        matched, scored = meta.columns[f"{part}_matched"], meta.columns[f"{part}_scored"]
        columns[f"{part}_rate"] = ratio(matched, scored)
        columns[f"{part}_lift"] = shrunk_lift(matched, scored, chance)
        columns[f"{part}_rarity"] = tail_bits(matched, scored, chance)
    columns["start"] = np.log2(1.0 + np.abs(meta.columns["start"]))
    columns["gap"] = np.log2(1.0 + meta.columns["gap"])
    return columns


def counted_up_to(survivors: Survivors) -> dict[str, int]:
    """Return, per record column, the first draw it does not know: its provenance."""
    window = survivors["window_start"].astype(int) + survivors["window_length"].astype(int)
    forward = int(window.max(initial=0))
    confirm = survivors.header.confirm[1] if survivors.header.confirm else 0
    last = {"forward": forward, "backward": forward, "confirm": confirm}
    return {f"record.{part}_{what}": last[part] for part in PARTS for what in RECORDED}
