"""The records of the control socket as the console reads them: plain, checked, mirrored from `engine.protocol` (a test compares them).

The protocol's own classes would cost the console a third of its memory and of its start.
"""

from __future__ import annotations

import json
import typing
from dataclasses import MISSING, dataclass, field, fields
from types import UnionType
from typing import Any, Literal, TypeVar

Mode = Literal["run", "idle", "halted", "halting", "starting", "stopping"]
HaltKind = Literal["finish", "checkpoint", "now"]
R = TypeVar("R")


class Unreadable(ValueError):
    """A record that this console cannot read; the text says which side to upgrade."""


@dataclass(frozen=True, slots=True)
class Series:
    """Equally spaced samples, oldest first; None is a gap."""

    unit: str
    seconds: float
    values: list[float | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Halt:
    """The one halt."""

    kind: HaltKind
    by: str
    reason: str
    asked: str
    seq: int
    reached: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The verdict line and what it rests on."""

    verdict: str = "none yet"
    line: str = "no search has run on this history yet"
    best: str | None = None
    best_bits: float | None = None
    required_bits: float = 19.93
    null_bits: float | None = None
    excluded_share: float | None = None
    power: float | None = None
    draws: int = 0
    pool: str = "no pool published"


@dataclass(frozen=True, slots=True)
class Host:
    """One machine and its devices; `age` in seconds."""

    name: str
    devices: list[str]
    kind: str
    age: float
    util: float | None = None
    hot: float | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One pipeline step."""

    id: str
    name: str
    status: str
    done: int | None = None
    total: int | None = None
    eta: float | None = None
    best: float | None = None
    null: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The current or last run."""

    run: str | None = None
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Request:
    """One row of the queue."""

    id: str
    at: str
    kind: str
    origin: str
    state: str
    priority: int
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision; `advice` apart from what the code decided."""

    id: int
    at: str
    step: str
    action: str
    source: str
    advice: str
    reason: str


@dataclass(frozen=True, slots=True)
class Engine:
    """The daemon's own health."""

    pid: int
    uptime: float
    rss_mb: float
    handles: int
    threads: int
    tasks: int
    loop_lag_ms: float
    wal_mb: float
    memory: Series
    handle_series: Series
    pss_mb: float | None = None
    cpu: float | None = None
    memory_slope: float | None = None
    handle_slope: float | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """One line of the alert row."""

    at: str
    level: str
    text: str
    id: str = ""
    acked: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the Overview shows, at one journal sequence number."""

    seq: int
    head: str
    at: str
    host: str
    mode: Mode
    evidence: Evidence
    fleet: list[Host]
    pipeline: Pipeline
    requests: list[Request]
    requests_waiting: int
    decisions: list[Decision]
    engine: Engine
    throughput: Series
    type: str = "snapshot"
    schema: str = "snapshot/1"
    test_mode: bool = False
    degraded: list[str] = field(default_factory=list)
    advisor: str = "none(not configured)"
    halt: Halt | None = None
    alerts: list[Alert] = field(default_factory=list)
    autonomy: float | None = None
    readers: int = 0
    control: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one command; `error` is one line a person can act on."""

    id: str
    ok: bool
    type: str = "reply"
    data: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    exit_code: int = 0


# ── reading ──────────────────────────────────────────────────────────────────

_PLAIN = (str, int, float, bool, type(None))


def snapshot(line: bytes | str) -> Snapshot:
    """Read a snapshot's line; `Unreadable` says what is wrong with it."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"snapshot: not JSON ({str(error)[:80]})") from None
    return read(Snapshot, data)


def read(kind: type[R], data: Any) -> R:
    """Return a record from what JSON made; `Unreadable` names the field and the side to upgrade."""
    named = kind.__name__.lower()
    if not isinstance(data, dict):
        raise Unreadable(f"{named}: {str(data)[:40]!r} is no record")
    shape = _shape(kind)
    if unknown := data.keys() - shape.keys():
        raise Unreadable(f"{named}: the engine tells {min(unknown)!r}, unknown here: upgrade the console")
    made = {}
    for name, (taker, needed) in shape.items():
        if name in data:
            try:
                made[name] = taker(data[name])
            except TypeError:
                raise Unreadable(f"{named}: {name} cannot be {str(data[name])[:40]!r}") from None
        elif needed:
            raise Unreadable(f"{named}: the engine does not tell {name!r}: upgrade the engine")
    return kind(**made)


_SHAPES: dict[Any, dict[str, tuple[Any, bool]]] = {}


def _shape(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Return for each field what takes its value, and whether it must be there."""
    if kind not in _SHAPES:
        hints = typing.get_type_hints(kind)
        _SHAPES[kind] = {
            each.name: (
                _taker(hints[each.name]),
                each.default is MISSING and each.default_factory is MISSING,
            )
            for each in fields(kind)
        }
    return _SHAPES[kind]


def _taker(hint: Any) -> Any:
    """Return what turns a JSON value into a field of this type; it raises TypeError where it cannot."""
    origin = typing.get_origin(hint)
    parts = typing.get_args(hint)
    if origin is Literal:
        return _only((str,))  # a word that this console does not know is shown as it is
    if origin is UnionType:
        (inner,) = (each for each in parts if each is not type(None))
        take = _taker(inner)
        return lambda value: None if value is None else take(value)
    if origin is list:
        take = _taker(parts[0])
        return lambda value: [take(each) for each in _only((list,))(value)]
    if origin is dict:
        return _only((dict,))
    if hint in _PLAIN:
        return _only((int, float) if hint is float else (hint,), flag=hint is bool)
    return lambda value: read(hint, value)


def _only(kinds: tuple[type, ...], *, flag: bool = False) -> Any:
    def take(value: Any) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, bool) and not flag):
            raise TypeError
        return value

    return take
