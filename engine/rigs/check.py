"""Look one rig over for `mimicry doctor`: can it be entered, is it the right one, has it room to work. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import BadInput
from engine.rigs.connection import Rig, RigFault
from engine.rigs.facts import Facts, read_facts

ENOUGH_RAM = 1 << 30
ENOUGH_DISK = 2 << 30
OLDEST_PYTHON = (3, 11)
MOST_LOAD = 4.0
"""Load per core above which a rig is too busy to start workers on."""


@dataclass(frozen=True)
class Finding:
    """One check of one rig; `fix` is one thing to do, empty when all is well."""

    ok: bool
    what: str
    fix: str


async def check(rig: Rig) -> list[Finding]:
    """Connect if needed, read the facts once, and return what was found; a rig that was not connected is left so."""
    was_connected = rig.connected
    try:
        await rig.connect()
        facts = await read_facts(rig)
    except (RigFault, BadInput) as error:
        what, _, fix = str(error).partition("; ")
        return [Finding(False, what, fix)]
    finally:
        if not was_connected:
            await rig.close()
    reached = f"rig {rig.address}: reached, host key known, {facts.hostname}, {facts.cores} cores"
    return [Finding(True, reached, ""), *_room(rig.address.name, facts)]


def _room(name: str, facts: Facts) -> Iterator[Finding]:
    """Yield a finding for each thing that a worker needs."""
    ram, disk = facts.ram_free, facts.disk_free
    yield _judge(
        ram >= ENOUGH_RAM,
        f"rig {name}: {_gib(ram)} of {_gib(facts.ram_total)} RAM free",
        "end what fills its memory",
    )
    yield _judge(disk >= ENOUGH_DISK, f"rig {name}: {_gib(disk)} free on /", "free at least 2 GiB there")
    calm = facts.load <= MOST_LOAD * facts.cores
    yield _judge(
        calm,
        f"rig {name}: load {facts.load:.2f} on {facts.cores} cores",
        "see what runs there (top) before work starts",
    )
    version = ".".join(map(str, facts.python)) if facts.python else "none"
    fresh = facts.python is not None and facts.python >= OLDEST_PYTHON
    yield _judge(fresh, f"rig {name}: python3 {version}", "install Python 3.11 or newer on the rig")


def _judge(ok: bool, what: str, fix: str) -> Finding:
    return Finding(ok, what, "" if ok else fix)


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
