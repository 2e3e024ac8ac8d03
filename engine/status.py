"""The snapshot: what every viewer sees at one journal number. A pure assembly over plain facts, and one thin gatherer."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, get_args

from engine.alerts.book import Book
from engine.protocol import (
    Alert,
    Decision,
    Engine,
    Evidence,
    Halt,
    Host,
    Light,
    Mode,
    Pipeline,
    Request,
    Series,
    Snapshot,
    Step,
    StepStatus,
)
from engine.vitals.probes import Reading
from engine.vitals.sampler import GRID_SECONDS
from engine.vitals.slope import Slope

if TYPE_CHECKING:
    from state.decisions import DecisionRow
    from state.halts import HaltRow
    from state.journal import Journal
    from state.runs import RunRow

STEP_NAMES: Mapping[str, str] = {
    "1": "window", "2.5": "scorer", "3": "scores", "4": "capacity", "5": "training", "6": "forecast",
}  # fmt: skip
STATUSES: tuple[str, ...] = get_args(StepStatus)
STOPPED: Mapping[str, str] = {"halted": "held", "escalated": "held", "failed": "failed"}
"""How a step stands that was running when its run came to stand so."""
VERDICT, ALERT = "verdict", "alert.raised"
ROWS = 12
UNIT, SCALE = "Mh/s", 1e-6
REPLY_STALE = 30.0
DAY = timedelta(hours=24)
HUMANS = ("human", "operator")  # journals before schema 3 say operator


class Queue(Protocol):
    """What status needs of the queue; `engine.dispatch.queue.Queue`."""

    def records(self, *, limit: int) -> list[Request]:
        """Return requests for the wire, each with the reason why it waits, runs or ended."""

    def waiting(self) -> int:
        """Return how many requests wait."""


class Deed(Protocol):
    """What counting decisions needs of one; `state.decisions.Brief` and a whole row are both."""

    @property
    def at(self) -> str:
        """Return when."""

    @property
    def action(self) -> str:
        """Return what was decided."""

    @property
    def source(self) -> str:
        """Return who decided."""


class Worker(Protocol):
    """What status needs to know of one worker."""

    @property
    def alive(self) -> bool:
        """Say whether it takes work."""

    @property
    def busy(self) -> bool:
        """Say whether it works."""

    @property
    def age(self) -> float:
        """Return the seconds since its last sign of life."""


@dataclass(frozen=True)
class StepAt:
    """How far the running step is, and since when (monotonic seconds)."""

    step: str
    done: int
    total: int
    begun: float
    note: str = ""
    best: float | None = None
    null: float | None = None
    left: float | None = None
    """Seconds left, where the work itself knows better than its pace so far."""

    def eta(self, now: float) -> float | None:
        """Return the seconds left at the pace so far; None before the first piece is done."""
        if self.left is not None:
            return self.left
        return (now - self.begun) * (self.total - self.done) / self.done if self.done else None


@dataclass(frozen=True)
class SearchAt:
    """How far a running search is; the fields of `engine.search.identify.Progress` that the panel shows."""

    best: str | None
    best_bits: float | None
    null_bits: float | None
    required_bits: float
    excluded_share: float
    rate: float
    eta: float | None
    hypotheses_done: int
    hypotheses: int
    cells_done: int
    cells: int


@dataclass(frozen=True)
class Facts:
    """What the journal says, read at `seq`."""

    seq: int
    head: str
    halt: HaltRow | None = None
    verdict: Mapping[str, Any] | None = None
    pool: Mapping[str, Any] | None = None
    run: RunRow | None = None
    requests: Sequence[Request] = ()
    requests_waiting: int = 0
    decisions: Sequence[DecisionRow] = ()
    alerts: Sequence[Alert] = ()
    autonomy: float | None = None


@dataclass
class Live:
    """What only the running process knows."""

    started: float = field(default_factory=time.monotonic)
    stopping: bool = False
    starting: bool = False
    working: bool = False
    test_mode: bool = False
    degraded: Sequence[str] = ()
    advisor: str = "none(not configured)"
    readers: int = 0
    draws: int = 0
    workers: Sequence[Worker] | None = None
    planned_workers: int = 1
    rigs: Sequence[Host] = ()
    rate: float | None = None
    step: StepAt | None = None
    search: SearchAt | None = None
    reading: Reading | None = None
    slopes: Mapping[str, Slope] = field(default_factory=dict)
    memory: Sequence[float | None] = ()
    handles: Sequence[float | None] = ()
    throughput: Sequence[float | None] = ()


def assemble(facts: Facts, live: Live, *, now: float, at: str, host: str) -> Snapshot:
    """Build the snapshot from facts and live values; `now` is monotonic seconds, `at` UTC."""
    return Snapshot(
        seq=facts.seq,
        head=facts.head,
        at=at,
        host=host,
        mode=_mode(facts, live),
        test_mode=live.test_mode,
        degraded=list(live.degraded),
        advisor=live.advisor,
        halt=_halt(facts.halt),
        evidence=_evidence(facts, live),
        fleet=[_host(live, host), *live.rigs],
        pipeline=_pipeline(facts, live, now),
        requests=list(facts.requests),
        requests_waiting=facts.requests_waiting,
        decisions=[_decision(row) for row in facts.decisions],
        engine=_engine(live, now),
        throughput=Series(unit=UNIT, seconds=GRID_SECONDS, values=_scaled(live.throughput)),
        alerts=list(facts.alerts),
        autonomy=facts.autonomy,
        readers=live.readers,
    )


def gather(journal: Journal, queue: Queue, *, now: datetime | None = None, book: Book | None = None) -> Facts:
    """Read what the snapshot needs from the journal; a few indexed queries."""
    verdict = journal.last([VERDICT])
    pool = journal.predictions.latest()
    runs = journal.runs.newest(1)
    now = now or datetime.now(UTC)
    return Facts(
        seq=journal.seq,
        head=journal.head,
        halt=journal.halt_state(),
        verdict=verdict.data if verdict else None,
        pool=pool.pool if pool else None,
        run=runs[0] if runs else None,
        requests=queue.records(limit=ROWS),
        requests_waiting=queue.waiting(),
        decisions=journal.decisions.list(limit=ROWS),
        alerts=(book or Book(journal)).standing(now)[:ROWS],
        autonomy=autonomy(journal.decisions.briefs(limit=1000), now),
    )


def autonomy(decisions: Sequence[Deed], now: datetime) -> float | None:
    """Return the share of the last 24 hours' decisions that were closed without a human; None without decisions.

    PROCEED and RETRY close themselves; ESCALATE waits for a person. Entries made by operators are not counted.
    """
    recent = [
        row for row in decisions if row.source not in HUMANS and now - datetime.fromisoformat(row.at) <= DAY
    ]
    if not recent:
        return None
    return sum(row.action in ("PROCEED", "RETRY") for row in recent) / len(recent)


def utc() -> str:
    """Return the UTC time as the wire writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def host_name() -> str:
    """Return this machine's short name."""
    return socket.gethostname().partition(".")[0] or "localhost"


def _mode(facts: Facts, live: Live) -> Mode:
    if live.stopping:
        return "stopping"
    if facts.halt is not None:
        return "halted" if facts.halt.reached else "halting"
    if live.starting:
        return "starting"
    return "run" if live.working else "idle"


def _halt(row: HaltRow | None) -> Halt | None:
    if row is None:
        return None
    names = ("kind", "by", "reason", "asked", "reached", "seq")
    return Halt.model_validate({name: getattr(row, name) for name in names})


def _evidence(facts: Facts, live: Live) -> Evidence:
    found = facts.verdict or {}
    pool = pool_line(facts.pool)
    if live.search is not None:
        at = live.search
        return Evidence(
            verdict=found.get("verdict", "none yet"),
            line=f"searching: {at.cells_done} of {at.cells} cells, {at.hypotheses_done:.3g} hypotheses tested",
            best=at.best, best_bits=at.best_bits, required_bits=at.required_bits, null_bits=at.null_bits,
            excluded_share=at.excluded_share, power=found.get("power"), draws=live.draws, pool=pool,
        )  # fmt: skip
    if not found:
        return Evidence(draws=live.draws, pool=pool)
    keys = ("verdict", "line", "best", "best_bits", "required_bits", "null_bits", "excluded_share", "power")
    return Evidence(**{key: found[key] for key in keys}, draws=live.draws, pool=pool)


def pool_line(pool: Mapping[str, Any] | None) -> str:
    """Return the state of the published pool as one line."""
    if pool is None:
        return "no pool published"
    lo, hi = pool["range"]
    if pool["uniform"]:
        return f"uniform over {lo}..{hi} for draw {pool['for_draw']}: {pool['basis']}"
    heads = pool["heads"]
    covered, chance = sum(share for _, share in heads), len(heads) / (hi - lo + 1)
    named = "1 value holds" if len(heads) == 1 else f"{len(heads)} values hold"
    return f"{named} draw {pool['for_draw']} with {covered:.1%}, chance {chance:.2%} ({pool['basis']})"


def _host(live: Live, name: str) -> Host:
    if live.workers is None:
        return Host(name=name, devices=["idle"] * live.planned_workers, kind="cpu", age=0.0)
    lights = [_light(worker) for worker in live.workers]
    return Host(
        name=name,
        devices=lights,
        kind="cpu",
        util=sum(worker.busy for worker in live.workers) / max(1, len(live.workers)),
        rate=None if live.rate is None else live.rate * SCALE,
        age=min(max((worker.age for worker in live.workers), default=0.0), 1e6),
    )


def _light(worker: Worker) -> Light:
    if not worker.alive:
        return "fail"
    if worker.age > REPLY_STALE:
        return "stale"
    return "ok" if worker.busy else "idle"


def _pipeline(facts: Facts, live: Live, now: float) -> Pipeline:
    if facts.run is None:
        return Pipeline()
    return Pipeline(
        run=facts.run.id.removeprefix("run-"),
        steps=[_step(step, facts.run, live.step, now) for step in STEP_NAMES],
    )


def standing(run: RunRow, known: Mapping[str, Any]) -> str:
    """Return how a step stands, by what was recorded about it last and how its run stands."""
    status = known.get("status", "waiting")
    if status == "running":
        return STOPPED.get(run.state, status)
    return status if status in STATUSES else "failed"


def _step(step: str, run: RunRow, at: StepAt | None, now: float) -> Step:
    known = run.steps.get(step, {})
    status = standing(run, known)
    running = at if at is not None and at.step == step and status == "running" else None
    values = {
        "id": step,
        "name": STEP_NAMES[step],
        "status": status,
        "done": running.done if running else None,
        "total": running.total if running else None,
        "eta": running.eta(now) if running else None,
        "best": running.best if running else known.get("best"),
        "null": running.null if running else known.get("null"),
        "note": (running.note if running else known.get("note", "")) or "",
    }
    return Step.model_validate(values)


def _decision(row: DecisionRow) -> Decision:
    values = {name: getattr(row, name) for name in Decision.model_fields}
    return Decision.model_validate(values | {"advice": str(row.advice or "none(not asked)")})


def _engine(live: Live, now: float) -> Engine:
    read = live.reading
    memory, handles = live.slopes.get("engine.rss_mb"), live.slopes.get("engine.handles")
    return Engine(
        pid=os.getpid(),
        uptime=max(0.0, now - live.started),
        rss_mb=read.rss_mb if read else 0.0,
        pss_mb=read.pss_mb if read else None,
        handles=read.handles if read else 0,
        threads=read.threads if read else 0,
        tasks=read.tasks if read else 0,
        loop_lag_ms=read.loop_lag_ms if read else 0.0,
        wal_mb=read.wal_mb if read else 0.0,
        cpu=None if read is None or read.cpu is None else read.cpu / 100.0,
        memory=Series(unit="MB", seconds=GRID_SECONDS, values=list(live.memory)),
        handle_series=Series(unit="handles", seconds=GRID_SECONDS, values=list(live.handles)),
        memory_slope=memory.per_hour if memory else None,
        handle_slope=handles.per_hour if handles else None,
    )


def _scaled(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else value * SCALE for value in values]
