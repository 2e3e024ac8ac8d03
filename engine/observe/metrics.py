"""The metrics of the daemon: one table of names, kinds, labels and where each value is read; `docs/metrics.md` is made from it.

Values come from what `status --json` shows (the snapshot) and the readings behind `mimicry series`; nothing is counted twice.
`python -m engine.observe.metrics` prints the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from engine.protocol import Evidence, Light, Mode, StepStatus
from engine.status import STEP_NAMES
from engine.version import VERSION

if TYPE_CHECKING:
    from engine.alerts.rules import Sight

PREFIX = "mimicry_"
MIB = float(1 << 20)
SERIES = 128
"""Series of one metric at most; `mimicry_series_left_out` counts what is beyond (a fleet of more than 128 machines)."""
VERDICTS: tuple[str, ...] = get_args(Evidence.model_fields["verdict"].annotation)
Sample = tuple[tuple[str, ...], float | None]
Kind = Literal["gauge", "counter"]


@dataclass(frozen=True)
class Metric:
    """One metric: `name` without prefix; `read` yields label values and a number, None where there is none now."""

    name: str
    kind: Kind
    help: str
    read: Callable[[Sight], Iterable[Sample]]
    labels: Sequence[str] = ()
    bound: str = "1"
    """Most series, in words."""

    @property
    def full(self) -> str:
        """Return the name as Prometheus shows it."""
        return PREFIX + self.name + ("_total" if self.kind == "counter" else "")

    def samples(self, sight: Sight) -> list[Sample]:
        """Return what there is to tell, `SERIES` at most, in the order of the labels."""
        return self._all(sight)[:SERIES]

    def left_out(self, sight: Sight) -> int:
        """Return how many series the bound cuts off."""
        return max(0, len(self._all(sight)) - SERIES)

    def _all(self, sight: Sight) -> list[Sample]:
        return [(labels, value) for labels, value in self.read(sight) if value is not None]


def _one(read: Callable[[Sight], float | None]) -> Callable[[Sight], Iterable[Sample]]:
    return lambda sight: [((), read(sight))]


def _states(names: Sequence[str], now: Callable[[Sight], str]) -> Callable[[Sight], Iterable[Sample]]:
    """Return a series a state, 1 for the one that holds."""
    return lambda sight: [((name,), float(name == now(sight))) for name in names]


def _hosts(read: Callable[[Sight], Iterator[Sample]]) -> Callable[[Sight], Iterable[Sample]]:
    return lambda sight: list(read(sight))


def _devices(sight: Sight) -> Iterator[Sample]:
    for host in sight.snapshot.fleet[: SERIES // len(get_args(Light))]:
        for light in get_args(Light):
            yield (host.name, light), float(host.devices.count(light))


def _of_host(name: str, factor: float = 1.0) -> Callable[[Sight], Iterable[Sample]]:
    def read(sight: Sight) -> Iterable[Sample]:
        for host in sight.snapshot.fleet:
            value = getattr(host, name)
            yield (host.name,), None if value is None else value * factor

    return read


def _steps(sight: Sight) -> Iterable[Sample]:
    now = {step.id: step.status for step in sight.snapshot.pipeline.steps}
    for step in STEP_NAMES:
        for status in get_args(StepStatus):
            yield (step, status), float(now.get(step) == status) if step in now else None


def _progress(sight: Sight) -> Iterable[Sample]:
    for step in sight.snapshot.pipeline.steps:
        if step.done is not None and step.total:
            yield (step.id,), step.done / step.total


def _alerts(sight: Sight) -> Iterable[Sample]:
    shown = [alert.level for alert in sight.snapshot.alerts]
    return [((light,), float(shown.count(light))) for light in get_args(Light)]


def _reading(name: str, factor: float = 1.0) -> Callable[[Sight], Iterable[Sample]]:
    def read(sight: Sight) -> Iterable[Sample]:
        value = sight.readings.get(name)
        return [((), None if value is None else value * factor)]

    return read


def _handles(sight: Sight) -> Iterable[Sample]:
    for kind in ("files", "sockets", "pipes"):
        yield (kind,), sight.readings.get(f"engine.{kind}")


def _slope(name: str, factor: float) -> Callable[[Sight], float | None]:
    def read(sight: Sight) -> float | None:
        value = getattr(sight.snapshot.engine, name)
        return None if value is None else value * factor

    return read


def _rate(sight: Sight) -> float | None:
    here = [host.rate for host in sight.snapshot.fleet if host.rate is not None]
    return sum(here) * 1e6 if here else None


def _cpu(sight: Sight) -> float | None:
    return sight.snapshot.engine.cpu


HOST_BOUND = f"one a machine, {SERIES} at most"
METRICS: tuple[Metric, ...] = (
    Metric("build_info", "gauge", "1; its label is the running version", lambda sight: [((VERSION,), 1.0)], ("version",)),
    Metric("mode", "gauge", "1 for the mode the room is in", _states(get_args(Mode), lambda sight: sight.snapshot.mode), ("mode",), str(len(get_args(Mode)))),
    Metric("halted", "gauge", "1 while a halt is in force or asked for", _one(lambda sight: float(sight.snapshot.halt is not None))),
    Metric("test_mode", "gauge", "1 while synthetic draws may be injected", _one(lambda sight: float(sight.snapshot.test_mode))),
    Metric("degraded", "gauge", "things that work otherwise than asked; status names them", _one(lambda sight: float(len(sight.snapshot.degraded)))),
    Metric("alerts", "gauge", "alerts that stand, by level, of the 12 newest", _alerts, ("level",), str(len(get_args(Light)))),
    Metric("uptime_seconds", "gauge", "seconds since the daemon started", _one(lambda sight: sight.snapshot.engine.uptime)),
    Metric("viewers", "gauge", "consoles that look", _one(lambda sight: float(sight.snapshot.readers))),
    Metric("journal_records", "counter", "records of the hash chain: the last sequence number", _one(lambda sight: float(sight.snapshot.seq))),
    Metric("journal_wal_bytes", "gauge", "size of the journal's write-ahead log", _one(lambda sight: sight.snapshot.engine.wal_mb * MIB)),
    Metric("requests_waiting", "gauge", "requests that wait, deferred ones included", _one(lambda sight: float(sight.snapshot.requests_waiting))),
    Metric("autonomy_ratio", "gauge", "share of the last 24 hours' decisions that no human closed", _one(lambda sight: sight.snapshot.autonomy)),
    Metric("draws", "counter", "draws in the history", _one(lambda sight: float(sight.snapshot.evidence.draws))),
    Metric("verdict", "gauge", "1 for the verdict that stands", _states(VERDICTS, lambda sight: sight.snapshot.evidence.verdict), ("verdict",), str(len(VERDICTS))),
    Metric("evidence_best_bits", "gauge", "evidence of the best hypothesis", _one(lambda sight: sight.snapshot.evidence.best_bits)),
    Metric("evidence_required_bits", "gauge", "evidence that a claim needs", _one(lambda sight: sight.snapshot.evidence.required_bits)),
    Metric("evidence_null_bits", "gauge", "evidence of the best null twin", _one(lambda sight: sight.snapshot.evidence.null_bits)),
    Metric("excluded_ratio", "gauge", "share of the asked space that is excluded", _one(lambda sight: sight.snapshot.evidence.excluded_share)),
    Metric("step_status", "gauge", "1 for the status of each pipeline step of the current run", _steps, ("step", "status"), f"{len(STEP_NAMES)} × {len(get_args(StepStatus))}"),
    Metric("step_progress_ratio", "gauge", "how far a running step is", _progress, ("step",), str(len(STEP_NAMES))),
    Metric("hypotheses_per_second", "gauge", "rate of the search over all machines; absent while nothing runs", _one(_rate)),
    Metric("host_devices", "gauge", "devices of a machine by state", _devices, ("host", "state"), f"{SERIES // len(get_args(Light))} machines × {len(get_args(Light))}"),
    Metric("host_utilisation_ratio", "gauge", "share of a machine's devices that work", _of_host("util"), ("host",), HOST_BOUND),
    Metric("host_hottest_celsius", "gauge", "hottest card of a machine", _of_host("hot"), ("host",), HOST_BOUND),
    Metric("host_hypotheses_per_second", "gauge", "rate of one machine", _of_host("rate", 1e6), ("host",), HOST_BOUND),
    Metric("host_silence_seconds", "gauge", "seconds since a machine was heard", _of_host("age"), ("host",), HOST_BOUND),
    Metric("resident_bytes", "gauge", "resident memory of the daemon", _one(lambda sight: sight.snapshot.engine.rss_mb * MIB)),
    Metric("proportional_bytes", "gauge", "memory of the daemon with shared pages divided (PSS)", _one(lambda sight: None if sight.snapshot.engine.pss_mb is None else sight.snapshot.engine.pss_mb * MIB)),
    Metric("memory_slope_bytes_per_hour", "gauge", "robust slope of the resident memory", _one(_slope("memory_slope", MIB))),
    Metric("open_handles", "gauge", "open file handles of the daemon", _one(lambda sight: float(sight.snapshot.engine.handles))),
    Metric("open_handles_by_kind", "gauge", "open file handles by kind", _handles, ("kind",), "3"),
    Metric("handle_slope_per_hour", "gauge", "robust slope of the open handles", _one(_slope("handle_slope", 1.0))),
    Metric("threads", "gauge", "threads of the daemon", _one(lambda sight: float(sight.snapshot.engine.threads))),
    Metric("tasks", "gauge", "asyncio tasks of the engine's loop", _one(lambda sight: float(sight.snapshot.engine.tasks))),
    Metric("child_processes", "gauge", "direct children of the daemon", _reading("engine.children")),
    Metric("cpu_ratio", "gauge", "processor time of the daemon, 1 = one core", _one(_cpu)),
    Metric("loop_lag_seconds", "gauge", "worst delay of the loop in the last 5 s", _one(lambda sight: sight.snapshot.engine.loop_lag_ms / 1e3)),
    Metric("loop_stalls", "counter", "times that the loop did not tick for observe.stall_s", _reading("loop.stalls")),
    Metric("disk_free_bytes", "gauge", "free space beside the state directory", _reading("engine.disk_free_mb", MIB)),
)  # fmt: skip
LEFT_OUT = Metric(
    "series_left_out", "gauge", "series that the bounds left out",
    lambda sight: [((), float(sum(metric.left_out(sight) for metric in METRICS)))],
)  # fmt: skip
ALL = (*METRICS, LEFT_OUT)


def page() -> str:
    """Return `docs/metrics.md`."""
    rows = [
        f"| `{metric.full}` | {metric.kind} | {' '.join(f'`{name}`' for name in metric.labels)} | {metric.bound} | {metric.help} |"
        for metric in ALL
    ]
    return "\n".join(
        [
            "# Metrics",
            "",
            "Made by `make pages` from the table in `engine/observe/metrics.py`. The endpoint is off until room.toml says where it is:",
            "",
            "```toml",
            "[observe]",
            'metrics = "127.0.0.1:9464"        # or "unix:metrics.sock" (mode 0600), below the state directory',
            "```",
            "",
            "Only this machine is listened on; anything else is refused at the start. `GET /metrics` answers Prometheus' text format or",
            "OpenMetrics, whichever is asked for. The values are those of `mimicry status --json` and `mimicry series`; a value that is not",
            f"known is absent, never 0. No metric has more than {SERIES} series. A dashboard for Grafana: `docs/grafana/mimicry.json`.",
            "",
            "| metric | kind | labels | series | meaning |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    print(page(), end="")
