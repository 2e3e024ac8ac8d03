"""A gate: one pure question to a soak's records, with an answer, its numbers, and the limit that they are held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from engine.soak.records import Records

State = Literal["pass", "fail", "short"]
"""`short`: this soak was too short or had no occasion to judge it; it never counts as a pass."""


@dataclass(frozen=True)
class Outcome:
    """What a gate says: its state, one line with numbers, the first findings, and the numbers by name."""

    state: State
    text: str
    findings: tuple[str, ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Gate:
    """One row of the table of gates; `scenarios` says where it counts."""

    name: str
    asks: str
    judge: Callable[[Records], Outcome]
    scenarios: str = "abc"


@dataclass(frozen=True)
class Judged:
    """A gate with what it said."""

    name: str
    asks: str
    outcome: Outcome

    def plain(self) -> dict[str, Any]:
        """Return the row as plain JSON."""
        return {
            "gate": self.name,
            "asks": self.asks,
            **asdict(self.outcome),
            "findings": list(self.outcome.findings),
        }


@dataclass(frozen=True)
class Verdict:
    """All gates of a soak; it passes when none failed and the ones that were too short to judge are named."""

    gates: tuple[Judged, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Return the names of the gates that failed."""
        return tuple(gate.name for gate in self.gates if gate.outcome.state == "fail")

    @property
    def short(self) -> tuple[str, ...]:
        """Return the names of the gates that could not judge."""
        return tuple(gate.name for gate in self.gates if gate.outcome.state == "short")

    @property
    def passed(self) -> bool:
        """Say whether no gate failed and at least one passed."""
        return not self.failed and any(gate.outcome.state == "pass" for gate in self.gates)


def passed(text: str, **numbers: Any) -> Outcome:
    """Return a pass."""
    return Outcome("pass", text, numbers=numbers)


def failed(text: str, findings: tuple[str, ...] | list[str] = (), **numbers: Any) -> Outcome:
    """Return a failure; of many findings the first twenty are kept."""
    kept = tuple(findings[:20])
    return Outcome("fail", text, kept, numbers)


def short(text: str, **numbers: Any) -> Outcome:
    """Return that there was too little to judge by."""
    return Outcome("short", text, numbers=numbers)
