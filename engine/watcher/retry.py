"""A retry changes something within its registered bounds and says what; with nothing left to change there is none."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from engine.errors import UsageError
from engine.parameters import Registry, Value
from engine.watcher.anomaly import CODES
from engine.watcher.evaluation import Record
from engine.watcher.policies import Policies, Remedy, StepPolicy


class Move(Record):
    """One parameter change that a retry makes."""

    name: str
    before: Value
    after: Value

    def line(self) -> str:
        """Return the change as one short phrase."""
        return f"{self.name} {self.before:g} → {self.after:g}"


class Budget(Record):
    """What has been spent: retries of this step, and of the whole request."""

    step_used: int
    step_limit: int
    total_used: int
    total_limit: int

    @property
    def left(self) -> int:
        """Return how many more retries this step may have."""
        return max(0, min(self.step_limit - self.step_used, self.total_limit - self.total_used))

    def line(self) -> str:
        """Return the budget as one short phrase."""
        return f"retry {self.step_used} of {self.step_limit} for this step, {self.total_used} of {self.total_limit} in all"


def possible_moves(
    policy: StepPolicy, values: Mapping[str, Value], registry: Registry
) -> tuple[tuple[str, Move], ...]:
    """Return every (signal, move) that the remedies allow from the current values, in the policy's order."""
    found = []
    for remedy in policy.remedies:
        move = _move(remedy, values, registry)
        if move is not None:
            found.append((remedy.signal, move))
    return tuple(found)


def choose_move(signals: tuple[str, ...], moves: tuple[tuple[str, Move], ...]) -> Move | None:
    """Return the first possible move that answers one of the signals."""
    return next((move for signal, move in moves if signal in signals), None)


def check_policies(policies: Policies, registry: Registry) -> None:
    """Refuse policies that name an unregistered parameter, one the watcher may not change, or an unknown detector."""
    check_remedies(policies, registry)
    for code in policies.fail_on:
        if code not in CODES:
            near = difflib.get_close_matches(code, CODES, n=1, cutoff=0.0)
            raise UsageError(f"policies: fail_on: {code!r} is unknown; the nearest is {near[0]!r}")


def check_remedies(policies: Policies, registry: Registry) -> None:
    """Refuse policies whose remedies name an unregistered parameter or one the watcher may not change."""
    for step, policy in policies.steps.items():
        for remedy in policy.remedies:
            parameter = registry.get(remedy.parameter)
            if "watcher" not in parameter.who:
                raise UsageError(f"policies: step {step}: the watcher may not change {parameter.name}")


def _move(remedy: Remedy, values: Mapping[str, Value], registry: Registry) -> Move | None:
    parameter = registry.get(remedy.parameter)
    if "watcher" not in parameter.who:
        return None
    before = values.get(remedy.parameter, parameter.default)
    after = parameter.moved(before, remedy.direction)
    return None if after is None else Move(name=remedy.parameter, before=before, after=after)
