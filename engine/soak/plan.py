"""What a soak is asked to do: which scenario, how long, how compressed, which faults when; strict, and part of its record."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import BadInput, UsageError

Letter = Literal["a", "b", "c"]
HOURS: dict[str, float] = {"a": 2.0, "b": 0.5, "c": 1.0}
"""What the validation gate asks for; `--hours` changes it."""
WARM_UP_S = 1200.0
CADENCE_S, LEAST_CADENCE_S = 10.0, 1.0
TITLES: dict[str, str] = {"a": "endurance", "b": "queue", "c": "closed loop"}


class Record(BaseModel):
    """Strict, immutable base of what a soak writes down about itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FaultAt(Record):
    """One fault of a plan: which, when (share of the time after warm-up, 0 to 1), with which options."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    at: float = Field(ge=0, le=1)
    options: dict[str, Any] = Field(default_factory=dict)


class Plan(Record):
    """A whole soak. `hours` is what the scenario describes; it takes hours / compress of wall time, and so do its periods."""

    schema_: Literal["soak_plan/1"] = Field(default="soak_plan/1", alias="schema")
    scenario: Letter
    hours: float = Field(gt=0, le=24 * 60)
    compress: float = Field(default=1.0, ge=1, le=1000)
    seed: int = Field(default=1, ge=0, lt=2**63)
    faults: tuple[FaultAt, ...] = Field(default=(), strict=False)
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, populate_by_name=True, serialize_by_alias=True
    )

    @property
    def seconds(self) -> float:
        """Return the wall time of the whole soak."""
        return self.hours * 3600.0 / self.compress

    @property
    def warm_up(self) -> float:
        """Return the seconds at the start that no slope looks at."""
        return min(WARM_UP_S / self.compress, self.seconds / 4)

    @property
    def cadence(self) -> float:
        """Return the seconds between two readings."""
        return max(CADENCE_S / self.compress, LEAST_CADENCE_S)

    def when(self, fault: FaultAt) -> float:
        """Return the second of the soak at which a fault is due."""
        return self.warm_up + fault.at * (self.seconds - self.warm_up)

    def described(self) -> dict[str, Any]:
        """Return the plan as plain JSON."""
        return self.model_dump(mode="json")


def faults_of(text: str | None, known: Sequence[str]) -> tuple[FaultAt, ...]:
    """Return the faults that `--faults` names: `none`, `all`, names separated by commas, or a TOML file of [[fault]] tables.

    Names are spread evenly over the time after warm-up. UsageError names an unknown fault and the nearest known one.
    """
    if text is None or text == "none":
        return ()
    if text.endswith(".toml"):
        faults = _read(Path(text))
    else:
        names = list(known) if text == "all" else [name.strip() for name in text.split(",") if name.strip()]
        faults = tuple(
            FaultAt(name=name, at=round((place + 0.5) / len(names), 4)) for place, name in enumerate(names)
        )
    for fault in faults:
        if fault.name not in known:
            from difflib import get_close_matches

            near = get_close_matches(fault.name, known, 1, cutoff=0.0)
            hint = f"; the nearest is {near[0]!r}" if near else ""
            raise UsageError(f"--faults: {fault.name!r} is unknown{hint}")
    return tuple(sorted(faults, key=lambda fault: fault.at))


def _read(path: Path) -> tuple[FaultAt, ...]:
    """Read `[[fault]]` tables: name, at (0 to 1), and the fault's own options."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as TOML: {error}") from error
    if set(tables) != {"fault"} or not isinstance(tables["fault"], list):
        raise BadInput(f"{path}: a fault plan is a list of [[fault]] tables and nothing else")
    found = []
    for number, table in enumerate(tables["fault"], 1):
        try:
            found.append(FaultAt.model_validate(table))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadInput(f"{path}: fault {number}: {where}: {first['msg']}") from error
    return tuple(found)
