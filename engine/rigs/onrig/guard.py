"""Runs on a rig: starts, watches and ends the workers of one engine, and ends all of them when the engine's lease ends.

Standard library only. The engine speaks on stdin and hears on stdout, JSON lines both ways. The first line is the spec. A worker is
a process whose stdin and stdout carry JSON lines too; its stderr is kept as a tail. What ends the workers: end of file on stdin,
no line for `lease` seconds, the guard's own death (PDEATHSIG), a `kill`, a `halt` that a worker does not obey.

Initialisation: a worker that says `{"event": "gate"}` waits until the engine admits it and one of k flock slots of this rig is
free, whoever holds the others; it gives the slot back `delay` seconds after `{"event": "initialised"}`, or with its death.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.rigs.onrig.leftovers import end_orphans, sweep, sweep_scraps
    from engine.rigs.onrig.workers import Kernel, Line, Slots, Worker
else:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # -I leaves it out
    from leftovers import end_orphans, sweep, sweep_scraps
    from workers import Kernel, Line, Slots, Worker

TAIL = 4096
LINE_LIMIT = 1 << 20
OUT_LIMIT = 4 << 20
TICK, HALT_TICK = 0.2, 0.02
LATE = 2.0  # seconds of a round after which we have stood still ourselves
GRACE = 0.5
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LIBC = ctypes.CDLL(None)
# What a start must say before it may wait for its slot: nobody would hear of one that cannot be obeyed then.
START: dict[str, tuple[type, ...]] = {
    "name": (str,), "attempt": (int,), "argv": (list,), "env": (dict,), "start_limit": (int, float), "first": (dict, type(None)),
}  # fmt: skip


class Guard:
    """The loop: one thread, no waits but select."""

    def __init__(self, spec: Line) -> None:
        self.workers: dict[str, Worker] = {}
        self.outbox, self.rest = b"", b""
        self.lease, self.heard = float(spec["lease"]), time.monotonic()
        self.slots = Slots(spec["slot_dir"], int(spec["slots"]))
        self.delay, self.silence = float(spec["delay"]), float(spec["silence"])
        self.kernel = Kernel(spec.get("kmsg", "/dev/kmsg"))
        self.pending: collections.deque[Line] = collections.deque()
        self.waiting: collections.deque[Worker] = collections.deque()
        self.wake, self.alarm = socket.socketpair()
        for end in (self.wake, self.alarm):
            end.setblocking(False)
        self.why = ""
        self.rounded, self.late = time.monotonic(), False

    # -- talk ---------------------------------------------------------------------------------------------------------

    def say(self, **event: Any) -> None:
        if len(self.outbox) < OUT_LIMIT or event["event"] != "line":
            self.outbox += json.dumps(event).encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        try:
            while self.outbox:
                self.outbox = self.outbox[os.write(1, self.outbox) :]
        except BlockingIOError:
            return
        except OSError:
            self.why = self.why or "nobody listens"

    def obey(self, line: Line) -> None:
        op, worker = line.get("op"), self.workers.get(str(line.get("name")))
        if op == "start":
            self.start(line)
        elif op == "halt":
            self.halt(line)
        elif op == "kill" and any(one["name"] == line["name"] for one in self.pending):
            self.put_off(line)
        elif op == "beat":
            self.say(event="beat")
        elif op == "end":
            self.why = "ended by the engine"
        elif worker is None:
            return  # it has died meanwhile, and its exit is on the way
        elif op == "line":
            worker.send(line["line"])
        elif op == "admit" and worker.phase == "gate":
            self.waiting.append(worker)
        elif op == "kill":
            worker.kill(line.get("cause", "killed by the engine"))

    def put_off(self, line: Line) -> None:
        """Forget a start that still waits for its slot."""
        for one in [one for one in self.pending if one["name"] == line["name"]]:
            self.pending.remove(one)
            self.say(event="exit", name=one["name"], attempt=one["attempt"], code=None, cause=line.get("cause", ""),
                     phase="gate", stderr="", kernel=[])  # fmt: skip

    def halt(self, line: Line) -> None:
        """Tell every worker that works to stop; one that should answer and does not do so in time is killed."""
        for worker in [one for one in self.workers.values() if one.phase == "ready"]:
            worker.send({"halt": line["halt"], "generation": line["halt"]})
            if worker.halts:
                worker.halt_by = time.monotonic() + float(line.get("grace", GRACE))

    # -- workers ------------------------------------------------------------------------------------------------------

    def start(self, line: Line) -> None:
        if wrong := [key for key, kinds in START.items() if not isinstance(line.get(key), kinds)]:
            raise ValueError(f"a start without a sound {', '.join(wrong)}")
        name = line["name"]
        if name in self.workers:
            self.say(event="refused", name=name, attempt=line["attempt"], why="it runs already")
        elif line.get("gated"):
            self.pending.append(line)
        else:
            self.spawn(line)

    def spawn(self, line: Line, slot: int | None = None) -> None:
        """Start a process, in a slot that it holds until its report or without one."""
        name = line["name"]
        parent = os.getpid()

        def bind() -> None:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            if os.getppid() != parent:
                os._exit(1)

        try:
            process = subprocess.Popen(
                line["argv"], env={**os.environ, **home(line["env"])}, cwd=line.get("cwd") or None, bufsize=0,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True, preexec_fn=bind,
            )  # fmt: skip
        except (OSError, ValueError, TypeError, subprocess.SubprocessError) as error:
            if slot is not None:
                os.close(slot)
            self.say(event="exit", name=name, attempt=line["attempt"], code=127, cause=f"cannot start: {error}",
                     phase="starting", stderr="", kernel=[])  # fmt: skip
            return
        worker = Worker(name, line["attempt"], process, float(line["start_limit"]))
        for fd in (worker.into, worker.out, worker.err):
            os.set_blocking(fd, False)
        self.workers[name] = worker
        worker.slot = slot
        worker.halts = bool(line.get("halts"))
        if line["first"] is not None:
            worker.send({"parent": parent, **line["first"]})
        self.say(event="started", name=name, attempt=worker.attempt, pid=process.pid)

    def hear(self, worker: Worker) -> None:
        """Take in what a worker says; events of its life are read, every line is passed on."""
        try:
            data = os.read(worker.out, 65536)
        except OSError:
            return
        worker.heard = time.monotonic()
        *lines, worker.rest = (worker.rest + data).split(b"\n")
        if len(worker.rest) > LINE_LIMIT:
            worker.kill("it wrote a line without an end")
        for text in lines:
            with contextlib.suppress(ValueError):
                line = json.loads(text)
                if isinstance(line, dict):
                    self.note(worker, line)
                    self.say(event="line", name=worker.name, attempt=worker.attempt, line=line)

    def note(self, worker: Worker, line: Line) -> None:
        event = line.get("event")
        if event == "gate" and worker.phase == "starting":
            worker.enter("gate")
        elif event in ("initialised", "report"):
            worker.free_at = worker.free_at or time.monotonic() + self.delay
            worker.enter("testing")
        elif event == "ready":
            worker.enter("ready")
        elif event == "halted":
            worker.halt_by = None

    def grumble(self, worker: Worker) -> None:
        with contextlib.suppress(OSError):
            worker.tail = (worker.tail + os.read(worker.err, 65536))[-TAIL:]

    def open_gate(self) -> None:
        """Give free slots to those who wait, in their order; take back those whose delay is over."""
        now = time.monotonic()
        for worker in self.workers.values():
            if worker.slot is not None and worker.free_at is not None and now >= worker.free_at:
                self.give_back(worker)
        while self.pending and (slot := self.slots.take()) is not None:
            line = self.pending.popleft()
            self.spawn(line, slot)
            self.say(event="slot", name=line["name"], attempt=line["attempt"])
        while self.waiting:
            if self.waiting[0].name not in self.workers:
                self.waiting.popleft()
                continue
            slot = self.slots.take()
            if slot is None:
                return
            worker = self.waiting.popleft()
            worker.slot = slot
            worker.enter("initialising")
            worker.send({"gate": "open"})
            self.say(event="slot", name=worker.name, attempt=worker.attempt)

    def give_back(self, worker: Worker) -> None:
        if worker.slot is not None:
            os.close(worker.slot)
            worker.slot = None

    def watch(self) -> None:
        """Kill what is late, silent, or does not obey a halt."""
        now = time.monotonic()
        for worker in self.workers.values():
            if worker.phase == "gate":
                continue
            if worker.phase == "ready":
                if now - worker.heard > self.silence:
                    worker.kill(f"silent for {now - worker.heard:.1f} s")
                elif worker.halt_by is not None and now > worker.halt_by:
                    worker.kill("it did not obey a halt")
            elif now - worker.since > worker.start_limit:
                worker.kill(f"{worker.phase} for {now - worker.since:.0f} s")

    def reap(self) -> None:
        """Take in the dead; children of workers that outlived them come to us, and are killed."""
        dead: list[Worker] = []
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                for worker in [one for one in self.workers.values() if one.pid == found[0]]:
                    worker.process.returncode = os.waitstatus_to_exitcode(found[1])
                    dead.append(worker)
        for worker in dead:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(worker.pid, signal.SIGKILL)
        if dead:
            # One look at all processes for all of them: twelve looks would hold up the answer to a halt.
            end_orphans({one.pid for one in self.workers.values() if one not in dead})
        for worker in dead:
            self.bury(worker)

    def bury(self, worker: Worker) -> None:
        self.hear(worker)
        self.grumble(worker)
        self.give_back(worker)
        del self.workers[worker.name]
        for pipe in worker.pipes:
            pipe.close()
        self.say(event="exit", name=worker.name, attempt=worker.attempt, code=worker.process.returncode, cause=worker.cause,
                 phase=worker.phase, stderr=worker.tail.decode(errors="replace"),
                 kernel=self.kernel.since(worker.begun))  # fmt: skip

    # -- life ---------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        for name in (signal.SIGHUP, signal.SIGPIPE):
            signal.signal(name, signal.SIG_IGN)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: setattr(self, "why", self.why or "told to end"))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.alarm.fileno(), warn_on_full_buffer=False)
        os.set_blocking(0, False)
        os.set_blocking(1, False)
        self.say(event="up", pid=os.getpid(), slots=len(self.slots.paths), blind=self.kernel.blind)
        while not self.why:
            self.round()
        self.end()

    def round(self) -> None:
        readers: dict[int, tuple[Callable[[Worker], None], Worker]] = {}
        for worker in self.workers.values():
            readers[worker.out] = (self.hear, worker)
            readers[worker.err] = (self.grumble, worker)
        # A dead worker's pipes are readable for ever until it is buried; burying is next.
        watched = [0, self.wake.fileno(), *readers]
        found, _, _ = select.select(watched, [1] if self.outbox else [], [], self.tick())
        for fd in found:
            if fd == 0:
                self.listen()
            elif fd == self.wake.fileno():
                with contextlib.suppress(BlockingIOError):
                    self.wake.recv(4096)
            else:
                action, worker = readers[fd]
                if worker.name in self.workers:
                    action(worker)
        self.flush()
        self.reap()
        self.open_gate()
        if self.awake():
            self.watch()
            if time.monotonic() - self.heard > self.lease:
                self.why = f"lease of {self.lease:g} s ended"

    def awake(self) -> bool:
        """Tell whether silence may be judged: after a round that took long, what was said meanwhile lies unread until the next one."""
        now, before = time.monotonic(), self.late
        self.late, self.rounded = now - self.rounded > LATE, now
        return before or not self.late

    def tick(self) -> float:
        """Return how long the loop may sleep: hardly while a halt is pending."""
        halting = any(worker.halt_by is not None for worker in self.workers.values())
        return HALT_TICK if halting else TICK if self.workers else 1.0

    def listen(self) -> None:
        try:
            data = os.read(0, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.why = "the engine went"
            return
        self.heard = time.monotonic()
        *lines, self.rest = (self.rest + data).split(b"\n")
        for text in lines:
            try:
                self.obey(json.loads(text))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                self.say(event="refused", name="", attempt=0, why=f"cannot take {text[:80]!r}: {error!r}")

    def end(self) -> None:
        """Kill every worker and what it left, and wait a little until they are gone."""
        for worker in self.workers.values():
            worker.kill(self.why)
        deadline = time.monotonic() + 2.0
        while self.workers and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.02)
        end_orphans(set())
        with contextlib.suppress(OSError):
            os.set_blocking(1, False)
            self.say(event="down", why=self.why)


def home(env: dict[str, str]) -> dict[str, str]:
    """Return an environment whose paths that begin with ~ are this user's."""
    return {key: os.path.expanduser(value) for key, value in env.items()}


def main() -> None:
    """Read the spec, sweep, guard; leave nothing behind."""
    own = os.path.dirname(os.path.abspath(__file__))
    lock = os.open(os.path.join(own, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    try:
        if line.endswith(b"\n"):
            spec = json.loads(line)
            sweep(own, spec["prefix"])
            sweep_scraps(os.path.dirname(own))
            Guard(spec).run()
    finally:
        shutil.rmtree(own, ignore_errors=True)


if __name__ == "__main__":
    main()
