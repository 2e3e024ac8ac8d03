"""Judge a step by the numbers of its artifact: every limit is compared here, and a missing number is a failure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

Operator = Literal["<=", ">=", "<", ">", "==", "!="]
Number = float | int | bool
COMPARE: Mapping[str, Callable[[Number, Number], bool]] = {
    "<=": lambda value, limit: value <= limit,
    ">=": lambda value, limit: value >= limit,
    "<": lambda value, limit: value < limit,
    ">": lambda value, limit: value > limit,
    "==": lambda value, limit: value == limit,
    "!=": lambda value, limit: value != limit,
}


class Record(BaseModel):
    """Strict, immutable base of the watcher's records."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EvidenceRow(Record):
    """One measured number beside its limit; `limit` None = reported for the reader, no gate."""

    metric: str
    value: Number | None
    op: Operator = ">="
    limit: Number | None = None
    note: str = ""

    @property
    def missing(self) -> bool:
        """Say whether there is no usable number: absent, or not finite (which no record could store)."""
        return self.value is None or (isinstance(self.value, float) and not math.isfinite(self.value))

    @property
    def ok(self) -> bool:
        """Say whether the number is there and within its limit."""
        if self.missing or self.value is None:
            return False
        return self.limit is None or COMPARE[self.op](self.value, self.limit)

    def line(self) -> str:
        """Return the row as one line: metric, value, limit, verdict."""
        value = "missing" if self.missing else f"{self.value:.6g}"
        gate = "" if self.limit is None else f" {self.op} {self.limit:.6g}"
        return f"{self.metric} {value}{gate} {'ok' if self.ok else 'NOT MET'}"


class Finding(Record):
    """Something in an artifact that once meant a silent fault; `fail` is structural and no retry can help."""

    code: str
    level: Literal["warn", "fail"]
    text: str


class Evaluation(Record):
    """What the numbers say, before anybody decides."""

    missing: tuple[str, ...]
    failed: tuple[EvidenceRow, ...]
    structural: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def evaluate(
    evidence: tuple[EvidenceRow, ...], findings: tuple[Finding, ...], required: tuple[str, ...]
) -> Evaluation:
    """Compare every row with its limit; a required metric that is absent or has no number is missing.

    No rows at all is missing evidence too, whatever is required.
    """
    by_name = {row.metric: row for row in evidence}
    absent = [name for name in required if name not in by_name]
    empty = [
        row.metric for row in evidence if row.missing and (row.limit is not None or row.metric in required)
    ]
    return Evaluation(
        missing=tuple(dict.fromkeys([*absent, *empty, *([] if evidence else ["any evidence"])])),
        failed=tuple(row for row in evidence if not row.missing and not row.ok),
        structural=tuple(finding for finding in findings if finding.level == "fail"),
        warnings=tuple(finding for finding in findings if finding.level == "warn"),
    )
