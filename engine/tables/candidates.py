"""Candidates and policies as tables: what selfplay proposed, what unseen draws say of it, and every version of the active policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tables.table import Act, Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.feedback.acceptance import Acceptance
    from engine.selfplay.candidate import Candidate


def _candidates(desk: Desk, most: int) -> list[Row]:
    acceptance = desk.acceptance
    known = [(one, "open") for one in acceptance.open.values()]
    known += reversed(list(acceptance.ended.values()))
    return [_candidate(one, state, acceptance) for one, state in known[:most]]


def _candidate(one: Candidate, state: str, acceptance: Acceptance) -> Row:
    verdict = acceptance.verdicts.get(one.id)
    told: Row = {} if verdict is None else {
        "draws": verdict.draws, "wins": verdict.wins, "losses": verdict.losses, "bits": verdict.bits,
        "required": verdict.required, "reason": verdict.reason,
    }  # fmt: skip
    return {
        "id": one.id, "state": state, "policy": one.policy.line(), "model": one.model, "arm": one.arm,
        "fitness": one.fitness, "baseline": one.baseline, "decoy": one.null, "seen": one.draws_seen, "run": one.run,
        "parent": one.parent, "reason": "no draw that it never saw has come yet", **told,
    }  # fmt: skip


def _versions(desk: Desk, most: int) -> list[Row]:
    versions = desk.acceptance.versions
    rows: list[Row] = [
        {
            "id": one.version, "state": "active" if one is versions[-1] else "withdrawn" if one.withdrawn else "kept",
            "policy": one.policy.line(), "how": one.how, "of": one.of, "candidate": one.candidate, "by": one.by, "why": one.why,
        }
        for one in reversed(versions)
    ]  # fmt: skip
    return rows[:most]


CANDIDATES = Table(
    "candidates",
    "Candidates",
    (
        Column("id", "ID"),
        Column("state", "STATE", "state", help="open, promoted or rejected"),
        Column("policy", "POLICY"),
        Column("model", "MODEL"),
        Column("arm", "ARM"),
        Column(
            "draws",
            "DRAWS",
            "number",
            help="draws that the candidate never saw, played by it and by the active policy",
        ),
        Column("wins", "WINS", "number"),
        Column("losses", "LOSSES", "number"),
        Column("bits", "BITS", "number", "bits", "evidence that it is better"),
        Column("required", "NEEDED", "number", "bits", "grows with every candidate judged before"),
        Column("fitness", "FITNESS", "number", "bits"),
        Column("baseline", "BASELINE", "number", "bits"),
        Column("decoy", "DECOY", "number", "bits"),
        Column("seen", "SEEN", "number", help="draws that it was found on; they never judge it"),
        Column(
            "parent", "FROM", "number", help="version of the active policy that its episodes started from"
        ),
        Column("run", "RUN"),
        Column("reason", "REASON"),
    ),
    _candidates,
    acts=(
        Act("P", "promote", "promote", arg="candidate", reason=False, typed=True, when={"state": ("open",)}),
    ),
    empty="no candidate was proposed yet; `mimicry selfplay` looks for some",
)

POLICY = Table(
    "policy",
    "Versions of the active policy",
    (
        Column("id", "VERSION", "number"),
        Column("state", "STATE", "state"),
        Column("policy", "POLICY"),
        Column("how", "HOW"),
        Column("of", "OF", "number", help="the version that a rollback returned to"),
        Column("candidate", "CANDIDATE"),
        Column("by", "BY"),
        Column("why", "WHY"),
    ),
    _versions,
    acts=(Act("X", "rollback", "roll back to version", arg="to", number=True, typed=True),),
    empty="version 0, no policy, is always here; acceptance adds the ones that `mimicry candidates` have earned",
)
