"""The one door to where work runs: submit tasks, get results as they complete, stop everything, lose nothing."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine import logs
from engine.compute import here
from engine.compute.attempts import FILE_NAME, Attempt, AttemptLog, Outcome, kernel_log, utc
from engine.compute.codec import CodecError
from engine.compute.dealer import Dealer, Load
from engine.compute.job import decode_answer, encode_job, failed, one_line, stopped
from engine.compute.kinds import LIMITS, LONGEST, SHORT, address_of, at_home
from engine.compute.life import Ground, Life
from engine.compute.rates import RateSeries
from engine.compute.settings import RERUNS
from engine.compute.slot import FIRST_DELAY, LAST_DELAY, START_LIMIT, Ending, Place, Slot, WorkerInfo
from engine.compute.stop import NAME, StopWord
from engine.compute.task import Task, TaskResult
from engine.compute.wire import Wire
from engine.errors import EnvironmentFault, UsageError

logger = logging.getLogger(__name__)

PER_WORKER = 2.5
"""Tasks in flight per worker: enough to hide the round trip, few enough to lose little."""
GRACE = 0.7
"""Seconds after a halt in which work may return by itself; then its worker is killed."""
PATIENCE = 60.0
"""Seconds that a task waits for memory which no present worker has, before it is refused: one that has it may be starting."""
FIRST_DELAYS = (0.5, 2.0)
"""Seconds before the second and the third try to come up at all."""
_STOP_LOOK, _IDLE_LOOK, _CARE_LOOK = 0.05, 0.25, 0.5
_OFF_LOOP = 1 << 20


@dataclass(eq=False)
class _Flight:
    """One task on its way."""

    task: Task
    generation: int
    load: Load
    landed: asyncio.Future[TaskResult]
    payload: bytes = b""
    digest: str = ""
    tries: int = 0
    asked_at: float | None = None
    """When it was first seen to have been halted."""
    unfit_since: float | None = None


@dataclass
class _Lot:
    """What a worker was handed at once, until Dask is done with it."""

    alias: str
    serials: list[int] = field(default_factory=list)


class Compute:
    """Runs tasks on worker processes, of this machine and of those that are enlisted, and keeps them alive.

    Contract for every backend (`tests/compute/conformance.py` proves it): a task gives exactly one result; a failing kind, a
    dead worker or a lost scheduler never loses one; a halt brings every result back within a second; results arrive in the
    order of completion. Use it from the loop that started it; `stop_now` alone may be called from anywhere. The loop's thread
    must outlive it, because the processes die with the thread that started them.
    """

    def __init__(
        self,
        state: Path,
        word: StopWord,
        places: list[Place],
        kinds: Mapping[str, str],
        memory: int | None,
        hung: float | None = None,
    ) -> None:
        """Prepare; use `Compute.start`."""
        self._word, self._places, self._kinds = word, {place.name: place for place in places}, kinds
        self._ground = Ground(state, kinds, memory, word.generation)
        self._generation = self._told = word.generation()
        self._numbers, self._lot_numbers = itertools.count(1), itertools.count(1)
        self._dealer = Dealer()
        self._limits = {kind: limit if hung is None else min(limit, hung) for kind, limit in LIMITS.items()}
        self._flights: dict[Load, _Flight] = {}
        self._lots: dict[int, _Lot] = {}
        self._reading: set[int] = set()
        self._held: frozenset[str] = frozenset()
        self._rates = RateSeries()
        self._attempts = AttemptLog(state / "logs" / FILE_NAME)
        self._life: Life | None = None
        self._port = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._aside: set[asyncio.Task[None]] = set()
        self._dealing = self._closed = False

    @classmethod
    async def start(
        cls,
        state: Path,
        *,
        workers: int | None = None,
        memory: int | None = None,
        kinds: Mapping[str, str] | None = None,
        hung: float | None = None,
    ) -> Compute:
        """Start scheduler and `workers` workers of this machine for the state directory `state`.

        Default: one a usable core, and at least one a GPU; the first ones own a GPU each. 0 leaves all work to enlisted machines.
        `memory` is the resident size in bytes above which an idle worker is replaced. `kinds` adds kinds of work for tests; `hung` shortens the
        seconds (`kinds.LIMITS`) after which a task counts as hung.
        EnvironmentFault if nothing comes up.
        """
        gpus = here.gpus()
        count = max(here.cores(), len(gpus)) if workers is None else workers
        if count < 0:
            raise UsageError(f"workers={count}; it cannot be negative")
        state = Path(state).absolute()
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        places = here.places(state, count, gpus)
        compute = cls(state, StopWord(state / NAME), places, dict(kinds or {}), memory, hung)
        try:
            compute._life = await compute._first_life()
        except BaseException:
            compute._closed = True
            compute._word.close()
            raise
        compute._tasks = [
            asyncio.create_task(compute._supervise()),
            asyncio.create_task(compute._watch_stop()),
            asyncio.create_task(compute._care()),
        ]
        return compute

    async def _first_life(self) -> Life:
        """Start scheduler and workers; a process that something kills while it comes up must not cost the work that waits."""
        begun = time.monotonic()
        for delay in FIRST_DELAYS:
            try:
                return await self._new_life()
            except EnvironmentFault as error:
                if time.monotonic() - begun > START_LIMIT:
                    raise
                logger.warning("%s; next try in %.1f s", error, delay)
                await asyncio.sleep(delay)
        return await self._new_life()

    async def _new_life(self) -> Life:
        wire = Wire(self._answered, self._ended)
        life = await Life.start(self._ground, list(self._places.values()), self, wire, self._port)
        self._port = life.port
        return life

    # -- machines -----------------------------------------------------------------------------------------------------

    def enlist(self, place: Place) -> None:
        """Keep a worker at one more place from now on; UsageError if the name is taken."""
        if place.name in self._places:
            raise UsageError(f"a worker called {place.name} is there already; dismiss it first")
        self._places[place.name] = place
        if self._life is not None:
            self._life.add(place)

    async def dismiss(self, name: str) -> None:
        """End the worker of a place and keep none there; what it held runs elsewhere."""
        self._places.pop(name, None)
        if self._life is not None:
            await self._life.remove(name)

    def hold(self, name: str, held: bool = True) -> None:
        """Hand a worker nothing new, or again; what it holds it finishes."""
        self._held = self._held | {name} if held else self._held - {name}
        for alias in self._dealer.members:
            if alias.partition("#")[0] == name:
                self._dealer.hold(alias, held=held)
        self._deal_soon()

    @property
    def port(self) -> int:
        """Return the scheduler's loopback port; it stays the same over lives of the scheduler where it can."""
        return self._port

    # -- work ---------------------------------------------------------------------------------------------------------

    async def run(self, task: Task) -> TaskResult:
        """Run one task and return its result; what goes wrong with the task stands in the result."""
        return await self._fly(task, self._generation)

    def map(self, tasks: Iterable[Task], *, window: int | None = None) -> AsyncGenerator[TaskResult, None]:
        """Yield the results of `tasks` as they complete, reading the iterable only as fast as work is done.

        At most `window` tasks are in flight, and never more than 2.5 per worker; of the kinds in `SHORT` as many more as make a
        second of work for each worker. After a halt what is in flight comes back stopped and the rest of the iterable is not read.
        Closing the iterator cancels what is in flight; leave the loop early inside `contextlib.aclosing`, or that happens only when
        the garbage collector comes by.
        """
        return self._map(iter(tasks), window, self._generation)

    def _room(self, window: int | None, kind: str) -> int:
        """Return how many tasks of a map may be in flight."""
        most = max(1, int(PER_WORKER * max(1, len(self._places))))
        if kind in SHORT:
            most = max(most, self._dealer.wanted(kind))
        return most if window is None else max(1, min(window, most))

    async def _map(
        self, tasks: Iterator[Task], window: int | None, generation: int
    ) -> AsyncGenerator[TaskResult, None]:
        flying: set[asyncio.Task[TaskResult]] = set()
        kind = ""
        try:
            while True:
                while len(flying) < self._room(window, kind) and self._word.generation() == generation:
                    task = next(tasks, None)
                    if task is None:
                        break
                    kind = task.kind
                    flying.add(asyncio.create_task(self._fly(task, generation)))
                if not flying:
                    return
                done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                for landed in done:
                    yield landed.result()
        finally:
            for flight in flying:
                flight.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def _fly(self, task: Task, generation: int) -> TaskResult:
        """Take one task to its result."""
        if self._closed:
            raise EnvironmentFault(f"compute is closed; task {task.key} was not run")
        if self._word.generation() != generation:
            return stopped(task)
        home = at_home(task.kind)
        if home and all(place.remote for place in self._places.values()):
            return failed(
                task,
                f"{task.kind} {task.key}: only workers of this machine have what it needs, and there is none",
            )
        load = Load(next(self._numbers), task.kind, task.priority, task.memory, task.limit, home)
        flight = _Flight(task, generation, load, asyncio.get_running_loop().create_future())
        try:
            flight.payload, flight.digest = await self._encode(task, generation)
        except (CodecError, UsageError) as error:
            return failed(task, str(error))
        self._flights[load] = flight
        self._dealer.add(load)
        self._deal_soon()
        try:
            result = await flight.landed
        finally:
            self._forget(flight)
        self._book(result)
        if not result.ok and not result.stopped:
            with logs.bound(chunk=task.key):
                logger.warning("%s failed on %s: %s", task.kind, result.worker or "no worker", result.error)
        return result

    async def _encode(self, task: Task, generation: int) -> tuple[bytes, str]:
        """Return payload and digest of a task, worked out off the loop when it is large."""
        address_of(task.kind, self._kinds)

        def encode() -> tuple[bytes, str]:
            return encode_job(task, generation), task.digest()

        large = sum(getattr(array, "nbytes", 0) for array in task.arrays.values()) > _OFF_LOOP
        return await asyncio.to_thread(encode) if large else encode()

    def _land(self, flight: _Flight, result: TaskResult) -> None:
        """Give a flight its result, once."""
        if not flight.landed.done():
            flight.landed.set_result(result)

    def _forget(self, flight: _Flight) -> None:
        """Take a flight off the books, and its task out of a worker's hands."""
        self._flights.pop(flight.load, None)
        at = self._dealer.land(flight.load)
        slot = self._life.slot(at[0]) if at is not None and self._life is not None else None
        if at is not None and slot is not None:
            slot.drop(at[1])
        self._deal_soon()

    # -- dealing ------------------------------------------------------------------------------------------------------

    def _deal_soon(self) -> None:
        """Hand out what waits once this turn of the loop is over, however often it is asked for."""
        if not self._dealing and not self._closed:
            self._dealing = True
            asyncio.get_running_loop().call_soon(self._deal)

    def _deal(self) -> None:
        self._dealing = False
        life = self._life
        if life is None or life.lost.is_set() or self._closed:
            return
        lots, back = self._dealer.deal(time.monotonic())
        for alias, serial in back:
            slot = life.slot(alias)
            if slot is not None:
                slot.drop(serial)
        for lot in lots:
            number = next(self._lot_numbers)
            self._lots[number] = _Lot(lot.member, [serial for serial, _ in lot.tasks])
            flights = [(serial, self._flights[load]) for serial, load in lot.tasks]
            life.wire.send(number, lot.member, [(serial, flight.payload) for serial, flight in flights])
        self._mark_idle()

    def _mark_idle(self) -> None:
        for slot in self._life.slots.values() if self._life is not None else ():
            member = self._dealer.members.get(slot.alias)
            slot.idle = member is None or not member.ahead

    def _answered(self, alias: str, serial: int, payload: bytes) -> None:
        """Take in an answer; a large one is read off the loop."""
        member = self._dealer.members.get(alias)
        asked = member.ahead.get(serial) if member is not None else None
        flight = self._flights.get(asked.load) if asked is not None and asked.load is not None else None
        if flight is not None and len(payload) > _OFF_LOOP:
            self._reading.add(serial)
            task = asyncio.create_task(self._read_aside(alias, serial, flight, payload))
            self._aside.add(task)
            task.add_done_callback(self._aside.discard)
        else:
            self._take(
                alias, serial, None if flight is None else decode_answer(flight.task, payload, flight.digest)
            )

    async def _read_aside(self, alias: str, serial: int, flight: _Flight, payload: bytes) -> None:
        try:
            result = await asyncio.to_thread(decode_answer, flight.task, payload, flight.digest)
        finally:
            self._reading.discard(serial)
        self._take(alias, serial, result)

    def _take(self, alias: str, serial: int, result: TaskResult | None) -> None:
        """Land the flight that was answered, if somebody waits for it still."""
        load = self._dealer.answer(
            alias, serial, result.seconds if result is not None else 0.0, time.monotonic()
        )
        flight = self._flights.get(load) if load is not None else None
        if flight is not None and result is not None:
            if not result.ok and not result.stopped:
                self._keep(flight, alias, "failed", None, result.seconds, result.error or "", "", "")
            self._land(flight, result)
        self._deal_soon()

    def _ended(self, number: int) -> None:
        """Dask is done with a lot: what has no answer by now waits again, and the first of it is to blame."""
        lot = self._lots.pop(number, None)
        if lot is None:
            return
        missing = [serial for serial in lot.serials if serial not in self._reading]
        load = self._dealer.unanswered(lot.alias, missing)
        if load is not None:
            self._blame(load, f"its worker ended without an answer {load.deaths} times")
        self._deal_soon()

    def _blame(self, load: Load, error: str) -> None:
        """Fail a task that its workers do not survive."""
        flight = self._flights.get(load)
        if flight is not None and load.deaths > RERUNS:
            why = f"{load.kind} {flight.task.key}: {error}; `attempts` tells each cause, read it before it runs again"
            self._land(flight, failed(flight.task, why))

    # -- what workers do ----------------------------------------------------------------------------------------------

    def joined(self, slot: Slot) -> None:
        """Deal to a worker."""
        self._dealer.join(slot.alias, slot.free or None, slot.place.host)
        self._dealer.hold(slot.alias, held=slot.name in self._held)
        self._deal_soon()

    def beat(self, slot: Slot) -> None:
        """Take in how much memory is left where a worker is."""
        member = self._dealer.members.get(slot.alias)
        if member is not None:
            member.free = slot.free or None

    def left(self, slot: Slot, ending: Ending) -> None:
        """Let what a dead worker held wait again, and keep the cause for the task that it ran."""
        member = self._dealer.members.get(ending.alias)
        began = member.since if member is not None else time.monotonic()
        load = self._dealer.leave(ending.alias, charge=ending.charged and not self._closed)
        for number in [number for number, lot in self._lots.items() if lot.alias == ending.alias]:
            del self._lots[number]
            if self._life is not None:
                self._life.wire.forget(number)
        flight = self._flights.get(load) if load is not None else None
        if flight is not None and load is not None and ending.charged:
            self._aside_keep(flight, ending, began)
            self._blame(load, f"its worker died {load.deaths} times while running it")
        self._deal_soon()

    def _aside_keep(self, flight: _Flight, ending: Ending, began: float) -> None:
        """Record a death; the kernel's log is read off the loop."""

        async def keep() -> None:
            kernel = await asyncio.to_thread(kernel_log, began)
            outcome: Outcome = "hung" if ending.purpose.startswith("hung") else "died"
            seconds = time.monotonic() - began
            self._keep(
                flight, ending.alias, outcome, ending.code, seconds, ending.purpose, ending.words, kernel
            )

        task = asyncio.create_task(keep())
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    def _keep(
        self, flight: _Flight, alias: str, outcome: Outcome, code: int | None, seconds: float, error: str, words: str, kernel: str,
    ) -> None:  # fmt: skip
        flight.tries += 1
        self._attempts.add(
            Attempt(
                at=utc(), key=flight.task.key, kind=flight.task.kind, number=flight.tries, worker=alias.partition("#")[0],
                outcome=outcome, code=code, seconds=round(seconds, 3), error=error or f"exit code {code}",
                words=one_line(words), kernel=kernel,
            )
        )  # fmt: skip

    async def _care(self) -> None:
        """End what takes too long, and refuse what fits nowhere."""
        while True:
            await asyncio.sleep(_CARE_LOOK)
            now = time.monotonic()
            for alias, _, limit in self._dealer.overdue(now, self._limits, LONGEST):
                slot = self._life.slot(alias) if self._life is not None else None
                if slot is not None:
                    slot.kill(f"hung: no answer within {limit:g} s")
            self._refuse_unfit(now)

    def _refuse_unfit(self, now: float) -> None:
        unfit = dict(self._dealer.unfit())
        for load, flight in list(self._flights.items()):
            if load not in unfit:
                flight.unfit_since = None
                continue
            flight.unfit_since = flight.unfit_since or now
            if now - flight.unfit_since >= PATIENCE:
                need, room = (f"{size / (1 << 30):.1f} GiB" for size in (load.memory, unfit[load]))
                why = f"needs {need} of memory, the roomiest worker has {room} left; cut it in halves"
                self._keep(flight, "", "refused", None, 0.0, why, "", "")
                self._land(flight, failed(flight.task, f"{load.kind} {flight.task.key}: {why}"))

    def _book(self, result: TaskResult) -> None:
        """Count what a result says it tested."""
        hypotheses = result.meta.get("hypotheses")
        if isinstance(hypotheses, int | float):
            self._rates.add(float(hypotheses), result.seconds)

    # -- halt ---------------------------------------------------------------------------------------------------------

    def stop_now(self) -> None:
        """Stop all work: kernels return, isolated children are killed, queued tasks come back stopped. From any thread."""
        self._word.bump()

    def resume(self) -> None:
        """Let tasks submitted from now on run; those submitted before stay stopped."""
        self._generation = self._word.generation()
        self._tell()

    def _tell(self) -> None:
        """Send the generation to those that cannot see our word."""
        self._told = self._word.generation()
        for slot in self._life.slots.values() if self._life is not None else ():
            if slot.place.remote:
                slot.say({"generation": self._told})

    async def _watch_stop(self) -> None:
        """Pass a halt on, and force down what has not obeyed within the grace time."""
        while True:
            await asyncio.sleep(_STOP_LOOK if self._flights else _IDLE_LOOK)
            present, now = self._word.generation(), time.monotonic()
            if present != self._told:
                self._tell()
            for flight in [one for one in self._flights.values() if one.generation != present]:
                flight.asked_at = flight.asked_at or now
                if flight.load.at is None:
                    self._land(flight, stopped(flight.task))
                elif now - flight.asked_at > GRACE:
                    self._force(flight)

    def _force(self, flight: _Flight) -> None:
        """End the flight, and kill the worker if that is what it works on."""
        alias = flight.load.at[0] if flight.load.at is not None else ""
        slot = self._life.slot(alias) if self._life is not None else None
        if slot is not None and self._dealer.running(alias) is flight.load:
            slot.kill(f"ignored the halt for {GRACE} s", charged=False)
        self._land(flight, stopped(flight.task, "no answer in time after the halt; its worker was killed"))

    # -- care ---------------------------------------------------------------------------------------------------------

    async def _supervise(self) -> None:
        """Replace a life that was lost, each time a little later while it keeps failing."""
        delay = FIRST_DELAY
        while True:
            assert self._life is not None
            await self._life.lost.wait()
            await self._bury(self._life)
            try:
                self._life = await self._new_life()
                delay = FIRST_DELAY
            except Exception:
                logger.exception("the cluster did not come up again; next try in %.1f s", delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_DELAY)
                continue
            self._deal_soon()

    async def _bury(self, life: Life) -> None:
        """End a lost life; what was out waits again, and nobody is to blame."""
        for alias in list(self._dealer.members):
            self._dealer.leave(alias, charge=False)
        self._lots.clear()
        await life.close()

    def workers(self) -> list[WorkerInfo]:
        """Return what is known about each worker."""
        if self._life is None:
            return []
        self._mark_idle()
        return [self._described(slot) for slot in self._life.slots.values()]

    def _described(self, slot: Slot) -> WorkerInfo:
        member, load = self._dealer.members.get(slot.alias), self._dealer.running(slot.alias)
        flight = self._flights.get(load) if load is not None else None
        ahead, held = (len(member.ahead), member.held) if member is not None else (0, False)
        return replace(
            slot.info(), ahead=ahead, held=held, task=flight.task.key if flight is not None else ""
        )

    def attempts(self, most: int = 100) -> list[Attempt]:
        """Return the latest tries that gave no result, newest first."""
        return self._attempts.newest(most)

    def degraded(self) -> list[str]:
        """Return what works otherwise than it was asked to."""
        slots = self._life.slots.values() if self._life is not None else ()
        return [
            f"worker {info.name}: {info.degraded}"
            for info in (slot.info() for slot in slots)
            if info.degraded
        ]

    def refusals(self) -> int:
        """Return how many connections and messages the scheduler's fence turned away in this life."""
        return self._life.refusals if self._life is not None else 0

    def scheduler_pid(self) -> int | None:
        """Return the scheduler's process id, None while there is none."""
        return self._life.scheduler_pid if self._life is not None else None

    def rate_series(self, seconds: int = 60) -> list[float]:
        """Return hypotheses tested per second over the last whole `seconds`, oldest first; the newest still rise."""
        return self._rates.series(seconds)

    async def close(self) -> None:
        """End every process; tasks still out raise EnvironmentFault."""
        if self._closed:
            return
        self._closed = True
        for flight in list(self._flights.values()):
            if not flight.landed.done():
                flight.landed.set_exception(EnvironmentFault("compute was closed while a task was out"))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._aside, return_exceptions=True)
        if self._life is not None:
            await self._life.close()
        await asyncio.gather(*self._aside, return_exceptions=True)
        self._word.close()

    async def __aenter__(self) -> Compute:
        """Return self."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close."""
        await self.close()
