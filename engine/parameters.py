"""The registry of tunable parameters: structure is fixed, only what stands here may change, within bounds, on the record."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from engine.errors import UsageError

Who = Literal["code", "watcher", "operator"]
Value = int | float


class Record(BaseModel):
    """Strict, immutable base of the records in this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Parameter(Record):
    """One tunable number: bounds include both ends; `step` is what one retry moves it by (a factor when `scale` is log)."""

    name: str
    type: Literal["int", "float"]
    lo: float
    hi: float
    default: Value
    step: float
    scale: Literal["linear", "log"] = "linear"
    who: tuple[Who, ...]
    meaning: str

    def check(self, value: Value) -> Value:
        """Return the value in the parameter's type; UsageError if it breaks type or bounds."""
        fits = isinstance(value, int) if self.type == "int" else isinstance(value, (int, float))
        if isinstance(value, bool) or not fits:
            raise UsageError(f"parameter {self.name} = {value!r}: must be {self.type}")
        if not self.lo <= value <= self.hi:
            raise UsageError(f"parameter {self.name} = {value}: allowed are {self.lo:g} to {self.hi:g}")
        return value if self.type == "int" else float(value)

    def moved(self, value: Value, direction: Literal["up", "down"]) -> Value | None:
        """Return the value one step further, cut to the bounds; None if it stands at the bound already."""
        if self.scale == "log":
            raw = value * self.step if direction == "up" else value / self.step
        else:
            raw = value + self.step if direction == "up" else value - self.step
        cut = min(max(raw, self.lo), self.hi)
        new: Value = round(cut) if self.type == "int" else float(cut)
        return None if new == value else new


class Change(Record):
    """One change on the record: who, why, before, after."""

    name: str
    before: Value
    after: Value
    by: Who
    why: str


class Registry:
    """Known parameters by name; unknown names are refused with the nearest."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        """Index the parameters; two with one name are a mistake in the table."""
        self._by_name: dict[str, Parameter] = {}
        for parameter in parameters:
            if self._by_name.setdefault(parameter.name, parameter) is not parameter:
                raise ValueError(f"parameter {parameter.name} stands twice in the table")

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Parameter:
        """Return one parameter; UsageError names the nearest known one."""
        if name not in self._by_name:
            nearest = difflib.get_close_matches(name, list(self._by_name), n=1, cutoff=0.0)
            raise UsageError(
                f"parameter {name!r} is not registered; the nearest is {nearest[0] if nearest else None!r}"
            )
        return self._by_name[name]

    def defaults(self) -> dict[str, Value]:
        """Return the default of every parameter."""
        return {parameter.name: parameter.default for parameter in self}


class Ledger(Protocol):
    """The part of the journal that parameters need: `state.settings.Parameters`."""

    def set(self, name: str, value: Any, *, who: str, why: str, cause: str | None = None) -> int | None:
        """Record one change."""

    def all(self) -> dict[str, Any]:
        """Return every recorded value."""


class Parameters:
    """Current values: defaults, then what the journal recorded. Changing one is recorded before it counts."""

    def __init__(self, ledger: Ledger, registry: Registry) -> None:
        """Read the recorded values; one that no longer fits the registry is left at its default and named in `refused`."""
        self._ledger, self.registry = ledger, registry
        self._values = registry.defaults()
        self.refused: list[str] = []
        for name, value in ledger.all().items():
            try:
                self._values[name] = registry.get(name).check(value)
            except UsageError as error:
                self.refused.append(f"recorded value ignored: {error}")

    def values(self, prefix: str = "") -> dict[str, Value]:
        """Return current values by name; with a prefix only those under it, the prefix cut off."""
        return {name[len(prefix) :]: value for name, value in self._values.items() if name.startswith(prefix)}

    def change(
        self, name: str, value: Value, *, by: Who, why: str, cause: str | None = None, person: str = ""
    ) -> Change:
        """Record a change, then apply it; UsageError for an unknown name, a broken bound or one who may not.

        `person` stands beside the role in the record.
        """
        parameter = self.registry.get(name)
        if by not in parameter.who:
            raise UsageError(f"parameter {name}: {by} may not change it; {', '.join(parameter.who)} may")
        change = Change(name=name, before=self._values[name], after=parameter.check(value), by=by, why=why)
        self._ledger.set(name, change.after, who=f"{by} {person}".strip(), why=why, cause=cause)
        self._values[name] = change.after
        return change


ALL: tuple[Who, ...] = ("code", "watcher", "operator")
OPERATOR: tuple[Who, ...] = ("operator",)


def _row(
    name: str, span: tuple[float, float], default: Value, step: float, meaning: str,
    *, scale: Literal["linear", "log"] = "linear", who: tuple[Who, ...] = ALL,
) -> Parameter:  # fmt: skip
    kind: Literal["int", "float"] = "float" if isinstance(default, float) else "int"
    return Parameter(
        name=name, type=kind, lo=span[0], hi=span[1], default=default, step=step, scale=scale, who=who, meaning=meaning
    )  # fmt: skip


# Bounds lie inside those of the code that reads the value (a test compares them); the step is what one retry changes.
REGISTRY = Registry(
    (
        _row("pipeline.window_trials", (8, 256), 16, 2, "trials of step 1", scale="log"),
        _row(
            "pipeline.window_seeds",
            (1 << 12, 1 << 28),
            1 << 16,
            4,
            "seeds that one trial of step 1 sieves",
            scale="log",
        ),
        _row(
            "pipeline.window_batch",
            (1, 32),
            4,
            2,
            "trials of step 1 that are in flight together",
            scale="log",
        ),
        _row(
            "pipeline.window_rungs",
            (1, 4),
            2,
            1,
            "looks at a trial of step 1 before it ends; the weak are pruned",
        ),
        _row("pipeline.max_survivors", (64, 4096), 512, 2, "survivors that step 1 carries on", scale="log"),
        _row("pipeline.search_share", (0.2, 0.8), 0.5, 0.1, "share of the history that step 1 may select on"),
        _row("pipeline.scorer_trials", (8, 256), 16, 2, "trials of step 2.5", scale="log"),
        _row(
            "pipeline.scorer_batch",
            (1, 32),
            4,
            2,
            "trials of step 2.5 that are in flight together",
            scale="log",
        ),
        _row(
            "pipeline.twin_decoys",
            (8, 256),
            24,
            2,
            "decoys beside the truth of each twin of step 2.5",
            scale="log",
        ),
        _row(
            "pipeline.twins", (12, 192), 24, 2, "planted and null twins that step 2.5 scores on", scale="log"
        ),
        _row(
            "pipeline.min_candidates", (24, 768), 48, 2, "candidates of step 3, decoys included", scale="log"
        ),
        _row(
            "pipeline.feature_rows",
            (32, 8192),
            256,
            2,
            "survivors that one task of step 3 scores",
            scale="log",
        ),
        _row(
            "pipeline.deterministic",
            (0, 1),
            1,
            1,
            "1: trials go in fixed batches, told in order, so a resumed run ends with the same artifacts; 0: each is told as it ends",
            who=OPERATOR,
        ),
        _row(
            "pipeline.save_all_models",
            (0, 1),
            0,
            1,
            "1: step 5 keeps the models of all families, not of the best alone",
            who=OPERATOR,
        ),
        _row("pipeline.embargo", (1, 16), 1, 1, "draws between what features read and what targets score"),
        _row("pipeline.dev_blocks", (3, 12), 4, 1, "chronological blocks of the validation"),
        _row("pipeline.rungs", (1, 3), 3, 1, "capacities that a model family may climb in step 4"),
        _row(
            "pipeline.permutations",
            (999, 7992),
            999,
            2,
            "permutations behind a p-value of step 5",
            scale="log",
        ),
        _row("pipeline.decoy_histories", (3, 24), 3, 2, "decoy histories that step 5 scores", scale="log"),
        _row(
            "pipeline.heads",
            (1, 1000),
            20,
            2,
            "values that the pool names one by one",
            scale="log",
            who=OPERATOR,
        ),
        _row("selfplay.episodes", (4, 256), 12, 2, "episodes of one selfplay request", scale="log"),
    )
)
