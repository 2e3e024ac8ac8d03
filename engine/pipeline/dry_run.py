"""What a run of the steps would be told: every parameter with its value, bounds, origin and meaning, before anything starts.

Read from the state directory alone, beside a running engine or without one; nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from engine.parameters import REGISTRY, Parameters
from engine.pipeline.context import normal_steps
from engine.pipeline.parameters import USED_BY, PipelineParameters
from state.errors import NoJournal
from state.journal import Journal

if TYPE_CHECKING:
    from engine.config import Settings
    from state.settings import Parameters as Recorded

PREFIX = "pipeline."
SEARCH = "search."


class Told(BaseModel):
    """One parameter of one step: `lo`, `hi` bound it, `origin` says who set it, `tunable` whether a retry may move it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: str
    name: str
    value: Any
    lo: float | None
    hi: float | None
    origin: str
    tunable: bool
    meaning: str


class DryRun(BaseModel):
    """The steps in order and everything they would be told; `refused` are recorded values that no longer fit."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    schema_: str = Field(default="dry_run/1", alias="schema")
    steps: tuple[str, ...]
    parameters: tuple[Told, ...]
    refused: tuple[str, ...]


def dry_run(
    state: Path, settings: Settings, steps: Sequence[str], given: Mapping[str, Any] = MappingProxyType({})
) -> DryRun:
    """Return what a run of `steps` would be told in this state directory; `given` are parameters set for it alone."""
    try:
        journal = Journal.read_only(state)
    except NoJournal:
        return _made(steps, settings, None, given)
    with journal:
        return _made(steps, settings, journal.parameters, given)


def _made(
    steps: Sequence[str], settings: Settings, recorded: Recorded | None, given: Mapping[str, Any]
) -> DryRun:
    ledger = recorded if recorded is not None else _Nothing()
    current = Parameters(ledger, REGISTRY)
    values = PipelineParameters.read(current.values(PREFIX))
    wanted = normal_steps(steps)
    rows = [*_searched(settings)] if "1" in wanted else []
    for step in ("all", *wanted):
        rows += [_told(step, name, getattr(values, name), recorded, given) for name in USED_BY[step]]
    return DryRun(steps=tuple(wanted), parameters=tuple(rows), refused=tuple(current.refused))


def _told(step: str, name: str, value: Any, recorded: Recorded | None, given: Mapping[str, Any]) -> Told:
    full, field = PREFIX + name, PipelineParameters.model_fields[name]
    lo, hi = (_bound(field.metadata, ends) for ends in (("ge", "gt"), ("le", "lt")))
    known = {one.name: one for one in REGISTRY}.get(full)
    if known is not None:
        lo, hi = known.lo, known.hi
    value, origin = (given[name], "this run") if name in given else (value, _origin(full, recorded))
    return Told(
        step=step, name=full, value=value, lo=lo, hi=hi, origin=origin, tunable=known is not None,
        meaning=known.meaning if known is not None else (field.description or ""),
    )  # fmt: skip


def _bound(metadata: Sequence[Any], names: Sequence[str]) -> float | None:
    return next((float(getattr(one, name)) for name in names for one in metadata if hasattr(one, name)), None)


def _origin(name: str, recorded: Recorded | None) -> str:
    """Return who set the value last, when and why; `default` where nobody did."""
    changes = recorded.history(name, limit=1) if recorded is not None else []
    return f"{changes[0].who} at {changes[0].at}: {changes[0].why}" if changes else "default"


def _searched(settings: Settings) -> Iterator[Told]:
    """Yield the asked space, as room.toml or a flag states it."""
    for key, value, source in settings.described():
        if key.startswith(SEARCH):
            shown = None if value is None else value if isinstance(value, (int, float, str)) else str(value)
            yield Told(
                step="1", name=key, value=shown, lo=None, hi=None, origin=source, tunable=False, meaning="the asked space"
            )  # fmt: skip


class _Nothing:
    """The record of a state directory that has none yet."""

    def set(self, name: str, value: Any, *, who: str, why: str, cause: str | None = None) -> int | None:
        raise NotImplementedError

    def all(self) -> dict[str, Any]:
        return {}
