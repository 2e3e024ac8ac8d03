"""Room settings: `room.toml` and flags, read strictly, each value with its origin. No file is needed; defaults run a room."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from engine.errors import BadInput, UsageError

FILE_NAME = "room.toml"
Source = Literal["default", "file", "flag"]
Names = Annotated[tuple[str, ...], Field(strict=False)]
FilePath = Annotated[Path, Field(strict=False)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Section(BaseModel):
    """Strict, immutable base of every section: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ComputeSettings(Section):
    """Where chunks run: CPU workers on this machine, started on first work and released when idle."""

    workers: int | None = Field(
        default=None, ge=1, le=1024, description="worker processes; absent = one a core"
    )
    memory_mb: int | None = Field(default=None, ge=256, description="memory limit of one worker")
    idle_release_s: Seconds = Field(
        default=300.0, description="release the workers after so long without work"
    )


class HistorySettings(Section):
    """The file of draws that this room watches, and how to read it."""

    file: FilePath | None = None
    column: str | None = None
    time_column: str | None = None
    session_column: str | None = None
    range: str | None = Field(
        default=None, description="LO:HI; absent = candidates are inferred, each billed"
    )
    poll_s: Seconds = Field(default=2.0, description="how often the file is looked at for new draws")


class SearchSettings(Section):
    """The asked hypothesis space; absent bounds are the program's defaults."""

    alpha: float = Field(default=1e-6, gt=0, lt=0.1)
    families: Names | None = None
    mappings: Names | None = None
    seeds: str | None = None
    gaps: str | None = None
    starts: str | None = None
    noise: float | None = Field(default=None, ge=0, lt=1)
    time_limit_s: Seconds = 600.0


class FeedbackSettings(Section):
    """The live loop: how sure a trigger must be, and when it may fire again."""

    false_alarm: float = Field(
        default=0.001, gt=0, lt=0.5, description="one over the mean draws between false alarms"
    )
    pool_size: int = Field(default=20, ge=1, le=100_000)


class DemoSettings(Section):
    """The planted history that `mimicry demo` works on."""

    family: str = "lcg48/java"
    mapping: str = "java_bounded"
    draws: int = Field(default=60, ge=10, le=100_000)
    range: tuple[int, int] = Field(default=(0, 999), strict=False)
    seconds_per_draw: Seconds = 4.0
    seed: int = 20_261_123
    seeds: int = Field(default=1 << 16, ge=1, le=1 << 32, description="the planted seed lies below this")
    scenario: str | None = Field(default=None, description="one that `mimicry scenario` lists, instead")


class SyntheticInjection(Section):
    """Second of the two flags that test mode needs."""

    enabled: bool = False


class LlmSettings(Section):
    """The advisor's server; an empty command means there is none."""

    command: Names = ()


class RigSettings(Section):
    """One machine of the fleet, by name and address."""

    name: str = Field(min_length=1, max_length=40)
    host: str = Field(min_length=1)
    backend: Literal["cuda", "rocm"] = "rocm"


class Settings(Section):
    """Everything that a room is told from outside."""

    state: FilePath | None = None
    test_mode: bool = False
    compute: ComputeSettings = ComputeSettings()
    history: HistorySettings = HistorySettings()
    search: SearchSettings = SearchSettings()
    feedback: FeedbackSettings = FeedbackSettings()
    demo: DemoSettings = DemoSettings()
    synthetic_injection: SyntheticInjection = SyntheticInjection()
    llm: LlmSettings = LlmSettings()
    rigs: Annotated[tuple[RigSettings, ...], Field(strict=False)] = ()
    _origins: dict[str, Source] = PrivateAttr(default_factory=dict)

    @property
    def testing(self) -> bool:
        """Say whether test mode is on: both flags are set."""
        return self.test_mode and self.synthetic_injection.enabled

    def origin(self, key: str) -> Source:
        """Return where the value of a dotted key came from."""
        return self._origins.get(key, "default")

    def described(self) -> list[tuple[str, Any, Source]]:
        """Return every setting as (dotted key, value, origin), in file order."""
        return [(key, value, self.origin(key)) for key, value in _flatten(self.model_dump(mode="json"))]


def load(path: Path | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
    """Read settings: defaults, then the file, then flags (dotted keys; None = not given).

    Raises UsageError for an unknown key (with the nearest known one) or a value outside its rule,
    BadInput for a file that cannot be read as TOML.
    """
    written = {key: (value, "file") for key, value in _flatten(_read(path) if path else {})}
    given = {key: (value, "flag") for key, value in (flags or {}).items() if value is not None}
    merged: dict[str, tuple[Any, str]] = {**written, **given}
    _refuse_unknown(merged, path)
    settings = _validate({key: value for key, (value, _) in merged.items()}, path)
    settings._origins.update({key: _source(source) for key, (_, source) in merged.items()})
    return settings


def _source(text: str) -> Source:
    return "flag" if text == "flag" else "file"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as TOML: {error}") from error


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _known(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from _known(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _refuse_unknown(merged: Mapping[str, tuple[Any, str]], path: Path | None) -> None:
    known = list(_known(Settings))
    for key, (_, source) in merged.items():
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            where = str(path) if source == "file" else "flags"
            raise UsageError(f"{where}: setting {key!r} is unknown; the nearest is {nearest!r}")


def _validate(values: Mapping[str, Any], path: Path | None) -> Settings:
    try:
        return Settings.model_validate(_nest(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{path or 'flags'}: setting {key!r} = {first['input']!r}: {first['msg']}"
        ) from error


def _nest(values: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *parents, leaf = key.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[leaf] = value
    return tree
