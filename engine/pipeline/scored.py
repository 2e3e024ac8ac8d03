"""`survivors_with_scores.npz`: survivors and decoys with their features, targets and marks, held to one schema where written and where read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field

from engine.pipeline.artifacts import PEOPLE, SCORED, Contract, Overlap, SchemaRefused
from engine.pipeline.blocks import Block, Blocks
from engine.search.alignment import Alignment
from engine.search.survivors import Survivors


class ScoredHead(Contract):
    """The header of `survivors_with_scores.npz`."""

    schema_: Literal["survivors_with_scores/1"] = Field(default="survivors_with_scores/1", alias="schema")
    history: str
    names: tuple[str, ...]
    features: str
    chance: float
    dev: tuple[tuple[int, int, int], ...]
    final: tuple[int, int, int]
    now: int
    embargo: int
    overlap: Overlap
    decoys: tuple[Alignment, ...]
    families: dict[str, int] = Field(json_schema_extra=PEOPLE)
    dropped: tuple[dict[str, str], ...] = Field(json_schema_extra=PEOPLE)

    def blocks(self) -> Blocks:
        """Return the blocks that features and targets were cut by."""
        dev = tuple(Block(*one) for one in self.dev)
        return Blocks(dev, Block(*self.final), self.now, self.embargo)


@dataclass(frozen=True)
class ArraySchema:
    """One array of an artifact: its dtype and what each dimension counts; written and read under the same."""

    dtype: np.dtype[Any]
    dims: tuple[str, ...]

    def fault(self, array: np.ndarray, sizes: Mapping[str, int]) -> str | None:
        """Return what is wrong with an array, or None."""
        wanted = tuple(sizes[dim] for dim in self.dims)
        if array.dtype != self.dtype or array.shape != wanted:
            told = f"has shape {array.shape} of {array.dtype}, its header says {wanted} of {self.dtype}"
            return f"{told} ({', '.join(self.dims)})"
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return "holds numbers that are not finite"
        return None


SCORED_ARRAYS: Mapping[str, ArraySchema] = {
    "x": ArraySchema(np.dtype("<f8"), ("slots", "rows", "columns")),
    "targets": ArraySchema(np.dtype("<i4"), ("hits and scored", "dev blocks", "rows")),
    "marks": ArraySchema(np.dtype("i1"), ("rows", "dev draws")),
}


@dataclass(frozen=True)
class Scored:
    """Survivors first, decoys after them. `x` (slots, K, F): dev blocks, final, next draw; `targets` (2, dev, K); `marks` (K, dev draws)."""

    survivors: Survivors
    head: ScoredHead
    x: np.ndarray
    targets: np.ndarray
    marks: np.ndarray

    @property
    def real(self) -> int:
        """Return how many rows are survivors; the rest are decoys."""
        return len(self.survivors)

    def alignments(self) -> list[Alignment]:
        """Return the hypotheses of all rows."""
        return [*self.survivors, *self.head.decoys]

    def to_bytes(self) -> bytes:
        """Return the NPZ: format 3 of the survivors with this step's arrays beside it."""
        text = json.dumps(self.head.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        head = np.frombuffer(text.encode(), dtype=np.uint8)
        self.check()
        return self.survivors.to_bytes({"head": head, **self._arrays()})

    @classmethod
    def from_bytes(cls, data: bytes, what: str = SCORED, looked: set[str] | None = None) -> Scored:
        """Read the NPZ; raise SchemaRefused or SurvivorError where a part is missing or unknown."""
        survivors, extra = Survivors.with_extra(data, ("head", *SCORED_ARRAYS), what)
        try:
            told = json.loads(extra["head"].tobytes())
        except (ValueError, RecursionError) as error:
            raise SchemaRefused(f"{what}: its header is not JSON ({error}); run step 3 again") from None
        head = ScoredHead.parse(told, what, looked)
        made = cls(survivors, head, *(extra[name] for name in SCORED_ARRAYS))
        made.check(what)
        return made

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, name) for name in SCORED_ARRAYS}

    def check(self, what: str = SCORED) -> None:
        """Hold the arrays to their schema and to each other; SchemaRefused names the first that breaks it."""
        dev = self.head.blocks().dev
        sizes = {
            "rows": self.real + len(self.head.decoys), "slots": len(dev) + 2, "columns": len(self.head.names),
            "dev blocks": len(dev), "dev draws": sum(block.draws for block in dev), "hits and scored": 2,
        }  # fmt: skip
        for name, array in self._arrays().items():
            fault = SCORED_ARRAYS[name].fault(array, sizes)
            if fault is not None:
                raise SchemaRefused(f"{what}: {name} {fault}; run step 3 again")
        if self.survivors.header.history != self.head.history:
            raise SchemaRefused(
                f"{what}: its survivors and its scores are of two histories; run step 3 again"
            )
        if (self.targets[0] > self.targets[1]).any() or (self.targets < 0).any():
            raise SchemaRefused(f"{what}: targets count more hits than scored draws; run step 3 again")

    def export(self) -> dict[str, Any]:
        """Return the JSON export: survivors with their score and features for the next draw."""
        rows = self.survivors.export()
        for at, row in enumerate(rows["survivors"]):
            row["features"] = dict(zip(self.head.names, self.x[-1, at].tolist(), strict=True))
        return rows | {"scores": self.head.model_dump(mode="json", exclude={"decoys"})}


def features_digest(names: Sequence[str]) -> str:
    """Return the sha-256 of an ordered column list: what a model was trained on."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
