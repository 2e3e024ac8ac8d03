"""Tasks on their way: dealt to workers, waiting again when one dies, halved for want of memory, and each landed exactly once."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any

from engine.compute.attempts import AttemptLog, Outcome
from engine.compute.codec import CodecError
from engine.compute.dealer import Dealer
from engine.compute.flight import Flight, Lot
from engine.compute.job import decode_answer, encode_job, failed, stopped
from engine.compute.kinds import LIMITS, LONGEST, address_of, at_home
from engine.compute.life import Life
from engine.compute.load import Load
from engine.compute.place import Ending
from engine.compute.relief import Relief
from engine.compute.settings import RERUNS
from engine.compute.slot import Slot
from engine.compute.supplies import Supplies
from engine.compute.task import Task, TaskResult
from engine.errors import EnvironmentFault, UsageError

logger = logging.getLogger(__name__)

GRACE = 0.5
"""Seconds after a halt in which work may return by itself; then its worker is killed. Kernels look every 0.25 s."""
_OFF_LOOP = 1 << 20


class Traffic:
    """All flights of one engine over all lives of its scheduler; it hears of every worker that comes, speaks and goes."""

    def __init__(self, attempts: AttemptLog, kinds: Mapping[str, str], hung: float | None = None) -> None:
        """Begin with nothing on its way and no scheduler; `hung` shortens the seconds after which a task counts as hung."""
        self._limits = {kind: limit if hung is None else min(limit, hung) for kind, limit in LIMITS.items()}
        self.life: Life | None = None
        self.closed = False
        self.dealer = Dealer()
        self.supplies = Supplies(self.dealer)
        self.flights: dict[Load, Flight] = {}
        self.relief = Relief(self.dealer, self.flights, self.fly, self._keep)
        self.held: frozenset[str] = frozenset()
        """Names of workers that get nothing new."""
        self._attempts, self._kinds, self._dealing = attempts, kinds, False
        self._numbers, self._lot_numbers = itertools.count(1), itertools.count(1)
        self._lots: dict[int, Lot] = {}
        self._reading: set[int] = set()
        self._aside: set[asyncio.Task[None]] = set()

    # -- a task's way -------------------------------------------------------------------------------------------------

    async def fly(self, task: Task, generation: int, cramped_since: float | None = None) -> TaskResult:
        """Take one task to its result; `cramped_since` is known of the half of one that was too large."""
        if self.closed:
            raise EnvironmentFault(f"compute is closed; task {task.key} was not run")
        load = Load(
            next(self._numbers), task.kind, task.priority, task.memory, task.limit, at_home(task.kind),
            frozenset(one.digest for one in task.inputs),
        )  # fmt: skip
        flight = Flight(task, generation, load, cramped_since=cramped_since)
        try:
            flight.payload, flight.digest = await self._encode(task, generation)
        except (CodecError, UsageError) as error:
            return failed(task, str(error))
        self.flights[load] = flight
        self.supplies.hold(task.inputs)
        self.dealer.add(load)
        self.deal_soon()
        try:
            return await flight.landed
        finally:
            self._forget(flight)

    async def _encode(self, task: Task, generation: int) -> tuple[bytes, str]:
        """Return payload and digest of a task, worked out off the loop when it is large."""
        address_of(task.kind, self._kinds)

        def encode() -> tuple[bytes, str]:
            return encode_job(task, generation), task.digest()

        large = sum(getattr(array, "nbytes", 0) for array in task.arrays.values()) > _OFF_LOOP
        return await asyncio.to_thread(encode) if large else encode()

    def _forget(self, flight: Flight) -> None:
        """Take a flight off the books, and its task out of a worker's hands."""
        self.flights.pop(flight.load, None)
        self.supplies.release(flight.task.inputs)
        if flight.halves is not None:
            flight.halves.cancel()
        at = self.dealer.land(flight.load)
        slot = self._slot(at[0]) if at is not None else None
        if at is not None and slot is not None:
            slot.drop(at[1])
        self.deal_soon()

    def _slot(self, alias: str) -> Slot | None:
        return self.life.slot(alias) if self.life is not None else None

    def _beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
        return task

    # -- dealing ------------------------------------------------------------------------------------------------------

    def deal_soon(self) -> None:
        """Hand out what waits once this turn of the loop is over, however often it is asked for."""
        if not self._dealing and not self.closed:
            self._dealing = True
            asyncio.get_running_loop().call_soon(self._deal)

    def _deal(self) -> None:
        self._dealing = False
        life = self.life
        if life is None or life.lost.is_set() or self.closed:
            return
        self.supplies.ask()
        lots, back = self.dealer.deal(time.monotonic())
        for alias, serial in back:
            slot = life.slot(alias)
            if slot is not None:
                slot.drop(serial)
        for lot in lots:
            number = next(self._lot_numbers)
            self._lots[number] = Lot(lot.member, [serial for serial, _ in lot.tasks])
            flights = [(serial, self.flights[load]) for serial, load in lot.tasks]
            life.wire.send(number, lot.member, [(serial, flight.payload) for serial, flight in flights])
        self.mark_idle()

    def mark_idle(self) -> None:
        """Tell each slot whether it holds work."""
        for slot in self.life.slots.values() if self.life is not None else ():
            member = self.dealer.members.get(slot.alias)
            slot.idle = member is None or not member.ahead

    def answered(self, alias: str, serial: int, payload: bytes) -> None:
        """Take in an answer; a large one is read off the loop."""
        member = self.dealer.members.get(alias)
        asked = member.ahead.get(serial) if member is not None else None
        flight = self.flights.get(asked.load) if asked is not None and asked.load is not None else None
        if flight is not None and len(payload) > _OFF_LOOP:
            self._reading.add(serial)
            self._beside(self._read_aside(alias, serial, flight, payload))
        else:
            result = None if flight is None else decode_answer(flight.task, payload, flight.digest)
            self._take(alias, serial, result)

    async def _read_aside(self, alias: str, serial: int, flight: Flight, payload: bytes) -> None:
        try:
            result = await asyncio.to_thread(decode_answer, flight.task, payload, flight.digest)
        finally:
            self._reading.discard(serial)
        self._take(alias, serial, result)

    def _take(self, alias: str, serial: int, result: TaskResult | None) -> None:
        """Land the flight that was answered, if somebody waits for it still; what its worker calls itself counts for nothing."""
        result = None if result is None else replace(result, worker=alias.partition("#")[0])
        seconds = 0.0 if result is None else result.seconds
        measured = result is not None and not result.missing
        load = self.dealer.answer(alias, serial, seconds, time.monotonic(), measured=measured)
        flight = self.flights.get(load) if load is not None else None
        if flight is not None and result is not None and not self._waits_again(flight, alias, result):
            if not result.ok and not result.stopped:
                self._keep(flight, alias, "failed", seconds, result.error or "")
            flight.land(result)
        self.deal_soon()

    def _waits_again(self, flight: Flight, alias: str, result: TaskResult) -> bool:
        """Let a task whose worker had lost an input wait until it is confirmed anew; a few times, and never on this machine's account."""
        slot = self._slot(alias)
        host = slot.place.host if slot is not None else ""
        if not result.missing or not host or flight.gaps >= RERUNS:
            return False
        flight.gaps += 1
        self._keep(flight, alias, "failed", result.seconds, result.error or "")
        self.supplies.forget(host, result.missing)
        self.dealer.add(flight.load)
        return True

    def ended(self, number: int) -> None:
        """Dask is done with a lot: what has no answer by now waits again, and the first of it is to blame."""
        lot = self._lots.pop(number, None)
        if lot is None:
            return
        missing = [serial for serial in lot.serials if serial not in self._reading]
        load = self.dealer.unanswered(lot.alias, missing)
        if load is not None:
            self._blame(load, f"its worker ended without an answer {load.deaths} times")
        self.deal_soon()

    def _blame(self, load: Load, error: str) -> None:
        """Fail a task that its workers do not survive."""
        flight = self.flights.get(load)
        if flight is not None and load.deaths > RERUNS:
            why = f"{load.kind} {flight.task.key}: {error}; `attempts` tells each cause, read it before it runs again"
            flight.land(failed(flight.task, why))

    # -- what workers do ----------------------------------------------------------------------------------------------

    def joined(self, slot: Slot) -> None:
        """Deal to a worker."""
        self.dealer.join(slot.alias, slot.free or None, slot.place.host)
        self.dealer.hold(slot.alias, held=slot.name in self.held)
        self.deal_soon()

    def hold(self, name: str, held: bool) -> None:
        """Hand a worker nothing new, or again."""
        self.held = self.held | {name} if held else self.held - {name}
        for alias in self.dealer.members:
            if alias.partition("#")[0] == name:
                self.dealer.hold(alias, held=held)
        self.deal_soon()

    def beat(self, slot: Slot) -> None:
        """Take in how much memory is left where a worker is, and how much of it its task took."""
        member = self.dealer.members.get(slot.alias)
        if member is not None:
            member.free, member.used = slot.free or None, slot.used

    def left(self, slot: Slot, ending: Ending) -> None:
        """Let what a dead worker held wait again, and keep the cause for the task that it ran."""
        member = self.dealer.members.get(ending.alias)
        began = member.since if member is not None else time.monotonic()
        load = self.dealer.leave(ending.alias, slot.begun, charge=ending.charged and not self.closed)
        for number in [number for number, lot in self._lots.items() if lot.alias == ending.alias]:
            del self._lots[number]
            if self.life is not None:
                self.life.wire.forget(number)
        flight = self.flights.get(load) if load is not None else None
        if flight is not None and load is not None and ending.charged:
            self._beside(self._keep_death(flight, ending, began))
            self._blame(load, f"its worker died {load.deaths} times while running it")
        self.deal_soon()

    def bury(self) -> None:
        """A scheduler is lost: what was out waits again, and nobody is to blame."""
        for alias in list(self.dealer.members):
            self.dealer.leave(alias, charge=False)
        self._lots.clear()

    async def _keep_death(self, flight: Flight, ending: Ending, began: float) -> None:
        """Record a death with what the kernel of its machine says of it."""
        seconds, kernel = time.monotonic() - began, await ending.kernel(began)
        outcome: Outcome = "hung" if ending.purpose.startswith("hung") else "died"
        error = ending.purpose or f"exit code {ending.code}"
        self._keep(flight, ending.alias, outcome, seconds, error, ending.code, ending.words, kernel)

    def _keep(
        self, flight: Flight, alias: str, outcome: Outcome, seconds: float, error: str, code: int | None = None, words: str = "",
        kernel: str = "",
    ) -> None:  # fmt: skip
        self._attempts.add(flight.tried(alias, outcome, seconds, error, code, words, kernel))

    # -- care ---------------------------------------------------------------------------------------------------------

    def care(self, now: float) -> None:
        """End what takes too long, halve what is too large, and refuse what fits nowhere."""
        for alias, _, limit in self.dealer.overdue(now, self._limits, LONGEST):
            slot = self._slot(alias)
            if slot is not None:
                slot.kill(f"hung: no answer within {limit:g} s")
        self.relief.see_to(now)
        self.supplies.ask()

    def halt(self, present: int, now: float) -> None:
        """Land what was asked for under an older generation; what does not obey within the grace time goes with its worker."""
        for flight in [one for one in self.flights.values() if one.generation != present]:
            flight.asked_at = flight.asked_at or now
            if flight.load.at is None:
                flight.land(stopped(flight.task))
            elif now - flight.asked_at > GRACE:
                self._force(flight)

    def _force(self, flight: Flight) -> None:
        """End the flight, and kill the worker if that is what it works on."""
        alias = flight.load.at[0] if flight.load.at is not None else ""
        slot = self._slot(alias)
        if slot is not None and self.dealer.running(alias) is flight.load:
            slot.kill(f"ignored the halt for {GRACE} s", charged=False)
        flight.land(stopped(flight.task, "no answer in time after the halt; its worker was killed"))

    # -- the end ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Take nothing more; whoever waits for a task is told."""
        self.closed = True
        for flight in list(self.flights.values()):
            if not flight.landed.done():
                flight.landed.set_exception(EnvironmentFault("compute was closed while a task was out"))

    async def settled(self) -> None:
        """Wait for what was still being read or recorded."""
        await asyncio.gather(*self._aside, return_exceptions=True)
