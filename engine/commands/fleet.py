"""Verbs: the machines and GPUs of the room, who is set aside, what is put on a rig, and the first room.toml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.commands.listing import LISTING, listing
from engine.commands.options import JSON
from engine.commands.talk import call, show, write_file
from engine.commands.verb import Arguments, Verb
from engine.errors import EnvironmentFault, MimicryError, UsageError

if TYPE_CHECKING:
    from engine.rigs.deploy import Deployed

REASON_KEPT = 500


def rigs(arguments: Arguments) -> int:
    """List the rigs: reached or not, GPUs well, memory, load, what is set aside and why."""
    return listing(arguments, "rigs")


def gpus(arguments: Arguments) -> int:
    """List the GPUs: state, use, temperatures, link, faults, deaths, and the age of each reading."""
    return listing(arguments, "gpus")


def deaths(arguments: Arguments) -> int:
    """List how workers on rigs ended: code, first cause, last words, what the kernel said."""
    return listing(arguments, "deaths")


def rig(arguments: Arguments) -> int:
    """Set a rig or a card aside, let it work again, or put the worker's code on a rig."""
    if arguments.action == "deploy":
        return _deploy(arguments)
    if arguments.wheels is not None or arguments.rollback:
        raise UsageError(f"rig {arguments.action}: --wheels and --rollback belong to rig deploy")
    data = call(
        arguments,
        "rig",
        action=arguments.action,
        target=arguments.target,
        reason=arguments.reason,
        hours=arguments.hours,
    )
    return show(arguments, data, lambda: _done(arguments.action, data))


def init(arguments: Arguments) -> int:
    """Write a commented room.toml, or the unit of a systemd service; a file that is there already is never touched."""
    if arguments.systemd:
        return _unit(arguments)
    from engine.rigs.example import ROOM

    target = Path(arguments.file) if arguments.file else arguments.state / "room.toml"
    if target.exists():
        raise UsageError(f"init: {target} is there already; give another file, or edit it")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # as the engine makes it
    write_file(target, ROOM, option="init")
    data = {"file": str(target)}
    return show(arguments, data, lambda: f"wrote {target}; edit it, then: mimicry doctor")


def _unit(arguments: Arguments) -> int:
    from engine.errors import EnvironmentFault
    from engine.observe.unit import default_path, unit

    scope = arguments.systemd
    target = Path(arguments.file) if arguments.file else default_path(scope)
    if target.exists():
        raise UsageError(f"init: {target} is there already; give another file, or edit it")
    text = unit(scope, arguments.state, arguments.config)
    try:
        arguments.state.mkdir(parents=True, exist_ok=True, mode=0o700)  # the unit's working directory
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFault(f"init: {error.filename}: {error.strerror}") from error
    write_file(target, text, option="init")
    manage = "systemctl --user" if scope == "user" else "systemctl"
    told = f"wrote {target}; next: {manage} daemon-reload && {manage} enable --now mimicry"
    if scope == "user":
        told += "\nto keep it running after you log out: loginctl enable-linger"
    return show(arguments, {"file": str(target), "scope": scope}, lambda: told)


def _deploy(arguments: Arguments) -> int:
    from engine.commands.settings import room_settings
    from engine.rigs.deploy import Bundle, deploy, rollback
    from engine.running import run

    settings = room_settings(arguments)
    named = [one for one in settings.rigs if one.name == arguments.target]
    if not named:
        why = [line for line in settings.refused_rigs if line.startswith(f"rig {arguments.target}: ")]
        known = "; ".join([", ".join(one.name for one in settings.rigs) or "none", *why])
        raise UsageError(f"rig deploy: no rig {arguments.target!r} in room.toml; it names {known}")
    if arguments.rollback == (arguments.wheels is not None):
        raise UsageError("rig deploy: give --wheels DIR (pip wheel . -w DIR makes it), or --rollback")
    if arguments.rollback:
        done = _on_record(arguments, "rollback", "the version before", lambda: run(rollback(named[0])))
    else:
        bundle = Bundle.of(Path(arguments.wheels))
        done = _on_record(arguments, "deploy", bundle.digest, lambda: run(deploy(named[0], bundle)))
    return show(arguments, done.record(), done.text)


def _on_record(arguments: Arguments, action: str, what: str, work: Callable[[], Deployed]) -> Deployed:
    """Do work on a rig between two records: who begins it, without which nothing is touched, and how it ended."""
    from engine.acts import leave

    def note(outcome: str, fault: str) -> None:
        reason = f"{what}: {outcome}"[:REASON_KEPT]
        try:
            leave(arguments.state, "rig", action=action, target=arguments.target, reason=reason)
        except EnvironmentFault as error:
            raise EnvironmentFault(f"rig {arguments.target}: {fault}: {error}") from error

    note("begins", f"no {action}, for who does it could not be recorded")
    try:
        done = work()
    except MimicryError as error:
        note(f"failed: {error}", f"{error}; and that could not be recorded")
        raise
    note(f"done, current {done.current}", f"{action} done, but its end could not be recorded")
    return done


def _done(action: str, data: dict[str, Any]) -> str:
    if action == "include":
        return f"{data['target']} included" if data["included"] else f"{data['target']} was not set aside"
    if action == "fault":
        return f"{data['target']}: {data['fault']} (simulated)"
    return f"{data['target']} {data['state']}" + ("" if data["until"] is None else " for a while")


VERBS: tuple[Verb, ...] = (
    Verb("rigs", rigs, "the machines: reached, GPUs well, memory, load, why not", LISTING),
    Verb("gpus", gpus, "the GPUs: state, temperatures, link, faults, deaths", LISTING),
    Verb("deaths", deaths, "how workers on rigs ended, and why", LISTING),
    Verb("rig", rig, "quarantine, drain, include a rig or card; deploy to a rig", [
        (("action",), {"choices": ["quarantine", "drain", "include", "deploy", "fault"], "help": "fault: simulated fleets only"}),
        (("target",), {"metavar": "NAME[/PCI]", "help": "a rig, or one card of it: rig-6600b/0f:00.0, rig-6600b/5"}),
        (("--reason",), {"default": "", "help": "why; shown wherever the card is (of a fault: its name)"}),
        (("--hours",), {"type": float, "default": None, "help": "how long; without it until include"}),
        (("--wheels",), {"default": None, "metavar": "DIR", "help": "deploy: the wheels of mimicry and what it needs"}),
        (("--rollback",), {"action": "store_true", "help": "deploy: go back to what was there before"}),
        JSON,
    ]),
    Verb("init", init, "write a commented room.toml, or a systemd unit", [
        (("file",), {"nargs": "?", "default": None, "metavar": "FILE", "help": "default: room.toml in the state directory; with --systemd where systemd looks"}),
        (("--systemd",), {"nargs": "?", "const": "user", "default": None, "choices": ["user", "system"], "help": "write a service with a watchdog instead: your own (default), or the machine's"}),
        JSON,
    ]),
)  # fmt: skip
