"""Soaks by hand, from a console or a shell: which one runs, what came of its faults, start one, end it, fire a fault at it, compare two."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from engine.errors import UsageError
from engine.soak import kinds
from engine.soak.ground import FOLDER, ORDERS, REPORT, ROOM, STATUS, Ground, find, known
from state.errors import StateError
from state.files import make_folder, write_atomic
from state.journal import Journal

LOG = "started.log"
RECOVERIES = 30
"""Newest faults that are told."""
_STARTED: list[subprocess.Popen[bytes]] = []
"""Runners that this process has started; each look lets those go that have ended."""


def base(state: Path) -> Path:
    """Return the state directory whose soaks are meant: that of the operator, also for the daemon inside a soak."""
    return state.parents[2] if _inside(state) else state


def _inside(state: Path) -> bool:
    return state.name == ROOM and (state.parent / STATUS).is_file() and state.parent.parent.name == FOLDER


def running(state: Path) -> tuple[Ground, dict[str, Any]] | None:
    """Return the soak that runs, with its status: the one whose daemon this is, else the newest with a live runner."""
    _STARTED[:] = [runner for runner in _STARTED if runner.poll() is None]
    grounds = [Ground(state.parent)] if _inside(state) else reversed(known(state))
    for ground in grounds:
        told = status(ground)
        if told is not None and (_inside(state) or _alive(ground, told)):
            return ground, told
    return None


def status(ground: Ground) -> dict[str, Any] | None:
    """Return what a soak's runner last wrote about itself; None where there is nothing that can be read."""
    try:
        told = json.loads((ground.path / STATUS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) and told.get("schema") == "soak_status/1" else None


def _alive(ground: Ground, told: Mapping[str, Any]) -> bool:
    """Say whether a status is of a runner that lives: a number alone may be another process's by now."""
    try:
        words = Path(f"/proc/{int(told['pid'])}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return False
    return b"soak" in words and ground.id[0].encode() in words


def recoveries(ground: Ground) -> list[dict[str, Any]]:
    """Return the newest faults of a soak with how it came back from each, newest first."""
    try:
        with Journal.read_only(ground.path) as journal:
            found = journal.newest([kinds.RECOVERED], RECOVERIES)
    except StateError:
        return []
    names = ("n", "name", "t", "seconds", "holds", "findings", "skipped", "by")
    return [{name: event.data.get(name) for name in names} for event in found]


def start(state: Path, letter: str, options: Mapping[str, str]) -> dict[str, Any]:
    """Start a soak as a process of its own; it outlives whoever asked, and refuses what the command line would."""
    if _inside(state):
        raise UsageError("soak: this engine is inside a soak itself; start one from the room of an operator")
    if (now := running(state)) is not None:
        raise UsageError(f"soak: {now[0].id} runs; one at a time, each is to be measured alone")
    folder = state / FOLDER
    make_folder(folder, mode=0o700)
    words = [f"--{name}={value}" for name, value in options.items() if value]
    command = [sys.executable, "-m", "engine.cli", "--state", str(state), "soak", letter, *words]
    with (folder / LOG).open("ab") as log:
        runner = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    _STARTED.append(runner)
    return {"pid": runner.pid, "scenario": letter, "log": str(folder / LOG)}


def stop(state: Path) -> dict[str, Any]:
    """Ask the runner of the running soak to end; it can be resumed."""
    found = running(state)
    if found is None or _inside(state):
        raise UsageError("soak: none runs here that could be stopped")
    ground, told = found
    os.kill(int(told["pid"]), signal.SIGTERM)
    return {"soak": ground.id, "state": "ending", "resume": f"mimicry soak {ground.id[0]} --resume"}


def fire(state: Path, name: str, by: str) -> dict[str, Any]:
    """Ask the running soak for a fault beside its plan; its runner fires it as soon as nothing else is under way."""
    from engine.soak.faults.catalog import CATALOG

    found = running(state)
    if found is None:
        raise UsageError("soak: none runs here that a fault could be fired at")
    if name not in CATALOG:
        raise UsageError(f"soak: no fault {name!r}; there are {', '.join(CATALOG)}")
    folder = found[0].path / ORDERS
    make_folder(folder, mode=0o700)
    order = json.dumps({"name": name, "by": by}) + "\n"
    write_atomic(folder / f"{uuid4().hex}.json", order.encode())
    return {"soak": found[0].id, "fault": name, "state": "asked"}


def catalogue() -> list[dict[str, Any]]:
    """Return the faults that can be fired, what each needs and what must hold after it."""
    from engine.soak.faults.catalog import CATALOG

    return [
        {"fault": one.name, "needs": one.needs, "does": one.summary, "holds": one.holds, "held_s": one.hold_s,
         "settle_s": one.settle_s}
        for one in (made() for made in CATALOG.values())
    ]  # fmt: skip


def beside(state: Path, one: str, other: str) -> dict[str, Any]:
    """Return two soaks side by side: their gates, rates, probes and slopes."""
    from engine.soak.compare import compared
    from engine.soak.report import load

    return compared(*(load(find(base(state), name).path / REPORT) for name in (one, other)))
