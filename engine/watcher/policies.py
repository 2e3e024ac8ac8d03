"""The watcher's policies, `watcher_policies.json`: strict, every key is read by code, an unknown one is refused by name."""

from __future__ import annotations

import difflib
import hashlib
import json
import types
import typing
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import BadInput, UsageError
from state.files import write_atomic
from state.versions import refusal

FILE_NAME = "watcher_policies.json"

SCHEMA = "watcher_policies/1"
SIZE_LIMIT = 1 << 20
StepId = Literal["1", "2.5", "3", "4", "5", "6"]
Operator = Literal["<=", ">=", "<", ">", "==", "!="]


class Record(BaseModel):
    """Strict, immutable base of the records in this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Remedy(Record):
    """What a retry may change when `signal` (a metric, `missing` or `fault`) is the reason; tried in order."""

    signal: str
    parameter: str
    direction: Literal["up", "down"]


class Threshold(Record):
    """A limit of the operator's own on a step's number, beside the limits that the step states itself."""

    metric: str
    op: Operator
    limit: float = Field(allow_inf_nan=False)


class StepPolicy(Record):
    """One step: the numbers it must show, further limits, how often it may be retried, and what a retry changes."""

    required: tuple[str, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    retries: int = Field(default=2, ge=0, le=10)
    remedies: tuple[Remedy, ...] = ()


class ApprovalRule(Record):
    """Which requests a person must approve before they start: by type and origin, both with * and ?."""

    type: str = "*"
    origin: str = "*"

    def covers(self, kind: str, origin: str) -> bool:
        """Say whether a request falls under this rule."""
        return fnmatchcase(kind, self.type) and fnmatchcase(origin, self.origin)

    def line(self) -> str:
        """Return the rule as a short phrase."""
        return f"type {self.type}, origin {self.origin}"


class ApprovalPolicy(Record):
    """What waits for a person, and how long it waits."""

    requests: tuple[ApprovalRule, ...] = (ApprovalRule(origin="llm*"),)
    escalations: bool = True
    expire_hours: float = Field(default=72.0, gt=0, le=8760, allow_inf_nan=False)


class Policies(Record):
    """All policies; `total_retries` bounds one request over all its steps, `fail_on` are detectors whose warnings fail a step."""

    schema_: Literal["watcher_policies/1"] = Field(default="watcher_policies/1", alias="schema")
    total_retries: int = Field(default=4, ge=0, le=50)
    halt_on_escalate: bool = True
    approvals: ApprovalPolicy = ApprovalPolicy()
    fail_on: tuple[str, ...] = ()
    steps: dict[StepId, StepPolicy] = Field(default_factory=dict)
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    def step(self, step: str) -> StepPolicy:
        """Return a step's policy; a step that no policy names has no retries."""
        return next((policy for name, policy in self.steps.items() if name == step), StepPolicy(retries=0))

    def digest(self) -> str:
        """Return the sha-256 that names exactly these policies."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def flat(self) -> dict[str, Any]:
        """Return every policy by dotted key, in file order; lists are one value."""
        return dict(_flatten(self.model_dump(mode="json")))


def load_policies(path: Path) -> Policies:
    """Read the file, or write the defaults there if it is absent; BadInput names the file and the first broken key."""
    if not path.exists():
        write_policies(path, DEFAULTS)
        return DEFAULTS
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise BadInput(f"{path}: more than {SIZE_LIMIT} bytes; policies are a page of text")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error
    return parse_policies(text, str(path))


def parse_policies(text: str, where: str) -> Policies:
    """Read policies from text; BadInput names the place, the first broken key and, for an unknown one, the nearest."""
    try:
        return Policies.model_validate_json(text)
    except ValidationError as error:
        if (why := _other_version(text)) is not None:
            raise BadInput(f"{where}: {why}") from error
        raise BadInput(f"{where}: {_first(error)}; fix it, or delete the file to get the defaults") from error


def _other_version(text: str) -> str | None:
    """Return why policies of another version are refused; None where the version is not what is wrong."""
    try:
        found = json.loads(text).get("schema", SCHEMA)
    except (ValueError, AttributeError, RecursionError):
        return None
    return refusal(found, SCHEMA, older="delete the file to get the defaults")


def write_policies(path: Path, policies: Policies) -> None:
    """Replace the file, whole or not at all."""
    write_atomic(path, (json.dumps(policies.model_dump(mode="json"), indent=1) + "\n").encode())


def changed(policies: Policies, key: str, value: Any, where: str) -> Policies:
    """Return the policies with one dotted key changed; UsageError for an unknown key, with the nearest, or a broken value."""
    tree = policies.model_dump(mode="json")
    *parents, leaf = _parts(key)
    branch = tree
    for parent in parents:
        branch = branch.setdefault(parent, {}) if isinstance(branch, dict) else {}
    if not isinstance(branch, dict) or leaf not in branch:
        near = difflib.get_close_matches(key, policies.flat(), n=3, cutoff=0.3) or list(policies.flat())[:3]
        raise UsageError(f"{where}: no policy {key!r}; nearest: {', '.join(near)}")
    branch[leaf] = value
    try:
        return Policies.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        raise UsageError(f"{where}: {_first(error)}") from error


def differences(before: Policies, after: Policies) -> list[dict[str, Any]]:
    """Return what changed as rows of name, before, after."""
    old, new = before.flat(), after.flat()
    return [
        {"name": key, "before": old.get(key), "after": new.get(key)}
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]


def _parts(key: str) -> list[str]:
    """Split a dotted key; `steps.2.5.retries` names step 2.5."""
    return [part.replace("2_5", "2.5") for part in key.replace("steps.2.5.", "steps.2_5.").split(".")]


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _first(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _known_at(Policies, first["loc"][:-1])
        near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.0)
        return f"key {where!r} is unknown; the nearest is {near[0] if near else 'none'!r}"
    return f"key {where!r}: {first['msg']}" if where else f"is not a policy file: {first['msg']}"


def _known_at(model: Any, loc: tuple[Any, ...]) -> list[str]:
    """Return the keys that the model at a place of the file takes."""
    for part in loc:
        if isinstance(model, type) and issubclass(model, BaseModel):
            found = [field for name, field in model.model_fields.items() if part in (name, field.alias)]
            model = found[0].annotation if found else None
        else:
            model = _inner(model)
    named = isinstance(model, type) and issubclass(model, BaseModel)
    return [field.alias or name for name, field in model.model_fields.items()] if named else []


def _inner(model: Any) -> Any:
    """Return what a dict or a tuple of the model holds."""
    held = [one for one in typing.get_args(model) if one not in (types.EllipsisType, Ellipsis)]
    return held[-1] if held else None


def _step(required: tuple[str, ...], *remedies: str, retries: int = 2) -> StepPolicy:
    """Build a step's policy from remedies written as `signal: parameter up|down`."""
    rows = []
    for remedy in remedies:
        signal, _, change = remedy.partition(": ")
        parameter, _, direction = change.partition(" ")
        rows.append(
            Remedy.model_validate(
                {"signal": signal, "parameter": f"pipeline.{parameter}", "direction": direction}
            )
        )
    return StepPolicy(required=required, retries=retries, remedies=tuple(rows))


# A fault (a worker lost, memory gone) is answered with less work, thin evidence with more.
DEFAULTS = Policies(
    total_retries=4,
    steps={
        "1": _step(
            ("power", "survivors"),
            "power: window_trials up",
            "missing: window_trials up",
            "fault: window_seeds down",
        ),
        "2.5": _step(
            ("trials", "scorer_gain_bits"),
            "scorer_gain_bits: scorer_trials up",
            "scorer_gain_bits: twins up",
            "missing: scorer_trials up",
            "fault: twins down",
        ),
        "3": _step(
            ("rows", "features", "leaks"),
            "features: min_candidates up",
            "rows: min_candidates up",
            "fault: min_candidates down",
        ),
        "4": _step(("families", "rungs_tried", "inner_draws"), "fault: rungs down"),
        "5": _step(
            ("models", "permutations", "final_p", "final_opened"),
            "permutations: permutations up",
            "fault: permutations down",
        ),
        "6": _step(("probability_sum", "for_draw"), retries=0),
    },
)
