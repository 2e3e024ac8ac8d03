"""A run as it stands on the record: its steps with parameters, inputs, outputs and numbers; and what differs between two runs.

Read from a state directory's journal, beside a running engine or without one, or from the run directory of an `analyze`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.errors import UsageError
from engine.pipeline.context import STEP_FINISHED, STEP_IDS
from engine.runs import FOLDER, LAST, find_run
from state.errors import NoJournal, UnknownRecord
from state.journal import Journal

STORY = 1 << 20  # events of one run that are looked through
MOST_RUNS = 1000
Aspect = Literal["status", "parameter", "input", "output", "code", "metric", "evidence"]


class StepRecord(BaseModel):
    """One step of a run: how it ended, what it was told, what it read and wrote (name -> sha-256), what it measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: str
    note: str
    seconds: float
    parameters: dict[str, Any] = {}
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}
    code: str = ""
    metrics: dict[str, Any] = {}
    evidence: tuple[dict[str, Any], ...] = ()
    findings: tuple[dict[str, Any], ...] = ()


class RunRecord(BaseModel):
    """One run, as `mimicry run show --json` prints it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    schema_: Literal["run/1"] = Field(default="run/1", alias="schema")
    id: str
    kind: str
    state: str
    why: str
    started: str
    finished: str | None
    request: str | None
    spec: dict[str, Any]
    steps: dict[str, StepRecord]
    trials: dict[str, int]


class Difference(BaseModel):
    """One value that two runs do not share; None where a run lacks it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: str
    what: Aspect
    name: str
    a: Any
    b: Any


def read(state: Path, name: str) -> RunRecord:
    """Return the run called `name` (an id, `last`, or the directory of an analysis); UsageError with the nearest ids."""
    name = _newest(state) or name if name == LAST else name
    with suppress(NoJournal), Journal.read_only(state) as journal, suppress(UnknownRecord):
        row = journal.runs.get(name)
        told = {key: getattr(row, key) for key in RunRecord.model_fields if hasattr(row, key)}
        return RunRecord(**told | _steps(journal, row.id))
    for directory in (state / FOLDER / name, Path(name)):
        with suppress(NoJournal), Journal.read_only(directory) as journal:
            return _analysis(journal, directory)
    known = list(_known(state))
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.0)
    hint = f"nearest are: {', '.join(near)}" if near else "it holds none; `mimicry pipeline` asks for one"
    raise UsageError(f"run {name!r}: not on record in {state}; {hint}")


def _newest(state: Path) -> str | None:
    """Return the run that began last: the room's, or the analysis that other verbs call so."""
    began: dict[str, str] = {}
    with suppress(NoJournal), Journal.read_only(state) as journal:
        began |= {run.id: run.started for run in journal.runs.newest(1)}
    with suppress(NoJournal, UsageError):
        analysis = find_run(state, LAST)
        with Journal.read_only(analysis) as journal:
            for event in journal.events(limit=1):
                began[analysis.name] = event.at
    return max(began, key=lambda name: began[name], default=None)


def _known(state: Path) -> Iterator[str]:
    with suppress(NoJournal), Journal.read_only(state) as journal:
        yield from (run.id for run in journal.runs.newest(MOST_RUNS))
    yield from (one.parent.name for one in (state / FOLDER).glob("*/journal.db"))


def _analysis(journal: Journal, directory: Path) -> RunRecord:
    """Return the run of `mimicry analyze` that this directory holds: its steps, where it went on through them."""
    events = journal.newest([STEP_FINISHED], STORY)
    first, last = (next(iter(journal.events(limit=1)), None), journal.newest(["analysis"], 1))
    run = events[0].data["run"] if events else directory.name
    return RunRecord(
        id=directory.name,
        kind="analyze",
        state="done" if last else "open",
        why=str(last[0].data.get("verdict", "")) if last else "no verdict on record",
        started=first.at if first else "",
        finished=last[0].at if last else None,
        request=None,
        spec={},
        **_steps(journal, run),
    )


def _steps(journal: Journal, run: str) -> dict[str, Any]:
    """Return the last outcome of each step and how many trials each study finished."""
    steps: dict[str, StepRecord] = {}
    trials: dict[str, int] = {}
    for event in journal.story(run, role="run", limit=STORY):
        if event.kind == STEP_FINISHED:
            steps[event.data["step"]] = _step(event.data)
        elif event.kind == "trial.finished" and "step" in event.data:
            trials[event.data["step"]] = trials.get(event.data["step"], 0) + 1
    ordered = {step: steps[step] for step in STEP_IDS if step in steps}
    return {"steps": ordered, "trials": trials}


def _step(data: Mapping[str, Any]) -> StepRecord:
    told = {key: data[key] for key in StepRecord.model_fields if key in data}
    return StepRecord(**told | {"outputs": data["artifacts"]})


def difference(a: RunRecord, b: RunRecord) -> list[Difference]:
    """Return everything that differs between two runs, in the order of the steps; times are no difference."""
    found: list[Difference] = []
    for step in STEP_IDS:
        one, other = _facts(a.steps.get(step)), _facts(b.steps.get(step))
        for key in [*one, *(key for key in other if key not in one)]:
            if one.get(key) != other.get(key):
                found.append(
                    Difference(step=step, what=key[0], name=key[1], a=one.get(key), b=other.get(key))
                )
    return found


def _facts(step: StepRecord | None) -> dict[tuple[Aspect, str], Any]:
    """Return what a step is compared by."""
    if step is None:
        return {}
    facts: dict[tuple[Aspect, str], Any] = {
        ("status", "status"): step.status,
        ("code", "code"): step.code[:12],
    }
    facts |= {("parameter", name): value for name, value in _flat(step.parameters)}
    facts |= {("input", name): sha[:12] for name, sha in step.inputs.items()}
    facts |= {("output", name): sha[:12] for name, sha in step.outputs.items()}
    facts |= {("metric", name): value for name, value in _flat(step.metrics)}
    return facts | {("evidence", row["metric"]): row["value"] for row in step.evidence}


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
