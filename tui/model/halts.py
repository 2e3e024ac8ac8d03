"""Halt and resume as a person decides them: the kinds, what each waits for, what resuming costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.model.run import current
from tui.model.words import counted, duration

if TYPE_CHECKING:
    from tui.wire import Halt, HaltKind, Snapshot, Step

RESUME_WORD = "resume"


class Choice(NamedTuple):
    """One line of the halt dialog: exactly what Enter does while it is highlighted."""

    kind: HaltKind
    does: str
    wait: str


def choices(shot: Snapshot | None) -> tuple[Choice, ...]:
    """Return the three kinds with the expected wait beside each."""
    step = _working(shot)
    unit = _unit_wait(step)
    return (
        Choice("finish", "finish the running step, then stop", _about(step.eta if step else None, step)),
        Choice("checkpoint", "stop at the next checkpoint", _about(unit, step)),
        Choice("now", "cancel what runs, lose the unit in flight", "within 1 s"),
    )


def _working(shot: Snapshot | None) -> Step | None:
    if shot is None or not shot.pipeline.steps:
        return None
    step = current(shot.pipeline.steps)
    return step if step.status == "running" else None


def _unit_wait(step: Step | None) -> float | None:
    if step is None or step.eta is None or not step.total or step.total <= (step.done or 0):
        return None
    return step.eta / (step.total - (step.done or 0))


def _about(seconds: float | None, step: Step | None) -> str:
    if step is None:
        return "nothing runs"
    return "not known" if seconds is None else f"about {duration(seconds)}"


def resume_cost(shot: Snapshot) -> str:
    """Say where work goes on after a resume and what is done again."""
    if not shot.pipeline.steps:
        return "resume costs nothing: no run is open"
    step = current(shot.pipeline.steps)
    if step.status not in ("running", "held"):
        return "resume costs nothing: no step is part done"
    if not step.total:
        return f"resume goes on inside step {step.id}, after its last finished unit"
    unit = _unit_wait(step)
    again = f"at most 1 unit again ({duration(unit)})" if unit is not None else "at most 1 unit again"
    return f"resume goes on at step {step.id} {step.done or 0:,}/{step.total:,}, {again}"


def needs_word(halt: Halt | None) -> bool:
    """Say whether resuming needs the typed word: always, unless a person asked for the halt."""
    return halt is not None and not asked_by_person(halt)


def asked_by_person(halt: Halt) -> bool:
    """Say whether a person asked for the halt: `ops (console)`, `ops@host`; the engine's own halts name a service."""
    return "@" in halt.by or " (" in halt.by or halt.by.startswith(("uid", "operator"))


def facts(shot: Snapshot | None) -> str:
    """Return what a halt would stop, in one row."""
    if shot is None:
        return "nothing is known about the engine yet"
    if shot.halt is not None:
        state = "halted" if shot.halt.reached else "halting"
        return f"already {state}: {shot.halt.kind}, by {shot.halt.by}"
    devices = sum(len(host.devices) for host in shot.fleet)
    step = _working(shot)
    at = f"step {step.id} at {step.done or 0:,}/{step.total:,}" if step and step.total else "no step counts"
    return f"{counted(devices, 'device')}, {at}, {counted(shot.requests_waiting, 'request')} waiting"
