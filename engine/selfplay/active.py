"""The active policy as training reads it: an artifact that acceptance alone writes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.selfplay.rules import Policy

ACTIVE_POLICY = "active_policy.json"


class ActivePolicy(BaseModel):
    """The artifact `active_policy.json`; absent means that no policy is active."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    schema_: Literal["active_policy/1"] = Field(default="active_policy/1", alias="schema")
    policy: Policy = Policy()
