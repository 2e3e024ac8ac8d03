"""Records that cross the control socket: NDJSON, one record a line, at most 1 MiB. The only words viewers share with the engine."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.link import LINE_LIMIT as LINE_LIMIT
from engine.link import PROTOCOL as PROTOCOL
from engine.link import SOCKET_NAME as SOCKET_NAME

# What a read-only viewer may ask; every other verb acts.
LOOKS = frozenset(
    {
        "snapshot",
        "subscribe",
        "table",
        "tables",
        "forms",
        "policy_diff",
        "row",
        "series",
        "curve",
        "trace",
        "study",
        "scores",
        "lookup",
        "past",
        "explain",
        "decision",
        "llm_status",
        "llm_call",
        "soak",
        "soak_faults",
        "soak_compare",
        "stacks",
    }
)

Mode = Literal["run", "idle", "halted", "halting", "starting", "stopping"]
Light = Literal["ok", "warn", "fail", "idle", "held", "stale"]
StepStatus = Literal["waiting", "running", "done", "failed", "held", "skipped"]
HaltKind = Literal["finish", "checkpoint", "now"]


class Record(BaseModel):
    """Strict, immutable base of everything on the wire."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hello(Record):
    """First line from each side; a major mismatch is refused with the side to upgrade."""

    type: Literal["hello"] = "hello"
    protocol: tuple[int, int] = PROTOCOL
    build: str
    client: str | None = None
    readonly: bool = False


class Series(Record):
    """Equally spaced samples, oldest first; None is a gap and is drawn as one."""

    unit: str
    seconds: float
    values: list[float | None] = Field(default_factory=list)


class Halt(Record):
    """The one halt: who, why, which kind, when asked and when reached."""

    kind: HaltKind
    by: str
    reason: str
    asked: str
    reached: str | None = None
    seq: int


class Evidence(Record):
    """The verdict line and what it rests on; numbers only from `engine.evidence`."""

    verdict: Literal["none yet", "identified", "biased", "no_evidence", "not_identifiable"] = "none yet"
    line: str = "no search has run on this history yet"
    best: str | None = None
    best_bits: float | None = None
    required_bits: float = 19.93
    null_bits: float | None = None
    excluded_share: float | None = None
    power: float | None = None
    draws: int = 0
    pool: str = "no pool published"


class Host(Record):
    """One machine and its devices (GPUs, or CPU workers where there are none); `age` in seconds."""

    name: str
    devices: list[Light]
    kind: Literal["gpu", "cpu"]
    util: float | None = None
    hot: float | None = None
    rate: float | None = None
    age: float


class Step(Record):
    """One pipeline step as the strip shows it."""

    id: Literal["1", "2.5", "3", "4", "5", "6"]
    name: str
    status: StepStatus
    done: int | None = None
    total: int | None = None
    eta: float | None = None
    best: float | None = None
    null: float | None = None
    note: str = ""


class Pipeline(Record):
    """The current or last run."""

    run: str | None = None
    steps: list[Step] = Field(default_factory=list)


class Request(Record):
    """One row of the queue; `why` says why it waits, runs, or how it ended."""

    id: str
    at: str
    kind: str
    origin: str
    state: Literal["queued", "claimed", "running", "done", "failed", "rejected", "deferred", "cancelled"]
    priority: int
    why: str


class Decision(Record):
    """One decision row; `advice` is what the model said, apart from what the code decided."""

    id: int
    at: str
    step: str
    action: Literal["PROCEED", "RETRY", "ESCALATE", "HALT", "RESUME"]
    source: str
    advice: str
    reason: str


class Engine(Record):
    """The daemon's own health."""

    pid: int
    uptime: float
    rss_mb: float
    pss_mb: float | None = None
    handles: int
    threads: int
    tasks: int
    loop_lag_ms: float
    wal_mb: float
    cpu: float | None = None
    memory: Series
    handle_series: Series
    memory_slope: float | None = None
    handle_slope: float | None = None


class Alert(Record):
    """One line of the alert row."""

    at: str
    level: Light
    text: str
    id: str = ""
    acked: bool = False


class Snapshot(Record):
    """Everything the Overview and `status --json` show, at one journal sequence number."""

    type: Literal["snapshot"] = "snapshot"
    schema_: Literal["snapshot/1"] = Field(default="snapshot/1", alias="schema")
    seq: int
    head: str
    at: str
    host: str
    mode: Mode
    test_mode: bool = False
    degraded: list[str] = Field(default_factory=list)
    advisor: str = "none(not configured)"
    halt: Halt | None = None
    evidence: Evidence
    fleet: list[Host]
    pipeline: Pipeline
    requests: list[Request]
    requests_waiting: int
    decisions: list[Decision]
    engine: Engine
    throughput: Series
    alerts: list[Alert] = Field(default_factory=list)
    autonomy: float | None = None
    readers: int = 0
    control: str | None = None
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


class Event(Record):
    """One journal record, as it happens; a hole in `seq` means: ask for a snapshot."""

    type: Literal["event"] = "event"
    seq: int
    at: str
    kind: str
    data: dict[str, Any]


class Command(Record):
    """A request from a client; idempotent by (client, id)."""

    type: Literal["command"] = "command"
    id: str
    client: str
    verb: str = Field(pattern=r"^[a-z][a-z_]{0,39}$")
    args: dict[str, Any] = Field(default_factory=dict)


class Reply(Record):
    """The answer to one command; `error` is one line a person can act on."""

    type: Literal["reply"] = "reply"
    id: str
    ok: bool
    data: dict[str, Any] = Field(default_factory=dict)
    error: str | None = None
    exit_code: int = 0
