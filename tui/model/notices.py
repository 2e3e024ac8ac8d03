"""What an operator is told without looking for it: alerts that came, a better best of the running step, control that went. Each once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from tui.model.words import number

if TYPE_CHECKING:
    from tui.wire import Snapshot

REMEMBERED = 500
"""Alerts of which it is known that they were told; beyond, only those that stand."""


class Notice(NamedTuple):
    """One toast."""

    title: str
    text: str
    severity: Literal["information", "warning", "error"] = "information"

    @property
    def rings(self) -> bool:
        """Say whether the bell goes with it: with alerts, and where control went."""
        return self.severity != "information"


class Notices:
    """Compares each snapshot with those before."""

    def __init__(self, mine: str = "") -> None:
        """Take the words by which the engine names this console among its viewers."""
        self._mine = mine
        self._holds = False
        """Whether this console held control in the snapshot before."""
        self._told: set[str] | None = None
        """Alerts that were told; None before the first snapshot, whose alerts are no news."""
        self._bests: dict[tuple[str | None, str], float | None] = {}
        """The best of the running step, by run and step, in the snapshot before."""

    def take(self, shot: Snapshot) -> list[Notice]:
        """Return what is new in a snapshot."""
        return [*self._alerts(shot), *self._better(shot), *self._control(shot)]

    def _alerts(self, shot: Snapshot) -> list[Notice]:
        now = {alert.id: alert for alert in shot.alerts if alert.id and not alert.acked}
        new = [] if self._told is None else [name for name in now if name not in self._told]
        self._told = set(now) | (self._told or set())
        if len(self._told) > REMEMBERED:
            self._told = set(now)
        return [
            Notice(f"alert {name}", now[name].text, "error" if now[name].level == "fail" else "warning")
            for name in new
        ]

    def _control(self, shot: Snapshot) -> list[Notice]:
        held, self._holds = self._holds, bool(self._mine) and self._mine in (shot.control or "")
        if not held or self._holds or shot.control is None:
            return []
        return [Notice("control", f"{shot.control} took it; `:control REASON` takes it back", "warning")]

    def _better(self, shot: Snapshot) -> list[Notice]:
        before, running = self._bests, [step for step in shot.pipeline.steps if step.status == "running"]
        self._bests = {(shot.pipeline.run, step.id): step.best for step in running}
        found = []
        for step in running:
            was, best = before.get((shot.pipeline.run, step.id)), step.best
            # What does not beat its null twin is chance, however often it gets better.
            least = was if was is None or step.null is None else max(was, step.null)
            if best is not None and was is not None and least is not None and best > least:
                found.append(Notice(f"step {step.id}: new best", f"{number(best)} after {number(was)}"))
        return found
