"""A policy as data: what a learner may see and how much each row counts. Light to import; `policy` applies it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
    """Strict, immutable base of the records in this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Filter(Record):
    """Keep the rows at or beyond a quantile of one column."""

    column: str
    side: Literal["above", "below"]
    quantile: float = Field(ge=0.05, le=0.9)


class Weight(Record):
    """Weigh rows by the rank of one column, raised to a power; the weights have mean 1."""

    column: str
    power: float = Field(ge=-3.0, le=3.0)


class Mask(Record):
    """Hide whole columns from the model."""

    columns: tuple[str, ...] = Field(min_length=1)


class Window(Record):
    """Learn from the newest blocks only."""

    blocks: int = Field(ge=1, le=4096)


class Policy(Record):
    """What a learner may see and how much each row counts; the empty policy changes nothing."""

    schema_: Literal["policy/1"] = Field(default="policy/1", alias="schema")
    filter: Filter | None = None
    weight: Weight | None = None
    mask: Mask | None = None
    window: Window | None = None
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    def line(self) -> str:
        """Return the policy as one short line."""
        parts = []
        if self.filter:
            parts.append(f"filter {self.filter.column} {self.filter.side} q{self.filter.quantile:g}")
        if self.weight:
            parts.append(f"weight {self.weight.column}^{self.weight.power:g}")
        if self.mask:
            parts.append(f"mask {len(self.mask.columns)}")
        if self.window:
            parts.append(f"window {self.window.blocks}")
        return " + ".join(parts) or "unchanged"
