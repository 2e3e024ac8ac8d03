"""The composition root: opens the journal, builds the services, runs them, serves the socket, ends at a checkpoint.

Headless. Imports neither a terminal toolkit nor, before the first work, anything of ML, Dask or numpy.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine import logs, status
from engine.alerts.rules import Sight, rules
from engine.alerts.service import watch
from engine.alerts.webhook import Webhook
from engine.board import Board
from engine.compute.stop import NAME as STOP_WORD
from engine.compute.stop import StopWord
from engine.config import FILE_NAME, Settings, load
from engine.desk import Desk, Shelf
from engine.dispatch.autonomy import Autonomy
from engine.dispatch.dispatcher import Dispatcher
from engine.dispatch.told import of_loop
from engine.errors import Exit
from engine.feedback.acceptance import Acceptance
from engine.feedback.consult import Consultant
from engine.feedback.epochs import Epochs
from engine.feedback.intake import Intake
from engine.halt import Halt
from engine.journals import opened
from engine.live import Live
from engine.llm.advisor import Advisor, NoAdvisor
from engine.llm.record import SWITCH_EVENT
from engine.observe.lookout import Lookout
from engine.parameters import REGISTRY, Parameters
from engine.protocol import Snapshot
from engine.secrets import cleaned, secrets_of
from engine.server import Server
from engine.supervise import Supervisor
from engine.verbs import Verbs, add_operator_entry
from engine.vitals.heap import settle
from engine.vitals.probes import Lag, Probe, watch_lag
from engine.vitals.sampler import Sampler
from engine.watcher.fingerprints import Fingerprints
from engine.watcher.policies import DEFAULTS
from engine.watcher.watcher import BY as WATCHER
from engine.watcher.watcher import Watcher
from engine.workbench import Workbench
from state.journal import Journal
from state.mirrors import Mirrors

if TYPE_CHECKING:
    from engine.server import Handler
    from state.halts import HaltRow

logger = logging.getLogger("mimicry.room")
CHECKPOINT_SECONDS = 8.0
FORCED_SECONDS = 3.0
MIRROR_PAUSE = 0.2


def serve(state: Path, *, config: Path | None = None, demo: bool = False, simulated: bool = False) -> int:
    """Run the daemon in the foreground; `config` is a room.toml (default: the one in the state directory, if any)."""
    _leave_stacks()
    if not settle():
        logger.info(
            "this C library's allocator takes no orders; memory that is free may stay with the engine"
        )
    own = state / FILE_NAME
    path = config if config is not None else own if own.exists() else None
    return asyncio.run(run(state, load(path), demo=demo, simulated=simulated))


def _leave_stacks() -> None:
    """Have a crash in native code, and the service manager's SIGABRT, leave every thread's stack; SIGUSR1 asks for them."""
    with contextlib.suppress(
        RuntimeError, OSError
    ):  # there is nowhere to write to: no stderr, or one without a file
        faulthandler.enable()
        faulthandler.register(signal.SIGUSR1)


async def run(state: Path, settings: Settings, *, demo: bool = False, simulated: bool = False) -> int:
    """Run one room until it is told to stop; return the exit code. Raises MimicryError where it cannot start."""
    if demo or simulated:
        both = {
            "test_mode": True,
            "synthetic_injection": settings.synthetic_injection.model_copy(update={"enabled": True}),
        }
        settings = settings.model_copy(update=both)
    secrets = secrets_of(((key, value) for key, value, _ in settings.described()), os.environ)
    with (
        opened(state) as journal, StopWord(state / STOP_WORD) as word, logs.to_file(state, secrets) as log,
    ):  # fmt: skip
        room = Room(state, settings, journal, word, demo=demo, simulated=simulated, log=log, secrets=secrets)
        return await room.live()


class Room:
    """One state directory's services."""

    def __init__(
        self,
        state: Path,
        settings: Settings,
        journal: Journal,
        word: StopWord,
        *,
        demo: bool,
        simulated: bool = False,
        log: logs.LogFile | None = None,
        secrets: Sequence[str] = (),
    ) -> None:
        """Build everything; nothing runs yet."""
        self._state, self._settings, self._journal, self._word = state, settings, journal, word
        self._loop = asyncio.get_running_loop()
        self._draws_came, self._news, self._end = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._demo, self._simulated = demo, simulated
        self.desk = self._desk()
        self.autonomy = Autonomy(self.desk, lambda: self.watcher.wake())
        self._consultant = Consultant(
            self.desk.advisor,
            journal,
            self.desk.parameters,
            self.autonomy.risky.ask,
            lambda: of_loop(self.desk),
        )
        self.queue = self.autonomy.queue
        self.watcher = Watcher(
            journal,
            self.desk.halt,
            self.queue,
            self.desk.board,
            Dispatcher(self.desk),
            escalated=self.autonomy.overrules.escalated,
        )
        self._lag = Lag()
        self._lookout = Lookout(settings.observe, state, journal.append, self._sight, log)
        self._sampler = Sampler(Probe(state, journal.wal_bytes, self._lag), journal.samples, self._rates)
        self._supervisor = Supervisor(self._service_failed)
        self._secrets = secrets
        self._live = status.Live(started=time.monotonic(), test_mode=self.desk.board.test_mode)
        self._host = status.host_name()
        hook = settings.alerts.webhook
        self._webhook = Webhook(hook, self._host, journal) if hook else None
        verbs = {
            **Verbs(self.desk, self.queue, self.watcher, self.stop).table(),
            **self.autonomy.verbs(),
        }
        self._join_fleet(verbs)
        self._server = Server(state, journal, self.desk.halt, self.snapshot, verbs)
        self._services()

    def _desk(self) -> Desk:
        halt = Halt(self._journal, self._word)
        compute, shelf = self._settings.compute, Shelf(self._state, self._journal)
        return Desk(
            state=self._state,
            settings=self._settings,
            journal=self._journal,
            halt=halt,
            bench=Workbench(
                self._state,
                workers=compute.workers,
                memory_mb=compute.memory_mb,
                hung_s=compute.hung_s,
                idle_seconds=compute.idle_release_s,
            ),
            shelf=shelf,
            intake=Intake(self._state, self._journal, self._told_of_draws),
            parameters=Parameters(self._journal.parameters, REGISTRY),
            policies=DEFAULTS,
            fingerprints=Fingerprints(self._journal),
            advisor=self._advisor(),
            acceptance=Acceptance(self._journal, self._state / "policy_history", shelf.artifacts),
            epochs=Epochs(self._journal),
            board=Board(test_mode=self._settings.testing),
        )

    def _advisor(self) -> Advisor:
        """Return the advisor that the settings ask for; one whose library is missing is silent and says so."""
        asked = self._settings.llm
        if not asked.command and not asked.cloud:
            return NoAdvisor()
        try:
            from engine.llm.router import Router
        except ImportError as error:
            return NoAdvisor(f"{error.name} is missing: make install EXTRAS=room")
        last = self._journal.last([SWITCH_EVENT])
        off = str(last.data["off"]) if last is not None else ""
        return Router(asked, self._state, lambda kind, data: self._journal.append(kind, data), off=off)

    # -- life ---------------------------------------------------------------------------------------------------------

    async def live(self) -> int:
        """Serve until told to stop, then end at a checkpoint; return the exit code."""
        self._journal.listen(lambda _: self._call(self._news.set))
        self.desk.halt.listen(lambda row: self._call(self._halt_changed, row))
        self._sampler.look()
        await self._server.start()
        self._catch_signals()
        self._lookout.begin()
        logger.info("room open: pid %d, state %s", os.getpid(), self._state)
        print(
            f"mimicry: engine running, pid {os.getpid()}, state {self._state}; stop: Ctrl-C or `mimicry stop`",
            file=sys.stderr,
        )
        services = asyncio.create_task(self._supervisor.run())
        services.add_done_callback(
            lambda _: self._end.set()
        )  # a room whose services are gone must not look alive
        try:
            await self._end.wait()
            if services.done():
                services.result()
            await self._reach_checkpoint()
        finally:
            services.cancel()
            await asyncio.gather(services, return_exceptions=True)
            await self._server.close()
            await self._close()
            await self._lookout.end()
        logger.info("room closed")
        return int(Exit.OK)

    def _services(self) -> None:
        add, settings = self._supervisor.add, self._settings
        add("watcher", self.watcher.serve)
        live = Live(self.desk, self.queue, self._consultant, self._draws_came, self.watcher.wake)
        add("feedback", live.serve)
        add("reacquirer", live.reacquire)
        add("consultant", self._consultant.serve)
        add("mirrors", self._mirrors)
        add("sampler", self._sampler.run)
        add("lag", lambda: watch_lag(self._lag))
        add("alerts", lambda: watch(self.desk.alerts, rules(settings.alerts), self._sight))
        if self._webhook is not None:
            add("webhook", self._webhook.serve)
        add("workers", self.desk.bench.run)
        for name, service in {**self.autonomy.services(), **self._lookout.services()}.items():
            add(name, service)
        add("advisor", self.desk.advisor.serve)
        if self._demo:
            from engine.demo import Demo

            add("demo", Demo(self._state, self.desk.intake, settings.demo).serve)

    def _join_fleet(self, verbs: dict[str, Handler]) -> None:
        """Take the rigs in, if any are named; without them nothing of it is imported."""
        if not (self._settings.rigs or self._settings.refused_rigs or self._simulated):
            return
        from engine.rigs.verbs import join

        self.desk.fleet = join(
            self._settings, self._journal, self.desk.bench, verbs, simulated=self._simulated
        )
        self.desk.halt.listen(self._halt_rigs)
        self._supervisor.add("fleet", self.desk.fleet.run)

    def _halt_rigs(self, row: HaltRow | None) -> None:
        """Tell the rigs of a halt, in the thread that asks for it: a stalled loop must not delay it."""
        if self.desk.fleet is not None and row is not None and row.kind == "now":
            self.desk.fleet.halt(self._word.generation())

    def stop(self) -> None:
        """Begin the end: no new work, the running one stops at its checkpoint. A second call stops it now."""
        if self.desk.board.stopping:
            logger.warning("asked to stop again: stopping now")
            self._word.bump()
        self.desk.board.stopping = True
        self._lookout.stopping()
        self.desk.advisor.cancel("the room ends")
        self.watcher.wake()
        self._end.set()

    async def _reach_checkpoint(self) -> None:
        """Wait for the work to reach its checkpoint; past its time kernels are told to stop, finished pieces are kept."""
        for seconds, force in ((CHECKPOINT_SECONDS, True), (FORCED_SECONDS, False)):
            try:
                async with asyncio.timeout(seconds):
                    await self.watcher.ended.wait()
                return
            except TimeoutError:
                if force:
                    self._word.bump()
        logger.error("work did not end within %.0f s; it is cut off", CHECKPOINT_SECONDS + FORCED_SECONDS)

    async def _close(self) -> None:
        await self.desk.bench.close()
        await self.desk.advisor.close()
        self.desk.intake.close()
        await asyncio.to_thread(Mirrors.standard(self._state, self._journal).pump)

    def _catch_signals(self) -> None:
        for name in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(name, self.stop)

    def _call(self, function: object, *args: object) -> None:
        """Call on the loop, from any thread; silently too late once the loop has ended."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *args)  # type: ignore[arg-type]

    # -- services -----------------------------------------------------------------------------------------------------

    async def _mirrors(self) -> None:
        """Write what is new into the files that people tail, shortly after it is on record."""
        mirrors = Mirrors.standard(self._state, self._journal)
        while True:
            self._news.clear()
            await asyncio.to_thread(mirrors.pump)
            await self._news.wait()
            await asyncio.sleep(MIRROR_PAUSE)

    def _told_of_draws(self) -> None:
        self._call(self._draws_came.set)

    def _service_failed(self, name: str, error: str) -> None:
        told = cleaned(error, self._secrets)
        self._journal.append(status.ALERT, {"level": "fail", "text": f"service {name} failed: {told}"})

    def _halt_changed(self, row: HaltRow | None) -> None:
        """Put an operator's halt beside the decisions, once; the watcher's own halts have their decision already."""
        self.watcher.wake()
        if row is not None:
            self.desk.advisor.cancel(f"halted: {row.reason}")
        if row is not None and row.reached is None and row.by != WATCHER and not self.desk.board.stopping:
            add_operator_entry(self.desk, "HALT", f"{row.kind}: {row.reason}", row.by)

    # -- what viewers see ---------------------------------------------------------------------------------------------

    def _rates(self) -> dict[str, float]:
        rate = self.desk.bench.rate()
        told = self._lookout.readings() | self.autonomy.house.readings()
        return told | ({} if rate is None else {"compute.rate": rate})

    def _sight(self) -> Sight:
        last = self._sampler.last
        return Sight(self.snapshot(), (last.samples() if last else {}) | self._rates())

    def snapshot(self) -> Snapshot:
        """Return the snapshot of this moment; called on the loop."""
        live, board = self._live, self.desk.board
        live.stopping, live.working = board.stopping, board.request is not None
        live.starting = self._supervisor.states["watcher"].state == "waiting"
        live.degraded = [
            *self._supervisor.degraded(),
            *self.desk.parameters.refused,
            *self.autonomy.degraded(),
            *self.desk.advisor.degraded(),
            *self.desk.bench.degraded(),
            *(self._webhook.degraded if self._webhook else []),
            *self._consultant.degraded(),
            *self._lookout.degraded(),
        ]
        if self.desk.fleet is not None:
            live.degraded, live.rigs = [*live.degraded, *self.desk.fleet.degraded()], self.desk.fleet.hosts()
        live.advisor = self.desk.advisor.state
        live.readers, live.draws = self._server.readers, self.desk.intake.known
        live.workers, live.planned_workers = self.desk.bench.workers_here(), self.desk.bench.planned_workers
        live.rate, live.step, live.search = self.desk.bench.rate(), board.step, board.search
        live.reading, live.slopes = self._sampler.last, self._sampler.slopes
        live.memory, live.handles = self._sampler.grid("engine.pss_mb"), self._sampler.grid("engine.handles")
        live.throughput = self._sampler.grid("compute.rate")
        facts = status.gather(self._journal, self.queue, book=self.desk.alerts)
        return status.assemble(facts, live, now=time.monotonic(), at=status.utc(), host=self._host)
