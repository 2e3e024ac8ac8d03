"""One rig's life: connect, sweep, guard, workers, one slow poll; and all of it again, a little later each time, when the link is lost."""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from engine.config import RigSettings
from engine.errors import BadInput, EnvironmentFault
from engine.rigs.address import Address
from engine.rigs.attempt import Attempt, Gate
from engine.rigs.connection import Rig, Tunnel
from engine.rigs.faults import HostKeyRefused, LinkFault, LoginRefused, RigFault
from engine.rigs.guardlink import Event, GuardLink, Terms
from engine.rigs.here import Here
from engine.rigs.machine import Machine
from engine.rigs.payload import Crew
from engine.rigs.reach import Reach
from engine.rigs.reading import parse_reading
from engine.rigs.rules import Change
from engine.rigs.staging import Stage
from engine.rigs.worker import RigWorker

logger = logging.getLogger(__name__)

FIRST_RETRY = 2.0
AWAY, AILING, SHUT = 15.0, 30.0, 300.0
"""Seconds before the next try at most: to a rig that is not reached, which costs it nothing and shall work soon after its return; to one that is
reached and does not come up, which costs it up to three calls; to one that refuses us, where somebody has to act and who knocks often is banned.
"""
SLOWEST_POLL = 300.0
FAREWELL = 5.0
"""Seconds that keepers of workers have to end by themselves once the guard is gone."""
PROBE_LIMIT = 20.0
UNCHARGED = ("link", "quarantined", "drained", "rig ", "killed by the coordinator", "the link")
"""How the cause of a death begins that is not its card's fault."""


def reach_of(settings: RigSettings) -> Reach:
    """Return the way to a rig."""
    if not settings.remote:
        return Here(settings.name)
    key = settings.key or Path("key-is-not-set")
    known = settings.known_hosts or Path("known_hosts-is-not-set")
    return Rig(
        Address(settings.name, settings.host, known, key, settings.user, settings.port, settings.host_keys)
    )


def terms_of(settings: RigSettings) -> Terms:
    """Return the terms on which workers live on a rig."""
    return Terms(
        python=settings.python,
        staging=settings.staging,
        slots=settings.stagger,
        delay=settings.stagger_delay_s,
        reserve=settings.ram_reserve_mb << 20,
    )


class Life:
    """Keeps one rig up. `told` takes alerts, `ended` every attempt of a worker."""

    def __init__(
        self, machine: Machine, *, crew: Crew | None, told: Callable[[Sequence[Change]], None],
        ended: Callable[[Attempt], None], reach: Reach | None = None, terms: Terms | None = None,
        roots: Sequence[str] = ("/sys", "/proc", "nvidia-smi"), stage: Stage | None = None,
    ) -> None:  # fmt: skip
        """`stage` is shared by all rigs of a fleet. `roots`: where the probe finds sysfs, procfs and nvidia-smi, so that a test can give others."""
        self.machine = machine
        self.workers: dict[int, RigWorker] = {}
        self._settings = machine.settings
        self.reach, self.terms = reach or reach_of(self._settings), terms or terms_of(self._settings)
        self._crew, self._told, self._ended_at, self._roots = crew, told, ended, roots
        self._stage = stage or Stage()
        self.link: GuardLink | None = None
        self._gate = Gate(self.terms.slots)
        self._tunnels: dict[int, asyncio.Future[Tunnel]] = {}
        self._retry, self._slowest = FIRST_RETRY, AWAY
        machine.calls = self.reach.calls.last_minute

    async def run(self) -> None:
        """Keep the rig up for ever; cancel to end it and everything on it. It may be run again, also on another loop."""
        self._gate, self.workers = Gate(self.terms.slots), {}
        try:
            while True:
                try:
                    await self._once()
                except (HostKeyRefused, LoginRefused) as error:
                    self._slowest = SHUT
                    self._lost(str(error))
                except (RigFault, BadInput) as error:
                    self._lost(str(error))
                except Exception as error:
                    logger.exception("rig %s", self._settings.name)
                    self._lost(f"rig {self._settings.name}: {type(error).__name__}: {error}; see the log")
                self._retry = min(self._retry, self._slowest)
                await asyncio.sleep(self._retry)
                self._retry *= 2
        finally:
            await self._leave()

    async def _once(self) -> None:
        """Live through one connection."""
        self.machine.link, self._slowest = "connecting", AWAY
        try:
            await self.reach.connect()
            self._slowest = AILING
            self.link = await GuardLink.open(self.reach, self.terms, self._on_event)
            await self._poll()
            self.machine.link, self.machine.error, self._retry = "up", "", FIRST_RETRY
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(work) for work in (self._polls(), self._sweep())]
                keepers = self._keep(group)
                await self.link.closed.wait()
                if keepers:  # they end by themselves, each with its record, unless the rig holds one up
                    await asyncio.wait(keepers, timeout=FAREWELL)
                for task in (*beside, *keepers):
                    task.cancel()
            raise BadInput(f"rig {self._settings.name}: lost: {self.link.why}")
        except BaseExceptionGroup as group_error:
            raise group_error.exceptions[0] from group_error
        finally:
            await self._leave()

    def _keep(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Start keeping a worker per card, if anything computes."""
        if self._crew is None or self.link is None:
            return []
        for seat in self.machine.seats:
            if seat.slot not in self.workers:
                self.workers[seat.slot] = self._worker(seat.slot, seat.pci)
                self._crew.offer(self.workers[seat.slot].place)
        self.machine.workers = self.workers
        return [group.create_task(worker.keep(self.link, self._tunnel)) for worker in self.workers.values()]

    # -- staged files -------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Return the rig's name."""
        return self._settings.name

    async def _sweep(self) -> None:
        """Remove the staged files that nobody needs any more, and let the crew stage what it needs; workers start meanwhile."""
        if self._crew is None:
            return
        try:
            terms = self.terms
            await self._stage.sweep(self.reach, terms.python, terms.staging, keep=self._crew.wanted())
        except EnvironmentFault as error:
            # It works without staged files, and whoever needs one is told the same.
            logger.warning("%s", error)
        self._crew.reached(self)

    async def stage(self, files: Mapping[str, Path], keep: Collection[str]) -> None:
        """See that the rig has these files whole."""
        terms = self.terms
        await self._stage.put(self.reach, terms.python, terms.staging, files, keep)

    async def _tunnel(self, port: int) -> int:
        """Return the rig's port that leads to our `port`; one tunnel per port and connection."""
        if port not in self._tunnels:
            self._tunnels[port] = asyncio.ensure_future(self.reach.tunnel_in(port))
        return (await asyncio.shield(self._tunnels[port])).port

    def _worker(self, slot: int, pci: str) -> RigWorker:
        assert self._crew is not None
        return RigWorker(
            self.reach, self.terms, slot, pci, backend=self._settings.backend, env=self._env(), crew=self._crew,
            gate=self._gate, held=lambda: self._held(slot, pci), ended=self._ended,
            number=lambda: self.machine.number(pci),
        )  # fmt: skip

    def _env(self) -> dict[str, str]:
        """Return the workers' environment; our code is what `rig deploy` put there, unless room.toml says otherwise."""
        folder = self._settings.deploy_to
        code = f"{folder if folder.startswith('/') else f'~/{folder}'}/current/lib"
        return {"PYTHONPATH": code, **self._settings.env}

    def _held(self, slot: int, pci: str) -> tuple[bool, str] | None:
        """Return why a worker may not run; for RAM, and a card that is not read, only a start is put off, what runs goes on."""
        held = self.machine.held(pci)
        if held is None and self.workers[slot].pid is None:
            if self.machine.number(pci) is None:
                return True, "its driver does not answer: another card would be taken for it"
            short = self.machine.short_of_ram(self._settings.worker_ram_mb << 20)
            return None if short is None else (True, short)
        return held

    def _ended(self, attempt: Attempt) -> None:
        self._ended_at(attempt)
        if not attempt.cause.startswith(UNCHARGED):
            self._told(self.machine.died(attempt.pci))

    def _on_event(self, event: Event) -> None:
        slot = str(event.get("name", "")).removeprefix("gpu")
        if slot.isdigit() and int(slot) in self.workers:
            self.workers[int(slot)].take(event)
        elif event.get("event") == "refused":
            logger.error("rig %s: %s", self._settings.name, event.get("why"))

    # -- the poll -----------------------------------------------------------------------------------------------------

    async def _polls(self) -> None:
        """Ask for readings, one after the other; an answer out of form is an error to see, not an end."""
        failures = 0
        while True:
            await asyncio.sleep(min(self._settings.poll_s * 2**failures, SLOWEST_POLL))
            try:
                await self._poll()
                failures, self.machine.error = 0, ""
            except (BadInput, RigFault) as error:
                failures = min(failures + 1, 8)
                self.machine.error = str(error)
                self._told(self.machine.silent())

    async def _poll(self) -> None:
        assert self.link is not None
        python, roots = shlex.quote(self.terms.python), shlex.join(self._roots)
        done = await self.reach.run(
            f"{python} -I {self.link.run}/probe.py {roots} {shlex.quote(self.terms.staging)} /",
            within=PROBE_LIMIT,
        )
        if done.code and self.link.closed.is_set():
            raise LinkFault(f"rig {self._settings.name}: lost: {self.link.why}")  # and its folder with it
        if done.code:
            last = "".join(done.stderr.strip().splitlines()[-1:])
            raise BadInput(
                f"rig {self._settings.name}: the probe failed: {last[:200]}; check `python` in room.toml"
            )
        self._told(self.machine.take(parse_reading(done.stdout)))

    # -- the end ------------------------------------------------------------------------------------------------------

    def halt(self, generation: int) -> None:
        """Tell every worker of this rig to stop now."""
        if self.link is not None and not self.link.closed.is_set():
            self.link.send(op="halt", halt=generation)

    def _lost(self, why: str) -> None:
        if self.machine.link == "up":
            self.machine.drops += 1
        self.machine.link, self.machine.error = "down", why
        logger.warning("%s", why)
        self._told(self.machine.silent())

    async def _leave(self) -> None:
        """End the guard, and with it all that runs there, and let go of the rig."""
        link, self.link = self.link, None
        for tunnel in self._tunnels.values():
            tunnel.cancel()
        self._tunnels.clear()
        try:
            if self._crew is not None:
                self._crew.lost(self)
            if link is not None:
                await link.close()
        finally:  # the guard reads end of file at the latest
            await self.reach.close()
