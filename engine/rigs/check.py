"""Look one rig over for `mimicry doctor`: can it be entered, has it room, python, GPUs, the right code, the right time. Changes nothing there."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from engine.compute.host import host_report
from engine.config import RigSettings
from engine.errors import BadInput, MimicryError
from engine.rigs.deploy import installed, library
from engine.rigs.facts import Facts, read_facts
from engine.rigs.faults import RigFault
from engine.rigs.guardlink import PROBE, SCRIPTS
from engine.rigs.life import reach_of
from engine.rigs.reach import Reach
from engine.rigs.reading import Reading, parse_reading

ENOUGH_RAM = 1 << 30
ENOUGH_DISK = 2 << 30
OLDEST_PYTHON = (3, 11)
MOST_LOAD = 4.0
"""Load per core above which a rig is too busy to start workers on."""
MOST_CLOCK = 2.0
TELL = (
    "import numpy, distributed; from engine.compute.host import host_report; one = host_report(self_test=False); "
    "print(numpy.__version__, distributed.__version__, one.digest, one.code)"
)
"""What the rig's python says of the code that `rig deploy` put there."""


@dataclass(frozen=True)
class Finding:
    """One check of one rig; `fix` is one thing to do, empty when all is well."""

    ok: bool
    what: str
    fix: str
    optional: bool = False


async def check(settings: RigSettings, reach: Reach | None = None, roots: tuple[str, ...] = ("/sys", "/proc", "nvidia-smi")) -> list[Finding]:  # fmt: skip
    """Connect if needed, look, and return what was found; a rig that was not connected is left so."""
    rig = reach or reach_of(settings)
    was_connected = rig.connected
    found: list[Finding] = []
    try:
        await rig.connect()
        async for finding in _look(rig, settings, roots):
            found.append(finding)
    except (RigFault, BadInput) as error:
        what, _, fix = str(error).partition("; ")
        found.append(Finding(False, what, fix))
    finally:
        if not was_connected:
            await rig.close()
    return found


async def _look(rig: Reach, settings: RigSettings, roots: tuple[str, ...]) -> AsyncIterator[Finding]:
    facts = await read_facts(rig)
    where = f"{settings.user}@{settings.host}: reached, host key known" if settings.remote else "this machine"
    yield Finding(True, f"{where}, {facts.hostname}, {facts.cores} cores", "")
    for finding in _room(facts):
        yield finding
    version = await _python(rig, settings)
    fresh = version is not None and version >= OLDEST_PYTHON
    said = ".".join(map(str, version)) if version else "does not run"
    yield _judge(
        fresh, f"{settings.python} {said}", "install Python 3.11 or newer there, or set `python` in room.toml"
    )
    if not fresh:
        return
    reading = await _reading(rig, settings, roots)
    for finding in _cards(settings, reading):
        yield finding
    async for finding in _code(rig, settings):
        yield finding


def _room(facts: Facts) -> list[Finding]:
    ram, disk, calm = facts.ram_free, facts.disk_free, facts.load <= MOST_LOAD * facts.cores
    return [
        _judge(ram >= ENOUGH_RAM, f"{_gib(ram)} of {_gib(facts.ram_total)} RAM free", "end what fills its memory"),
        _judge(disk >= ENOUGH_DISK, f"{_gib(disk)} free on /", "free at least 2 GiB there"),
        _judge(calm, f"load {facts.load:.2f} on {facts.cores} cores", "see what runs there (top) before work starts"),
    ]  # fmt: skip


async def _python(rig: Reach, settings: RigSettings) -> tuple[int, ...] | None:
    code = "import sys; print(*sys.version_info[:3])"
    done = await rig.run(f"{shlex.quote(settings.python)} -I -c {shlex.quote(code)}")
    parts = done.stdout.split()
    return tuple(map(int, parts)) if done.code == 0 and len(parts) == 3 else None


async def _reading(rig: Reach, settings: RigSettings, roots: tuple[str, ...]) -> Reading:
    """Return one reading of the probe, pushed for this once; it needs SFTP and a staging folder that can be written."""
    folder = f"{settings.staging}/mimicry-check-{secrets.token_hex(6)}"
    await rig.push(folder, {name: (SCRIPTS / name).read_bytes() for name in PROBE})
    words = shlex.join([*roots, settings.staging, "/"])
    done = await rig.run(
        f"{shlex.quote(settings.python)} -I {folder}/probe.py {words}; rm -rf {folder}", within=30
    )
    return parse_reading(done.stdout)


def _cards(settings: RigSettings, reading: Reading) -> list[Finding]:
    """Judge drivers, the cards that room.toml names, and the clock."""
    known = {card.pci for card in reading.cards}
    named = set(known if settings.gpus == "auto" else settings.gpus)
    lost = [card.pci for card in reading.cards if card.lost or card.driver is None]
    off = abs(reading.host.clock - time.time())
    drivers = sorted({f"{card.driver} (by {card.source})" for card in reading.cards if card.driver})
    found = [
        _judge(bool(drivers) and not lost, f"driver {', '.join(drivers) or 'none'}" + (f", not for {', '.join(lost)}" if lost else ""),
               "load the driver (modprobe amdgpu, or nvidia) and read dmesg"),
        _judge(bool(known) and named <= known, f"{len(known)} GPUs on the bus" + (f", {', '.join(sorted(named - known))} missing" if named - known else ""),
               "reseat the card or its riser; `lspci -D` shows the addresses for `gpus` in room.toml"),
        _judge(off <= MOST_CLOCK, f"clock {off:.1f} s off", "switch on time synchronisation there (timedatectl set-ntp true)"),
        _judge(reading.kernel_log, "kernel log readable" if reading.kernel_log else "kernel log not readable",
               "sysctl kernel.dmesg_restrict=0, or the record of a death lacks its kernel lines", optional=True),
    ]  # fmt: skip
    return found + [Finding(False, error, "run it there by hand") for error in reading.errors]


async def _code(rig: Reach, settings: RigSettings) -> AsyncIterator[Finding]:
    """Judge what `rig deploy` put there: present, whole, importable, with our kernels."""
    deploy = f"mimicry rig deploy {settings.name} --wheels DIR"
    if not settings.remote:
        return
    try:
        there = await installed(rig, settings)
    except MimicryError as error:
        yield Finding(False, str(error), deploy)
        return
    if there["current"] is None:
        yield Finding(False, "no code deployed", deploy)
        return
    yield _judge(
        bool(there["whole"]),
        f"code {there['current'][:12]}" + ("" if there["whole"] else ": files changed"),
        deploy,
    )
    done = await rig.run(
        f"PYTHONPATH={library(settings)} {shlex.quote(settings.python)} -c {shlex.quote(TELL)}", within=60
    )
    said = done.stdout.split()
    if done.code or len(said) != 4:
        last = (done.stderr.strip().splitlines() or ["it does not import"])[-1]
        yield Finding(False, f"packages: {last[:120]}", deploy)
        return
    yield Finding(True, f"packages numpy {said[0]}, distributed {said[1]}", "")
    for what, theirs, ours in zip(("kernels", "version"), said[2:], _ours(), strict=True):
        other = "" if theirs == ours else f", ours is {ours[:12]}: its workers are refused"
        yield _judge(theirs == ours, f"{what} {theirs[:12]}{other}", deploy)


def _ours() -> tuple[str, str]:
    """Return what a worker's report is held against: the digests of our kernels and of the code around them."""
    report = host_report(self_test=False)
    return report.digest, report.code


def _judge(ok: bool, what: str, fix: str, *, optional: bool = False) -> Finding:
    return Finding(ok, what, "" if ok else fix, optional)


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
