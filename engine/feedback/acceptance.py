"""Promotion: the only code that makes a candidate the active policy, rejects it or rolls back, on draws the candidate never saw."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from engine.errors import UsageError
from engine.feedback.verdict import Verdict
from engine.selfplay.active import ACTIVE_POLICY, ActivePolicy
from engine.selfplay.candidate import Candidate
from engine.selfplay.rules import Policy
from state.artifacts import ArtifactStore, Lineage
from state.files import make_folder, write_atomic

PROPOSED, JUDGED = "candidate.proposed", "candidate.judged"
PROMOTED, REJECTED, ROLLED_BACK = "policy.promoted", "policy.rejected", "policy.rolled_back"
ACTIVE = "active.json"


class Version(BaseModel):
    """One version of the active policy; `withdrawn` ones are never rolled back to. Version 0 changes nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 0
    policy: Policy = Policy()
    candidate: str | None = None
    how: Literal["built in", "promoted", "rolled back"] = "built in"
    of: int | None = None
    by: str = "code"
    why: str = "no policy"
    withdrawn: bool = False


class Ledger(Protocol):
    """The part of the journal that acceptance needs."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        """Record one event."""

    def events(self, *, after: int = 0, kinds: Sequence[str] | None = None, limit: int | None = None) -> Any:
        """Yield events."""


ENDED = 2000
"""Candidates that were judged and are held; one that equals an older one is judged again."""


class Acceptance:
    """The active policy and the candidates under judgement; the journal is the truth, files are its mirrors.

    `policy_history/` is for people; the artifact `active_policy.json` is what training reads.
    """

    def __init__(self, journal: Ledger, directory: Path, artifacts: ArtifactStore | None = None) -> None:
        """Read what was promoted, judged and rolled back before."""
        self._journal, self._directory, self._artifacts = journal, directory, artifacts
        self.judged = 0
        self.versions: list[Version] = [Version()]
        self.open: dict[str, Candidate] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.ended: dict[str, tuple[Candidate, str]] = {}
        for event in journal.events(kinds=(PROPOSED, JUDGED, PROMOTED, REJECTED, ROLLED_BACK)):
            self._replay(event.kind, event.data)
        self._mirror()

    @property
    def active(self) -> Policy:
        """Return the active policy."""
        return self.versions[-1].policy

    @property
    def version(self) -> int:
        """Return the active policy's version."""
        return self.versions[-1].version

    def propose(self, candidate: Candidate) -> bool:
        """Take a candidate under judgement; False if the same policy on the same table was proposed before."""
        known = [*self.open.values(), *(one for one, _ in self.ended.values())]
        if any(candidate.fingerprint == one.fingerprint for one in known):
            return False
        self._write(PROPOSED, {"candidate": candidate.id, "proposal": candidate.model_dump(mode="json")})
        return True

    def judge(self, candidate: Candidate, verdict: Verdict) -> None:
        """Act on a verdict: promote, reject, or leave the candidate open with what is known of it."""
        data = {"candidate": candidate.id, "verdict": verdict.model_dump(mode="json")}
        if verdict.outcome == "promote":
            self._promote(candidate, verdict, "chapter 13", verdict.reason)
        elif verdict.outcome == "reject":
            self._write(REJECTED, data)
        elif self.verdicts.get(candidate.id) != verdict:
            self._write(JUDGED, data)

    def promote(self, candidate: str, *, by: str, testing: bool = False) -> Version:
        """Promote a candidate that an operator names; UsageError unless its draws have earned it.

        In test mode (both flags) an unearned one may be promoted: the record says so.
        """
        if candidate not in self.open:
            ended = self.ended.get(candidate)
            raise UsageError(
                f"promote {candidate}: {f'was {ended[1]} already' if ended else 'there is no such candidate'}; "
                "`mimicry candidates` lists them"
            )
        verdict = self.verdicts.get(candidate)
        if not testing:
            told = "no draws that it never saw have come yet" if verdict is None else verdict.reason
            raise UsageError(
                f"promote {candidate}: not earned: {told}; it is promoted by itself as soon as unseen draws show it better"
            )
        self._promote(self.open[candidate], verdict, by, "promoted in test mode, not earned")
        return self.versions[-1]

    def rollback(self, *, by: str, why: str = "", to: int | None = None) -> Version:
        """Withdraw the active policy and return to the newest validated one before it, or to version `to`.

        Validated is what unseen draws promoted and nobody withdrew; version 0, no policy at all, always is.
        """
        here = self.versions[-1]
        if here.policy == Policy():
            raise UsageError("rollback: no policy is active; there is nothing to withdraw")
        target = self._baseline() if to is None else self._version(to)
        if target.policy == here.policy:
            raise UsageError(f"rollback: version {target.version} is the policy that is active now")
        data = {"to": target.version, "from": here.version, "version": here.version + 1}
        self._write(ROLLED_BACK, data | {"by": by, "why": why or "asked"})
        return self.versions[-1]

    def _baseline(self) -> Version:
        here = self.versions[-1].policy
        return next(one for one in reversed(self.versions) if not one.withdrawn and one.policy != here)

    def _version(self, number: int) -> Version:
        if not 0 <= number < len(self.versions):
            raise UsageError(f"rollback: there is no version {number}; versions are 0 to {self.version}")
        found = self.versions[number]
        if found.withdrawn:
            raise UsageError(f"rollback: version {number} was withdrawn itself ({found.why})")
        return found

    def _promote(self, candidate: Candidate, verdict: Verdict | None, by: str, why: str) -> None:
        data = {
            "candidate": candidate.id,
            "policy": candidate.policy.model_dump(mode="json"),
            "by": by,
            "why": why,
        }
        told = None if verdict is None else verdict.model_dump(mode="json")
        self._write(PROMOTED, data | {"verdict": told, "version": self.version + 1})

    # -- the record -----------------------------------------------------------------------------------------------------

    def _write(self, kind: str, data: Mapping[str, Any]) -> None:
        self._journal.append(kind, data)
        self._replay(kind, data)
        if kind in (PROMOTED, ROLLED_BACK):
            self._mirror()

    def _replay(self, kind: str, data: Mapping[str, Any]) -> None:
        name = data.get("candidate", "")
        if data.get("verdict") is not None:
            self.verdicts[name] = Verdict.model_validate(data["verdict"])
        if kind == PROPOSED:
            self.open[name] = Candidate.model_validate(data["proposal"])
        elif kind in (PROMOTED, REJECTED):
            self._end(name, "promoted" if kind == PROMOTED else "rejected")
        if kind == PROMOTED:
            self._append(policy=Policy.model_validate(data["policy"]), candidate=name, how="promoted",
                         by=data.get("by", "chapter 13"), why=data.get("why", ""))  # fmt: skip
        elif kind == ROLLED_BACK:
            self._withdraw(data)

    def _end(self, name: str, how: str) -> None:
        candidate = self.open.pop(name, None)
        self.judged += 1
        if candidate is not None:
            self.ended[name] = (candidate, how)
            while len(self.ended) > ENDED:
                oldest = next(iter(self.ended))
                del self.ended[oldest]
                self.verdicts.pop(oldest, None)

    def _withdraw(self, data: Mapping[str, Any]) -> None:
        here, target = self.versions[data["from"]].policy, self.versions[data["to"]]
        self.versions = [
            one.model_copy(update={"withdrawn": True}) if one.policy == here else one for one in self.versions
        ]
        self._append(policy=target.policy, candidate=target.candidate, how="rolled back", of=target.version,
                     by=data["by"], why=data["why"])  # fmt: skip

    def _append(self, **values: Any) -> None:
        self.versions.append(Version(version=len(self.versions), **values))

    def _mirror(self) -> None:
        """Write the active policy for people and for training; both files are rebuilt from the journal at every start."""
        make_folder(self._directory)
        for one in self.versions[1:]:
            text = (json.dumps(one.model_dump(mode="json"), indent=1) + "\n").encode("ascii")
            write_atomic(self._directory / f"v{one.version:04d}.json", text)
        text = (json.dumps(self.versions[-1].model_dump(mode="json"), indent=1) + "\n").encode("ascii")
        write_atomic(self._directory / ACTIVE, text)
        if self._artifacts is not None:
            self._publish(self._artifacts)

    def _publish(self, artifacts: ArtifactStore) -> None:
        """Put the policy where training reads it; the same policy again leaves the file, and what follows from it, alone."""
        told = ActivePolicy(policy=self.active).model_dump(mode="json")
        if not artifacts.exists(ACTIVE_POLICY) or artifacts.read_json(ACTIVE_POLICY) != told:
            artifacts.write_json(ACTIVE_POLICY, told, Lineage(schema=ActivePolicy().schema_))
