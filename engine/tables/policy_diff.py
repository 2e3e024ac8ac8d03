"""Two policies side by side, part by part: a candidate's against the active one, or any two versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.feedback.acceptance import Acceptance
    from engine.selfplay.rules import Policy

ACTIVE = "active"


def policy_diff(acceptance: Acceptance, left: str, right: str) -> dict[str, Any]:
    """Return `policy_diff/1`: every part of both policies, and whether it is the same; UsageError for an unknown one."""
    (a, of_a), (b, of_b) = _policy(acceptance, left), _policy(acceptance, right)
    rows = [
        {"part": name, "a": before, "b": after, "same": before == after}
        for name in ("filter", "weight", "mask", "window")
        for before, after in ((_part(a, name), _part(b, name)),)
    ]
    return {"schema": "policy_diff/1", "a": of_a, "b": of_b, "same": a == b, "rows": rows}


def _policy(acceptance: Acceptance, name: str) -> tuple[Policy, str]:
    """Return a policy and what it is called: `active`, a version's number, or a candidate's id."""
    if name == ACTIVE:
        return acceptance.active, f"version {acceptance.version}, active"
    if name.isdecimal() and len(name) < 10:
        found = next((one for one in acceptance.versions if one.version == int(name)), None)
        if found is not None:
            return found.policy, f"version {name}, {found.how}"
    elif name in acceptance.open:
        return acceptance.open[name].policy, f"candidate {name}, open"
    elif name in acceptance.ended:
        candidate, how = acceptance.ended[name]
        return candidate.policy, f"candidate {name}, {how}"
    raise UsageError(
        f"policy {name!r:.60}: no version or candidate of that name; `mimicry policy` and `mimicry candidates` list them"
    )


def _part(policy: Policy, name: str) -> str | None:
    part = getattr(policy, name)
    if part is None:
        return None
    return " ".join(
        f"{key} {', '.join(value) if isinstance(value, list | tuple) else value}"
        for key, value in part.model_dump().items()
    )


def as_text(told: dict[str, Any]) -> str:
    """Return the difference as lines: what is the same, what changed and into what."""
    lines = [f"{told['a']}  ->  {told['b']}" + ("   the same policy" if told["same"] else "")]
    for row in told["rows"]:
        a, b = (row[side] or "none" for side in ("a", "b"))
        lines.append(f"  {row['part']:<7} {a}" if row["same"] else f"* {row['part']:<7} {a}  ->  {b}")
    return "\n".join(lines)
