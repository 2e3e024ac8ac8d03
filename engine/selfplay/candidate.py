"""What selfplay hands over: a policy that did well, how it was found, and which draws it has seen. A proposal, no more."""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.selfplay.rules import Policy


class Candidate(BaseModel):
    """One proposed policy; `draws_seen` bounds what may never be used to judge it.

    Lineage: the run, the table it played on (`table`, a digest), the transform that made it (`arm`), the episode that
    found it, and the version of the active policy that its episodes started from (`parent`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    schema_: Literal["candidate/1"] = Field(default="candidate/1", alias="schema")
    policy: Policy
    model: str
    fitness: float
    baseline: float
    null: float
    gains: tuple[float, ...]
    episodes: int
    exploration: float
    seed: int
    draws_seen: int
    table: str
    run: str
    arm: str = ""
    episode: int = 0
    parent: int = 0

    @property
    def id(self) -> str:
        """Return the name of the candidate: the policy's digest and what it was found on."""
        return f"c-{_digest(f'{self.fingerprint}|{self.seed}')}"

    @property
    def fingerprint(self) -> str:
        """Return what two candidates share that are one: policy, learner and table."""
        return _digest(f"{self.policy.model_dump_json()}|{self.model}|{self.table}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
