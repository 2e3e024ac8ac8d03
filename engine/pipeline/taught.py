"""The active policy in step 5: which rows a model is taught on, with which weight, and which columns it may not see. Pure but for one read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.pipeline.fitting import Rows
from engine.pipeline.shelf import Shelf
from engine.selfplay.active import ACTIVE_POLICY, ActivePolicy
from engine.selfplay.policy import Table, apply_policy
from engine.selfplay.rules import Mask, Policy
from engine.watcher.evaluation import Finding


def active_policy(shelf: Shelf) -> Policy:
    """Return the active policy and make it part of the step's lineage; without the artifact no policy is active."""
    if not shelf.ctx.artifacts.exists(ACTIVE_POLICY):
        return Policy()
    return ActivePolicy.model_validate(json.loads(shelf.decided(ACTIVE_POLICY))).policy


def fitted(policy: Policy, names: Sequence[str]) -> tuple[Policy, list[Finding]]:
    """Return the policy as this table can bear it, and what it could not bear.

    Columns come and go with the draws. A hidden column that is gone is hidden; a filter or weight by one that is gone
    cannot be applied, so that part is left out and said.
    """
    gone = {
        part: rule.column
        for part, rule in (("filter", policy.filter), ("weight", policy.weight))
        if rule is not None and rule.column not in names
    }
    parts: dict[str, Any] = dict.fromkeys(gone)
    if policy.mask is not None:
        hidden = tuple(name for name in policy.mask.columns if name in names)
        parts["mask"] = Mask(columns=hidden) if hidden else None
    told = [
        Finding(
            code="policy.misfit",
            level="warn",
            text=f"the active policy's {part} is left out: this table has no column {column}",
        )
        for part, column in gone.items()
    ]
    return policy.model_copy(update=parts), told


def params_of(policy: Policy, names: Sequence[str]) -> dict[str, Any]:
    """Return what a training task is told of the policy; nothing where there is none."""
    if policy == Policy():
        return {}
    return {"policy": policy.model_dump(mode="json"), "names": list(names)}


def taught(rows: Rows, blocks: Sequence[int], params: dict[str, Any]) -> Rows:
    """Return the training rows that the policy in a task's params leaves, weighed as it says; a hidden column is all zero.

    `rows` holds the blocks one after the other, all of one size. PolicyError where the policy does not fit the table.
    """
    if "policy" not in params:
        return rows
    policy, names = Policy.model_validate(params["policy"]), tuple(params["names"])
    count = len(rows.x)
    block = np.repeat(np.asarray(blocks, dtype=np.int64), count // len(blocks))
    # the target carries the row's number through the policy, so that hits and draws can follow it
    seen = apply_policy(
        policy, Table(names, rows.x.astype(float), np.arange(count, dtype=float), block, np.ones(count))
    )
    kept = seen.y.astype(np.int64)
    x = rows.x[kept].copy()
    x[:, [at for at, name in enumerate(names) if name not in seen.names]] = 0.0
    return Rows(x, rows.hits[kept] * seen.weight, rows.scored[kept] * seen.weight, rows.chance)
