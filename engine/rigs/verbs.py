"""What the socket's command `rig` does: set aside, drain, include, take note of a deploy; in a simulated fleet also faults on request."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.rigs.fleet import Fleet

if TYPE_CHECKING:
    from engine.config import Settings
    from engine.protocol import Command
    from engine.server import Handler
    from engine.workbench import Workbench
    from state.journal import Journal

NOTED = ("deploy", "rollback")
"""What the command line does itself and tells the engine, so that it stands among the acts; `reason` says how far it is."""
ACTIONS = ("quarantine", "drain", "include", "fault", *NOTED)
MOST_HOURS = 24 * 365


def join(
    settings: Settings,
    journal: Journal,
    bench: Workbench,
    verbs: MutableMapping[str, Handler],
    *,
    simulated: bool,
) -> Fleet:
    """Return the room's fleet; put its verb among the others, and its GPUs at the workbench's disposal."""
    if simulated:
        from engine.rigs.simulated import SimulatedFleet

        fleet: Fleet = SimulatedFleet(journal)
    else:
        from engine.rigs.own import own_cards
        from engine.rigs.recruits import Recruits

        recruits = Recruits()
        fleet = Fleet(settings.rigs, journal, refused=settings.refused_rigs, crew=recruits)
        bench.cards, own = own_cards(fleet)
        bench.recruits = (recruits, *own)

    async def rig(command: Command, by: str) -> dict[str, Any]:
        return act(fleet, command.args, by)

    verbs["rig"] = rig
    return fleet


def act(fleet: Fleet, args: dict[str, Any], by: str) -> dict[str, Any]:
    """Do what a `rig` command asks; UsageError says what it takes."""
    given = {"action": None, "target": None, "reason": "", "hours": None, **args}
    unknown = sorted(set(given) - {"action", "target", "reason", "hours"})
    if unknown:
        raise UsageError(f"rig: unknown argument {unknown[0]!r}; it takes action, target, reason, hours")
    action, target, reason = given["action"], given["target"], given["reason"]
    if action not in ACTIONS:
        raise UsageError(f"rig: no action {action!r}; it takes {', '.join(ACTIONS)}")
    if not isinstance(target, str) or not isinstance(reason, str):
        raise UsageError("rig: target and reason are text")
    if action == "include":
        return fleet.include(target, reason[:200], by)
    if not reason:
        raise UsageError(f"rig {action}: say why: --reason 'loose riser'")
    if action in NOTED:
        fleet.look_again(target)  # what was refused may have come with the old version
        return {"target": target, "noted": action}
    if action == "fault":
        return fault(fleet, target, reason)
    return fleet.set_aside(
        target, reason[:200], by, seconds=_seconds(given["hours"]), drained=action == "drain"
    )


def fault(fleet: Fleet, target: str, what: str) -> dict[str, Any]:
    """Let a simulated rig or card fail; real ones are never touched."""
    inject = getattr(fleet, "inject", None)
    if inject is None:
        raise UsageError("rig fault: only in a simulated fleet (mimicry demo --fleet)")
    done: dict[str, Any] = inject(target, what)
    return done


def _seconds(hours: object) -> float | None:
    if hours is None:
        return None
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= MOST_HOURS:
        raise UsageError(f"rig: hours {hours!r}; a number above 0, at most {MOST_HOURS}")
    return hours * 3600.0
