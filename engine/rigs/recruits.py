"""The compute engine's workers on rigs: its launches meet the places that rigs offer. Beside this file rigs know nothing of compute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from engine.errors import MimicryError
from engine.rigs.attempt import SELF_TEST
from engine.rigs.faults import LinkFault
from engine.rigs.payload import Berth, Ending, Line, Payload, Place, Voice
from engine.rigs.remote import RemoteProcess, call

if TYPE_CHECKING:
    from pathlib import Path

    from engine.compute.cluster import Compute
    from engine.compute.enrol import OnEvent, Order
    from engine.compute.inputs import Input

LOOK = 0.5


class Recruits:
    """The crew that starts what the compute engine launches. The engine comes and goes; places stay.

    The engine has one loop and the rigs another (or the same one): each method says whose it runs on.
    """

    paced = True

    def __init__(self) -> None:
        """Know no place and no engine."""
        self._places: dict[str, Place] = {}
        self._asked: dict[str, tuple[Order, RemoteProcess]] = {}
        """The launch of each place that waits for its rig; it waits also while the rigs' loop is started anew."""
        self._bells: dict[str, asyncio.Event] = {}
        self._live: dict[str, RemoteProcess] = {}
        self._engine: tuple[Compute, asyncio.AbstractEventLoop] | None = None
        self._rigs: asyncio.AbstractEventLoop | None = None
        self._drains: set[asyncio.Task[None]] = set()
        self._berths: dict[str, Berth] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._refused: set[str] = set()

    # -- on the engine's loop -----------------------------------------------------------------------------------------

    def join(self, compute: Compute) -> None:
        """Offer every place to an engine that has come up."""
        self._engine = (compute, asyncio.get_running_loop())
        compute.bring_by(self)
        for place in tuple(self._places.values()):
            self._enlist(place)

    def leave(self) -> None:
        """Forget the engine, which ends its workers itself."""
        self._engine = None

    def _enlist(self, place: Place) -> None:
        if self._engine is not None and place.name not in {one.name for one in self._engine[0].workers()}:
            from engine.compute.place import Place as Slot

            self._engine[0].enlist(
                Slot(place.name, self.launch, gpu=True, remote=True, reserve=place.reserve)
            )

    def _renew(self, place: Place) -> None:
        """Try a worker again that the engine had refused for good: somebody has looked at it."""
        if self._engine is not None:
            task = asyncio.ensure_future(self._renewed(self._engine[0], place))
            self._drains.add(task)
            task.add_done_callback(self._drains.discard)

    async def _renewed(self, compute: Compute, place: Place) -> None:
        await compute.dismiss(place.name)
        self._enlist(place)

    async def launch(self, order: Order, on_event: OnEvent) -> RemoteProcess:
        """Start a worker at the place that the order names, once its rig is there and lets it; OSError if it does not start."""
        process = RemoteProcess(on_event)
        old = self._asked.pop(order.name, None)
        self._asked[order.name] = (order, process)
        if old is not None:
            old[1].end(Ending(None, "another launch took its place", ""))
        if self._rigs is not None:
            call(self._rigs, self._ring, order.name)
        try:
            await process.begun  # cancelled with us: `payload` passes over it then
        except asyncio.CancelledError:
            process.kill()  # it may have begun in this very moment, and nobody else knows of it
            raise
        return process

    def stage(self, host: str, inputs: Mapping[str, Input]) -> None:
        """Begin to put inputs on a rig; the engine hears what came of it."""
        files = {digest: one.path for digest, one in inputs.items()}
        if self._rigs is not None:
            call(self._rigs, self._begin_errand, host, files)

    def _hold(self, name: str, held: bool) -> None:
        if self._engine is not None:
            self._engine[0].hold(name, held=held)

    def _drain(self, name: str, end: Callable[[], None]) -> None:
        task = asyncio.ensure_future(self._drained(name, end))
        self._drains.add(task)
        task.add_done_callback(self._drains.discard)

    async def _drained(self, name: str, end: Callable[[], None]) -> None:
        """Deal a worker nothing more, and end it when it is idle."""
        self._hold(name, True)
        while self._engine is not None and any(w.name == name and w.busy for w in self._engine[0].workers()):  # noqa: ASYNC110 - nobody tells when a worker is idle
            await asyncio.sleep(LOOK)
        end()

    # -- on the rigs' loop --------------------------------------------------------------------------------------------

    def _tell_engine(self, function: Callable[..., object], *args: object) -> None:
        engine = self._engine  # one look: it may leave at any moment, on its own thread
        if engine is not None:
            call(engine[1], function, *args)

    def _tell_compute(self, act: Callable[[Compute], object]) -> None:
        engine = self._engine
        if engine is not None:
            call(engine[1], act, engine[0])

    def wanted(self) -> frozenset[str]:
        """Return the inputs that the engine still needs."""
        engine = self._engine
        return engine[0].wanted_inputs() if engine is not None else frozenset()

    def reached(self, berth: Berth) -> None:
        """Take in that files may be staged on a rig; what it could not get before is asked again at once."""
        self._berths[berth.name] = berth
        self._tell_compute(lambda compute: compute.confirm(berth.name, frozenset()))

    def lost(self, berth: Berth) -> None:
        """Take in that a rig is not reached any more."""
        self._berths.pop(berth.name, None)
        self._tell_compute(lambda compute: compute.lost_inputs(berth.name))

    def _begin_errand(self, host: str, files: Mapping[str, Path]) -> None:
        task = asyncio.ensure_future(self._errand(host, files))
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _errand(self, host: str, files: Mapping[str, Path]) -> None:
        """Stage files on a rig and tell the engine that they are there, or why not."""
        engine, berth = self._engine, self._berths.get(host)
        if engine is None:
            return
        try:
            if berth is None:
                raise LinkFault(f"rig {host}: not reached; they are sent once it is")
            await berth.stage(files, self.wanted())
        except (MimicryError, OSError) as error:
            self._tell_engine(engine[0].unstaged, host, str(error))
        else:
            self._tell_engine(engine[0].confirm, host, frozenset(files))

    def offer(self, place: Place) -> None:
        """Take in that a place exists."""
        self._rigs = asyncio.get_running_loop()
        if place.name not in self._places:
            self._places[place.name] = place
            self._tell_engine(self._enlist, place)

    def _ring(self, name: str) -> None:
        """Wake the place that waits for a launch, if it does."""
        if name in self._bells:
            self._bells[name].set()

    async def _launch_of(self, name: str) -> tuple[Order, RemoteProcess]:
        """Wait for a launch of a place that nobody has given up."""
        while True:
            bell = self._bells[name] = asyncio.Event()
            asked = self._asked.pop(name, None)
            if asked is None:
                await bell.wait()
            elif not asked[1].begun.done():
                return asked

    async def payload(self, place: Place, voice: Voice) -> Payload:
        """Wait for a launch of this place, and return what runs."""
        from engine.compute.enrol import worker_payload

        if place.name in self._refused:
            self._refused.discard(place.name)
            self._tell_engine(self._renew, place)
        order, process = await self._launch_of(place.name)
        try:
            port = await voice.tunnel(order.port)
        except BaseException:
            self._tell_engine(process.end, Ending(None, "the link broke", ""))
            raise
        process.attach(voice)
        self._live[place.name] = process
        self._tell_engine(self._hold, place.name, False)
        made = worker_payload(order, port=port, inputs=place.store, python=place.python, gate=True)
        return Payload(made.argv, made.env, made.files)

    def refusal(self, place: Place, report: Line) -> str | None:
        """Judge nothing: the engine does, and kills what it does not admit."""
        return None

    def admission(self, place: Place) -> Line | None:
        """Say nothing: the engine does."""
        return None

    def started(self, place: Place, pid: int) -> None:
        """Take in that a worker runs."""
        self._tell_engine(self._live[place.name].start, pid)

    def said(self, place: Place, line: Line) -> None:
        """Pass on what a worker says."""
        self._tell_engine(self._live[place.name].hear, line)

    def drain(self, place: Place, voice: Voice) -> None:
        """Deal the worker nothing more, and end it when it is idle."""
        loop = asyncio.get_running_loop()
        if self._engine is None:
            voice.end("drained")
        self._tell_engine(self._drain, place.name, lambda: call(loop, voice.end, "drained"))

    def gone(self, place: Place, ending: Ending) -> None:
        """Take in that an attempt has ended."""
        if ending.cause.startswith(SELF_TEST):
            self._refused.add(place.name)
        process = self._live.pop(place.name, None)
        if process is not None:
            self._tell_engine(process.end, ending)
