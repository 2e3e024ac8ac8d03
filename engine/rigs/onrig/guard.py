"""Runs on a rig: starts, watches and ends the workers of one engine, and ends all of them when the engine's lease ends.

Standard library only. The engine speaks on stdin and hears on stdout, JSON lines both ways. The first line is the spec. A worker is
a process whose stdin and stdout carry JSON lines too; its stderr is kept as a tail. What ends the workers: end of file on stdin,
no line for `lease` seconds, the guard's own death (PDEATHSIG), a `kill`, a `halt` that a worker does not obey.

Initialisation: a worker that says `{"event": "gate"}` waits until the engine admits it and one of k flock slots of this rig is
free, whoever holds the others; it gives the slot back `delay` seconds after `{"event": "initialised"}`, or with its death.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.rigs.onrig import launch
    from engine.rigs.onrig.gate import Gate, Slots
    from engine.rigs.onrig.kmsg import Kernel
    from engine.rigs.onrig.leftovers import end_orphans, sweep, sweep_scraps
    from engine.rigs.onrig.talk import Talk
    from engine.rigs.onrig.workers import Line, Worker
else:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # -I leaves it out
    import launch
    from gate import Gate, Slots
    from kmsg import Kernel
    from leftovers import end_orphans, sweep, sweep_scraps
    from talk import Talk
    from workers import Line, Worker

TICK, HALT_TICK = 0.2, 0.02
LATE = 2.0  # seconds of a round after which we have stood still ourselves
GRACE = 0.5
SPEC_LIMIT = 60.0  # seconds to wait for the first line; nobody beats a lease before it


class Guard:
    """The loop: one thread, no waits but select."""

    def __init__(self, spec: Line) -> None:
        self.workers: dict[str, Worker] = {}
        self.talk, self.gate = Talk(), Gate(Slots(spec["slot_dir"], int(spec["slots"])))
        self.lease, self.delay, self.silence = (float(spec[key]) for key in ("lease", "delay", "silence"))
        self.kernel = Kernel(spec.get("kmsg", "/dev/kmsg"))
        self.wake, self.alarm = socket.socketpair()
        for end in (self.wake, self.alarm):
            end.setblocking(False)
        self.why = ""
        self.rounded, self.late = time.monotonic(), False
        self.orders: dict[str, Callable[[Line], object]] = {
            "start": self.start, "line": self.pass_on, "admit": self.admit, "halt": self.halt, "kill": self.kill,
            "beat": lambda line: self.talk.say(event="beat"), "end": lambda line: self.leave("ended by the engine"),
        }  # fmt: skip

    # -- what the engine orders ---------------------------------------------------------------------------------------

    def listen(self) -> None:
        for text in self.talk.listen():
            try:
                self.obey(json.loads(text))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                why = f"cannot take {text[:80]!r}: {error!r}"
                self.talk.say(event="refused", name="", attempt=0, why=why)

    def obey(self, line: Line) -> None:
        self.orders[line["op"]](line)

    def named(self, line: Line) -> Worker | None:
        """Return whom an order is for; None if it has died meanwhile, and its exit is on the way."""
        return self.workers.get(line["name"])

    def start(self, line: Line) -> None:
        name, attempt = line["name"], line["attempt"]
        if why := launch.unsound(line) or ("it runs already" if self.runs(name) else ""):
            self.talk.say(event="refused", name=str(name), attempt=int(attempt), why=why)
        elif line.get("gated"):
            self.gate.starts.append(line)
        else:
            self.spawn(line)

    def runs(self, name: str) -> bool:
        return name in self.workers or self.gate.awaits(name)

    def pass_on(self, line: Line) -> None:
        if worker := self.named(line):
            worker.send(line["line"])

    def admit(self, line: Line) -> None:
        worker = self.named(line)
        if worker is not None and worker.phase == "gate" and worker not in self.gate.workers:
            self.gate.workers.append(worker)

    def halt(self, line: Line) -> None:
        """Tell every worker that works to stop."""
        for worker in [one for one in self.workers.values() if one.phase == "ready"]:
            worker.halt(line["halt"], float(line.get("grace", GRACE)))

    def kill(self, line: Line) -> None:
        """End a worker, or put off a start that still waits for its slot."""
        cause = str(line.get("cause") or "killed by the engine")
        if self.gate.awaits(line["name"]):
            self.unborn(self.gate.put_off(line["name"]), None, cause, "gate")
        elif worker := self.named(line):
            worker.kill(cause)

    # -- workers ------------------------------------------------------------------------------------------------------

    def spawn(self, line: Line, slot: int | None = None) -> None:
        """Start a process, in a slot that it holds until its report or without one."""
        try:
            process = launch.launch(line)
        except launch.NO_START as error:
            if slot is not None:
                os.close(slot)
            self.unborn(line, 127, f"cannot start: {error}", "starting")
            return
        worker = self.workers[line["name"]] = Worker(line, process, slot)
        if line["first"] is not None:
            worker.send({"parent": os.getpid(), **line["first"]})
        self.talk.say(event="started", name=worker.name, attempt=worker.attempt, pid=worker.pid)

    def unborn(self, line: Line, code: int | None, cause: str, phase: str) -> None:
        """Tell the end of a start that never became a worker."""
        self.talk.say(event="exit", name=line["name"], attempt=line["attempt"], code=code, cause=cause, phase=phase,
                      stderr="", kernel=[])  # fmt: skip

    def hear(self, worker: Worker, lines: list[Line]) -> None:
        """Take in what a worker says; events of its life are read, every line is passed on."""
        for line in lines:
            worker.note(line, self.delay)
            self.talk.say(event="line", name=worker.name, attempt=worker.attempt, line=line)

    def open_gate(self) -> None:
        """Take back the slots whose delay is over, and give the free ones to those who wait."""
        now = time.monotonic()
        for worker in self.workers.values():
            if worker.free_at is not None and now >= worker.free_at:
                worker.give_back()
        for one, slot in self.gate.open():
            if isinstance(one, Worker):
                one.begin(slot)
                self.talk.say(event="slot", name=one.name, attempt=one.attempt)
            else:
                self.talk.say(event="slot", name=one["name"], attempt=one["attempt"])
                self.spawn(one, slot)

    def watch(self) -> None:
        """Kill what is late, silent, or does not obey a halt."""
        now = time.monotonic()
        for worker in self.workers.values():
            if why := worker.fault(now, self.silence):
                worker.kill(why)

    def reap(self) -> None:
        """Take in the dead; children of workers that outlived them come to us, and are killed."""
        dead: list[Worker] = []
        with contextlib.suppress(ChildProcessError):
            while found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                whose = [one for one in self.workers.values() if one.pid == found.si_pid]
                for worker in whose:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(worker.pid, signal.SIGKILL)  # not reaped yet: the number is still its own
                _, status = os.waitpid(found.si_pid, 0)
                for worker in whose:
                    worker.process.returncode = os.waitstatus_to_exitcode(status)
                dead += whose
        if dead:
            # One look at all processes for all of them: twelve looks would hold up the answer to a halt.
            end_orphans({one.pid for one in self.workers.values() if one not in dead})
        for worker in dead:
            self.bury(worker)

    def bury(self, worker: Worker) -> None:
        self.hear(worker, worker.hear())
        worker.grumble()
        del self.workers[worker.name]
        self.gate.forget(worker)
        worker.close()
        self.talk.say(event="exit", name=worker.name, attempt=worker.attempt, code=worker.process.returncode, cause=worker.cause,
                      phase=worker.phase, stderr=worker.tail.decode(errors="replace"),
                      kernel=self.kernel.since(worker.begun))  # fmt: skip

    # -- life ---------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        launch.adopt()
        for name in (signal.SIGHUP, signal.SIGPIPE):
            signal.signal(name, signal.SIG_IGN)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self.leave("told to end"))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.alarm.fileno(), warn_on_full_buffer=False)
        os.set_blocking(0, False)
        os.set_blocking(1, False)
        self.talk.say(event="up", pid=os.getpid(), slots=len(self.gate.slots.paths), blind=self.kernel.blind)
        self.live()

    def live(self) -> None:
        """Go round until something ends us, then end the workers; a fault of ours is told like any other reason."""
        try:
            while not self.why:
                self.round()
        except Exception as error:
            self.leave(f"the guard failed: {error!r}")
            raise
        finally:
            self.end()

    def round(self) -> None:
        readers = {fd: (one, read) for one in self.workers.values() for fd, read in one.readers().items()}
        watched = [0, self.wake.fileno(), *readers]
        found, _, _ = select.select(watched, [1] if self.talk.outbox else [], [], self.tick())
        for fd in found:
            if fd == 0:
                self.listen()
            elif fd == self.wake.fileno():
                with contextlib.suppress(BlockingIOError):
                    self.wake.recv(4096)
            else:
                worker, read = readers[fd]
                self.hear(worker, read())
        self.talk.flush()
        self.reap()
        self.open_gate()
        if self.awake():
            self.watch()
            if time.monotonic() - self.talk.heard > self.lease:
                self.leave(f"lease of {self.lease:g} s ended")
        if self.talk.gone:
            self.leave(self.talk.gone)

    def leave(self, why: str) -> None:
        """End the loop with this round; the first reason stays."""
        self.why = self.why or why

    def awake(self) -> bool:
        """Tell whether silence may be judged: after a round that took long, what was said meanwhile lies unread until the next one."""
        now, before = time.monotonic(), self.late
        self.late, self.rounded = now - self.rounded > LATE, now
        return before or not self.late

    def tick(self) -> float:
        """Return how long the loop may sleep: hardly while a halt is pending."""
        halting = any(worker.halt_by is not None for worker in self.workers.values())
        return HALT_TICK if halting else TICK if self.workers else 1.0

    def end(self) -> None:
        """Kill every worker and what it left, and wait a little until they are gone."""
        for worker in self.workers.values():
            worker.kill(self.why)
        deadline = time.monotonic() + 2.0
        while self.workers and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.02)
        end_orphans(set())
        self.talk.say(event="down", why=self.why)


def first_line() -> Any:
    """Return the engine's first line, None where it does not come."""
    line, deadline = b"", time.monotonic() + SPEC_LIMIT
    while not line.endswith(b"\n"):
        if not select.select([0], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return None
        byte = os.read(0, 1)
        if not byte:
            return None
        line += byte
    return json.loads(line)


def main() -> None:
    """Read the spec, sweep, guard; leave nothing behind."""
    own = os.path.dirname(os.path.abspath(__file__))
    lock = os.open(os.path.join(own, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        if (spec := first_line()) is not None:
            sweep(own, spec["prefix"])
            sweep_scraps(os.path.dirname(own))
            Guard(spec).run()
    finally:
        shutil.rmtree(own, ignore_errors=True)


if __name__ == "__main__":
    main()
