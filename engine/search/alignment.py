"""A hypothesis as data: family, mapping, origin, start, gap, session, direction. It travels with every survivor."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Record(BaseModel):
    """Strict, immutable base of the records in this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Origin(Record):
    """Where the stream begins: a seed, a raw state or a time that was used as seed."""

    kind: Literal["seed", "state", "time"] = "seed"
    bits: int = Field(ge=1, le=32768)
    value: str
    unit: Literal["s", "ms", "us", "ns"] | None = None

    @field_validator("value")
    @classmethod
    def _hex(cls, value: str) -> str:
        int(value, 16)
        return value

    @classmethod
    def seed(cls, value: int, bits: int) -> Origin:
        """Build a seed origin; `value` must fit in `bits`."""
        return cls(kind="seed", bits=bits, value=f"{value:#x}")

    def number(self) -> int:
        """Return the origin as an integer (big-endian words)."""
        return int(self.value, 16)


class Gap(Record):
    """Mapping calls discarded between two draws; 0 means contiguous.

    With the law `reseed` the generator is seeded anew before every draw, and `value` is how far the seed moves each time; with
    `clock` the seed is the draw's own time in the origin's unit and `value` more. With `inverse` the generator runs in reverse from its seed, `value` calls passed over between two draws.
    """

    law: Literal["constant", "periodic", "range", "reseed", "clock", "inverse", "unknown"] = "constant"
    unit: Literal["call", "word"] = "call"
    value: int | None = None
    pattern: tuple[int, ...] | None = None
    lo: int | None = None
    hi: int | None = None

    @classmethod
    def constant(cls, value: int) -> Gap:
        """Build the constant law with `value` discarded calls."""
        return cls(law="constant", value=value)

    def dump(self) -> dict[str, Any]:
        """Return the fields that this law uses, for JSON."""
        return self.model_dump(exclude_none=True)


class Alignment(Record):
    """One hypothesis. Every later step uses it as it is; nobody re-derives a part of it."""

    family: str
    mapping: str
    range: tuple[int, int]
    origin: Origin
    start: int | None = 0
    gap: Gap = Gap.constant(0)
    session: str | None = None
    direction: Literal["forward", "backward"] = "forward"

    def line(self) -> str:
        """Return the hypothesis as one short line for screens and logs."""
        gap = self.gap.value if self.gap.law == "constant" else self.gap.law
        return f"{self.family} {self.mapping} {self.origin.kind} {self.origin.value} start {self.start} gap {gap}"
