"""Promotion: the only code that makes a candidate the active policy or rejects it, on draws the candidate never saw."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from engine.evidence.evalue import EProcess, required_bits, survivor_bits
from engine.selfplay.candidate import Candidate
from engine.selfplay.rules import Policy
from state.files import write_atomic

ALPHA = 0.05
MOST_DRAWS = 400
HOPELESS_DRAWS = 60
PROMOTED, REJECTED, PROPOSED = "policy.promoted", "policy.rejected", "candidate.proposed"
ACTIVE = "active.json"


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

    A sign test as a test martingale: valid whenever it is looked at. The `rank`-th candidate ever judged pays
    log2(rank * (rank + 1)) bits more, so many tries cannot wear the error rate down.
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


class Ledger(Protocol):
    """The part of the journal that acceptance needs."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        """Record one event."""

    def events(self, *, after: int = 0, kinds: Sequence[str] | None = None, limit: int | None = None) -> Any:
        """Yield events."""


class Acceptance:
    """The active policy and the candidates under judgement; the journal is the truth, `policy_history/` its mirror."""

    def __init__(self, journal: Ledger, directory: Path) -> None:
        """Read what was promoted and judged before."""
        self._journal, self._directory = journal, directory
        self.active, self.version, self.judged = Policy(), 0, 0
        self.open: dict[str, Candidate] = {}
        for event in journal.events(kinds=(PROPOSED, PROMOTED, REJECTED)):
            self._replay(event.kind, event.data)
        self._mirror()

    def propose(self, candidate: Candidate) -> bool:
        """Take a candidate under judgement; False if it is there already. Nothing is promoted by that."""
        if candidate.id in self.open:
            return False
        data = {"candidate": candidate.id, "proposal": candidate.model_dump(mode="json")}
        self._journal.append(PROPOSED, data)
        self._replay(PROPOSED, data)
        return True

    def judge(self, candidate: Candidate, verdict: Verdict) -> None:
        """Act on a verdict: promote, reject, or leave the candidate open."""
        if verdict.outcome == "wait":
            return
        kind = PROMOTED if verdict.outcome == "promote" else REJECTED
        data = {
            "candidate": candidate.id,
            "policy": candidate.policy.model_dump(mode="json"),
            "verdict": verdict.model_dump(mode="json"),
            "version": self.version + (kind == PROMOTED),
        }
        self._journal.append(kind, data)
        self._replay(kind, data)
        self._mirror()

    def _replay(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == PROPOSED:
            self.open[data["candidate"]] = Candidate.model_validate(data["proposal"])
            return
        self.open.pop(data["candidate"], None)
        self.judged += 1
        if kind == PROMOTED:
            self.active, self.version = Policy.model_validate(data["policy"]), data["version"]

    def _mirror(self) -> None:
        """Write the active policy for people and tools; the file is rebuilt from the journal at every start."""
        self._directory.mkdir(parents=True, exist_ok=True)
        record = {"version": self.version, "policy": self.active.model_dump(mode="json")}
        text = (json.dumps(record, indent=1) + "\n").encode("ascii")
        write_atomic(self._directory / ACTIVE, text)
        if self.version:
            write_atomic(self._directory / f"v{self.version:04d}.json", text)
