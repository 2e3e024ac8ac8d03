"""What makes a reading an alert: limits to raise and lower ones to clear, each held for a while. Pure: readings and a clock in, changes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["warn", "fail"]
Metrics = Mapping[str, float | None]
HOUR = 3600.0


@dataclass(frozen=True)
class Rule:
    """Raise when `metric` has been beyond `raise_at` for `hold_s`; clear when it has been back beyond `clear_at` as long."""

    name: str
    metric: str
    raise_at: float
    clear_at: float
    hold_s: float
    level: Level
    text: str
    """One line; `{value}` and `{limit}` are put in."""
    below: bool = False
    quarantine_s: float | None = None
    """How long the card is set aside when this is raised."""

    def beyond(self, value: float) -> bool:
        """Tell whether a value is past the raising limit."""
        return value < self.raise_at if self.below else value > self.raise_at

    def back(self, value: float) -> bool:
        """Tell whether a value is past the clearing limit."""
        return value >= self.clear_at if self.below else value <= self.clear_at


CARD_RULES: tuple[Rule, ...] = (
    Rule("hotspot", "hotspot", 95, 88, 30, "warn", "hotspot {value:.0f} °C > {limit:.0f}"),
    Rule("hotspot-high", "hotspot", 105, 92, 15, "fail", "hotspot {value:.0f} °C > {limit:.0f}", quarantine_s=HOUR),
    Rule("edge", "edge", 85, 78, 30, "warn", "edge {value:.0f} °C > {limit:.0f}"),
    Rule("edge-high", "edge", 95, 82, 15, "fail", "edge {value:.0f} °C > {limit:.0f}", quarantine_s=HOUR),
    Rule("memory", "memory_temp", 100, 92, 30, "warn", "memory {value:.0f} °C > {limit:.0f}"),
    Rule("throttle", "throttle", 0.5, 0.5, 60, "warn", "throttled for a minute"),
    Rule("vram", "vram_share", 0.97, 0.92, 60, "warn", "VRAM {value:.0%} full"),
    Rule("ecc", "ecc_ue", 0.5, 0.5, 0, "fail", "{value:.0f} uncorrectable memory errors", quarantine_s=24 * HOUR),
    Rule("kernel", "fault", 0.5, 0.5, 0, "fail", "the kernel's log names a fault", quarantine_s=HOUR),
    Rule("lost", "lost", 0.5, 0.5, 0, "fail", "on the bus, but its driver does not answer", quarantine_s=HOUR),
    Rule("gone", "gone", 0.5, 0.5, 0, "fail", "gone from the bus", quarantine_s=HOUR),
    Rule("link", "link_share", 0.99, 0.99, 60, "warn", "PCIe link at {value:.0%} of its best", below=True),
    Rule("flaps", "flaps", 4.5, 1.5, 0, "fail", "{value:.0f} workers died within an hour", quarantine_s=HOUR),
)  # fmt: skip
HOST_RULES: tuple[Rule, ...] = (
    Rule("ram", "ram_spare", 0, 128 << 20, 20, "warn", "RAM below its reserve", below=True),
    Rule("load", "load_core", 8, 5, 60, "warn", "load {value:.1f} a core > {limit:.0f}"),
    Rule("disk", "disk_free", 2 << 30, 3 << 30, 0, "warn", "less than 2 GiB of disk free", below=True),
    Rule("clock", "clock_off", 5, 2, 30, "warn", "its clock is {value:.0f} s off"),
    Rule("reading", "age", 90, 45, 0, "fail", "no reading for {value:.0f} s"),
)


@dataclass(frozen=True)
class Change:
    """One alert raised or cleared."""

    subject: str
    rule: Rule
    raised: bool
    value: float

    @property
    def key(self) -> str:
        """Return how the room's alerts name it."""
        return f"{self.rule.name}:{self.subject}"

    @property
    def text(self) -> str:
        """Return the alert as one line."""
        said = self.rule.text.format(value=self.value, limit=self.rule.raise_at)
        return f"{self.subject} {said}" if self.raised else f"{self.subject} well again: {self.rule.name}"


@dataclass
class _State:
    raised: bool = False
    since: float | None = None
    """Since when the value speaks for a change."""


class Watch:
    """Remembers, per subject and rule, what is raised and since when."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Watch these rules."""
        self._rules = rules
        self._states: dict[tuple[str, str], _State] = {}

    def judge(self, subject: str, metrics: Metrics, now: float) -> list[Change]:
        """Return what changes with this reading; a value that is not known changes nothing."""
        changes = []
        for rule in self._rules:
            value = metrics.get(rule.metric)
            state = self._states.setdefault((subject, rule.name), _State())
            if value is not None and self._turned(rule, state, value, now):
                changes.append(Change(subject, rule, state.raised, value))
        return changes

    @staticmethod
    def _turned(rule: Rule, state: _State, value: float, now: float) -> bool:
        speaks = rule.back(value) if state.raised else rule.beyond(value)
        if not speaks:
            state.since = None
            return False
        state.since = now if state.since is None else state.since
        if now - state.since < rule.hold_s:
            return False
        state.raised, state.since = not state.raised, None
        return True

    def recall(self, rule: str, subject: str) -> None:
        """Know that a rule stands raised."""
        if any(one.name == rule for one in self._rules):
            self._states[subject, rule] = _State(raised=True)

    def raised(self, subject: str) -> list[Rule]:
        """Return the rules that stand raised for a subject, worst first."""
        found = [rule for rule in self._rules if (s := self._states.get((subject, rule.name))) and s.raised]
        return sorted(found, key=lambda rule: rule.level != "fail")
