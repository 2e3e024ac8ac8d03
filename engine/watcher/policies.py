"""The watcher's policies, `watcher_policies.json`: strict, every key is read by code, an unknown one is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import BadInput

FILE_NAME = "watcher_policies.json"
StepId = Literal["1", "2.5", "3", "4", "5", "6"]


class Record(BaseModel):
    """Strict, immutable base of the records in this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Remedy(Record):
    """What a retry may change when `signal` (a metric, `missing` or `fault`) is the reason; tried in order."""

    signal: str
    parameter: str
    direction: Literal["up", "down"]


class StepPolicy(Record):
    """One step: the numbers it must show, how often it may be retried, and what a retry changes."""

    required: tuple[str, ...] = ()
    retries: int = Field(default=2, ge=0, le=10)
    remedies: tuple[Remedy, ...] = ()


class Policies(Record):
    """All policies; `total_retries` bounds one request over all its steps."""

    schema_: Literal["watcher_policies/1"] = Field(default="watcher_policies/1", alias="schema")
    total_retries: int = Field(default=4, ge=0, le=50)
    steps: dict[StepId, StepPolicy] = Field(default_factory=dict)
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    def step(self, step: str) -> StepPolicy:
        """Return a step's policy; a step that no policy names has no retries."""
        return next((policy for name, policy in self.steps.items() if name == step), StepPolicy(retries=0))


def load_policies(path: Path) -> Policies:
    """Read the file, or write the defaults there if it is absent; BadInput names the file and the first broken key."""
    if not path.exists():
        path.write_text(json.dumps(DEFAULTS.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
        return DEFAULTS
    try:
        return Policies.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise BadInput(
            f"{path}: {_first(error)}; fix the key or delete the file to get the defaults"
        ) from error


def _first(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first: Any = error.errors(include_url=False)[0]
    return f"key {'.'.join(str(part) for part in first['loc'])!r}: {first['msg']}"


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
