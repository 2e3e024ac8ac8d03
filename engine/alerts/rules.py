"""When an alert is raised and when it is cleared: limits apart from each other, a time to hold, silence as an alert. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import AlertSettings
    from engine.protocol import Light, Snapshot

Readings = Mapping[str, float | None]
"""Value by subject; None = it is there and tells nothing."""


@dataclass(frozen=True)
class Sight:
    """What rules look at: the snapshot that viewers get, and the newest readings by name."""

    snapshot: Snapshot
    readings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """One rule; `clears` lies on the calm side of `raises`, so that a value that trembles does not ring twice."""

    name: str
    read: Callable[[Sight], Readings]
    raises: float
    clears: float
    holds: float
    """Seconds for which the value must stand beyond the limit."""
    said: str
    """The text: {subject}, {value}, {limit}."""
    level: Light = "warn"
    silent: float = 60.0
    """Seconds without a value after which its absence is an alert of its own, for what once told one."""

    @property
    def falling(self) -> bool:
        """Say whether a low value is the trouble."""
        return self.clears > self.raises

    def beyond(self, value: float) -> bool:
        """Say whether a value is past the limit that raises."""
        return value < self.raises if self.falling else value > self.raises

    def calm(self, value: float) -> bool:
        """Say whether a value is back past the limit that clears."""
        return value >= self.clears if self.falling else value <= self.clears


@dataclass(frozen=True)
class Change:
    """An alert that is to be raised or cleared; `key` names rule and subject."""

    raised: bool
    key: str
    level: Light
    text: str
    value: float | None
    limit: float


@dataclass
class _Known:
    """What the monitor remembers of one rule and subject; times are monotonic seconds."""

    beyond_since: float | None = None
    told: float | None = None


class Monitor:
    """Steps through sights and says what changed; `firing` holds the keys of alerts that stand."""

    def __init__(self, rules: tuple[Rule, ...], firing: set[str]) -> None:
        """`firing` is what stood when the room was left: it is not raised again."""
        self._rules, self.firing = rules, firing
        self._known: dict[str, _Known] = {}

    def step(self, now: float, sight: Sight) -> list[Change]:
        """Look once."""
        return [change for rule in self._rules for change in self._look(rule, now, sight)]

    def _look(self, rule: Rule, now: float, sight: Sight) -> Iterator[Change]:
        values = dict(rule.read(sight))
        seen = [key.partition(":")[2] for key in self._known if key.startswith(f"{rule.name}:")]
        for subject in dict.fromkeys([*values, *seen]):
            key, value = f"{rule.name}:{subject}", values.get(subject)
            known = self._known.setdefault(key, _Known())
            if value is None:
                known.beyond_since = None
                yield from self._silence(rule, key, subject, known, now)
            else:
                known.told = now
                yield from self._told(rule, key, subject, known, now, value)

    def _told(
        self, rule: Rule, key: str, subject: str, known: _Known, now: float, value: float
    ) -> Iterator[Change]:
        yield from self._change(False, f"{key}?", rule, f"{subject} tells its {rule.name} again", None)
        if key in self.firing:
            if rule.calm(value):
                yield from self._change(
                    False, key, rule, rule.said.format(subject=subject, value=value, limit=rule.clears), value
                )
            return
        if not rule.beyond(value):
            known.beyond_since = None
            return
        known.beyond_since = now if known.beyond_since is None else known.beyond_since
        if now - known.beyond_since >= rule.holds:
            yield from self._change(
                True, key, rule, rule.said.format(subject=subject, value=value, limit=rule.raises), value
            )

    def _silence(self, rule: Rule, key: str, subject: str, known: _Known, now: float) -> Iterator[Change]:
        if known.told is not None and now - known.told >= rule.silent:
            text = f"{subject} has told no {rule.name} for {rule.silent:.0f} s"
            yield from self._change(True, f"{key}?", rule, text, None)

    def _change(self, raised: bool, key: str, rule: Rule, text: str, value: float | None) -> Iterator[Change]:
        if (key in self.firing) == raised:
            return
        (self.firing.add if raised else self.firing.discard)(key)
        yield Change(raised, key, rule.level, text, value, rule.raises if raised else rule.clears)


# ── the rules of a room ──────────────────────────────────────────────────────


def rules(asked: AlertSettings) -> tuple[Rule, ...]:
    """Return the rules under the room's limits."""
    return (
        Rule("hotspot", _hot, asked.hot_raise, asked.hot_clear, asked.hot_hold_s, "{subject} hottest card {value:.0f} °C, limit {limit:.0f}"),
        Rule("silence", _age, asked.silent_s, asked.silent_s / 2, 0.0, "{subject} has not been heard for {value:.0f} s, limit {limit:.0f}", "fail"),
        Rule("lost", _lost, 0.5, 0.5, 10.0, "{subject}: {value:.0f} devices do not answer", "fail"),
        Rule("lag", _lag, asked.lag_raise_ms, asked.lag_raise_ms / 2, 10.0, "the {subject}'s loop is {value:.0f} ms late, limit {limit:.0f}"),
        Rule("memory", _slope("memory_slope"), asked.memory_mb_per_hour, asked.memory_mb_per_hour / 2, 600.0, "the {subject}'s memory grows by {value:.1f} MB/h, limit {limit:.1f}"),
        Rule("handles", _slope("handle_slope"), asked.handles_per_hour, asked.handles_per_hour / 2, 600.0, "the {subject}'s handles grow by {value:.1f}/h, limit {limit:.1f}"),
        Rule("disk", _disk, asked.disk_free_mb, asked.disk_free_mb * 1.5, 0.0, "the {subject} has {value:.0f} MB free, limit {limit:.0f}", "fail"),
    )  # fmt: skip


def _hot(sight: Sight) -> Readings:
    return {host.name: host.hot for host in sight.snapshot.fleet if host.kind == "gpu"}


def _age(sight: Sight) -> Readings:
    return {host.name: host.age for host in sight.snapshot.fleet}


def _lost(sight: Sight) -> Readings:
    return {host.name: float(host.devices.count("fail")) for host in sight.snapshot.fleet}


def _lag(sight: Sight) -> Readings:
    return {"engine": sight.snapshot.engine.loop_lag_ms}


def _slope(name: str) -> Callable[[Sight], Readings]:
    def read(sight: Sight) -> Readings:
        value = getattr(sight.snapshot.engine, name)
        return {} if value is None else {"engine": value}  # before two hours of readings there is no slope

    return read


def _disk(sight: Sight) -> Readings:
    free = sight.readings.get("engine.disk_free_mb")
    return {} if free is None else {"disk": free}
