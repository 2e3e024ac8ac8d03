"""The soak's own daemon: started as a child that cannot outlive the soak, started again when it dies, ended at a checkpoint."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from engine.client import call
from engine.errors import EnvironmentFault, MimicryError
from engine.llm import tether
from engine.protocol import Reply
from engine.soak import kinds, processes
from engine.soak.ground import Ground
from state.lock import holder

PATIENCE_S = 60.0
END_S = 40.0
PAUSES = (0.0, 0.5, 2.0, 5.0, 10.0)
Log = Callable[[str, Mapping[str, Any]], object]


class Daemon:
    """One daemon after another over one state directory; every start and every end is on the soak's record."""

    def __init__(self, ground: Ground, log: Log, command: tuple[str, ...] = ()) -> None:
        """`command` is what runs the engine; default: this interpreter and `engine.cli`."""
        self._ground, self._log = ground, log
        self._command = command or (sys.executable, "-m", "engine.cli")
        self._process: subprocess.Popen[bytes] | None = None
        self._conditions: Mapping[str, Any] = {}
        self._ending = asyncio.Event()
        self._deaths = 0
        self._held = threading.Event()
        """Set while a fault changes what the next daemon finds."""
        self._expected = ""
        self.ready = asyncio.Event()
        """Set while its socket answers."""

    @property
    def pid(self) -> int | None:
        """Return the running daemon's process, None while there is none."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def ask(self, verb: str, *, seconds: float = 15.0, **arguments: Any) -> Reply:
        """Send one command over the control socket; Unreachable when nobody answers. Blocking."""
        return call(self._ground.room, verb, within=seconds, **arguments)

    def expect(self, why: str) -> None:
        """Say that the next death is our own doing."""
        self._expected = why

    def calm(self) -> None:
        """Take back what was expected: a death from here on is the daemon's own."""
        self._expected = ""

    async def keep(self) -> None:
        """Start the daemon, and again whenever it ends, until `stop`."""
        while not self._ending.is_set():
            while self._held.is_set():  # noqa: ASYNC110 - set and cleared by a fault's thread
                await asyncio.sleep(0.05)
            self._start()
            waiting = asyncio.create_task(self._until_ready())
            process = self._process
            assert process is not None
            code = await _ended(process)
            waiting.cancel()
            self.ready.clear()
            if self._ending.is_set():
                return
            self._deaths += 1
            told = {"what": "died", "pid": process.pid, "code": code, "expected": self._expected}
            if not self._expected:
                told["log"] = self._last_words()
            self._log(kinds.DAEMON, told)
            self._expected = ""
            await asyncio.sleep(
                PAUSES[min(self._deaths, len(PAUSES)) - 1] if code != -signal.SIGKILL else 0.0
            )

    def _start(self) -> None:
        """Start it on this thread, the main one: the tie to us is to the thread that starts it."""
        ground = self._ground
        words = [*self._command, "--state", str(ground.room), "--config", str(ground.config), "--no-ui"]
        tie = [sys.executable, "-P", str(Path(tether.__file__)), f"{os.getpid()}:SIGTERM"]
        env = {**os.environ, processes.MARK: ground.id, **self._conditions.get("env", {})}
        env["PYTHONPATH"] = os.pathsep.join(
            [str(Path(__file__).resolve().parents[2]), *filter(None, [env.get("PYTHONPATH")])]
        )
        with (ground.path / "daemon.log").open("ab") as sink:
            self._process = subprocess.Popen(
                [*tie, *words],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        for name, limit in self._conditions.get("rlimits", {}).items():
            resource.prlimit(self._process.pid, getattr(resource, f"RLIMIT_{name}"), (limit, limit))
        self._begun = time.monotonic()
        self._log(
            kinds.DAEMON,
            {"what": "started", "pid": self._process.pid, "conditions": _plain(self._conditions)},
        )

    async def _until_ready(self) -> None:
        """Wait until the socket answers and say how long that took."""
        while True:
            await asyncio.sleep(0.1)
            try:
                reply = await asyncio.to_thread(self.ask, "snapshot", seconds=5.0)
            except (MimicryError, OSError):
                continue
            if reply.ok and reply.data["engine"]["pid"] == self.pid:
                break
        told = {"what": "ready", "pid": self.pid, "seconds": round(time.monotonic() - self._begun, 3)}
        self._log(kinds.DAEMON, told | {"test_mode": reply.data["test_mode"]})
        self.ready.set()

    async def first(self) -> None:
        """Wait for the first answer; EnvironmentFault with its last words where it does not come up."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.ready.wait()
        except TimeoutError:
            raise EnvironmentFault(f"the soak's daemon did not come up: {self._last_words()}") from None

    def restart(
        self, conditions: Mapping[str, Any], away: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        """End the daemon at a checkpoint; `keep` starts it again under these conditions. From any thread, blocking.

        Returns when the next daemon answers, or was not ready in a minute: what it does then is for the caller to judge.
        `conditions`: `env` and `rlimits` of the next daemon, and `between`, called when the old one has ended and, inside
        `away()`, nothing of this soak has a file of the room open. {} = as before.
        """
        self._held.set()
        old = self._process
        try:
            self.expect("restart")
            self._end(old)
            between = conditions.get("between")
            if between is not None:
                with away():
                    between()
            self._conditions = {name: conditions[name] for name in ("env", "rlimits") if name in conditions}
        finally:
            self._held.clear()
        deadline = time.monotonic() + PATIENCE_S
        while (self._process is old or not self.ready.is_set()) and time.monotonic() < deadline:
            time.sleep(0.1)

    @staticmethod
    def _end(process: subprocess.Popen[bytes] | None) -> None:
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + END_S
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        if process.poll() is None:
            process.kill()
            process.wait()

    async def stop(self) -> None:
        """End it at its checkpoint and record how it went."""
        self._ending.set()
        process = self._process
        if process is None or process.poll() is not None:
            return
        begun = time.monotonic()
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(END_S):
                code = await _ended(process)
            forced = False
        except TimeoutError:
            process.kill()
            code, forced = await _ended(process), True
        told = {"what": "stopped", "pid": process.pid, "code": code, "forced": forced}
        self._log(kinds.DAEMON, told | {"seconds": round(time.monotonic() - begun, 3)})
        self.ready.clear()

    def _last_words(self) -> str:
        try:
            lines = (self._ground.path / "daemon.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            return "no log"
        return lines[-1][:400] if lines else "no output"


async def _ended(process: subprocess.Popen[bytes]) -> int:
    while (code := process.poll()) is None:  # noqa: ASYNC110 - a child watcher would tie us to one loop policy
        await asyncio.sleep(0.1)
    return code


def _plain(conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return conditions for the record: values of the environment stay out of it."""
    kept = {key: value for key, value in conditions.items() if key != "env"}
    return kept | ({"env": sorted(conditions["env"])} if conditions.get("env") else {})


def end_leftover(ground: Ground) -> str:
    """End a daemon of this soak that outlived its runner, and everything it started; return what was done, empty if nothing."""
    done = []
    for grace, sign in ((END_S, signal.SIGTERM), (2.0, signal.SIGKILL)):
        left = processes.marked(ground.id, but={os.getpid()})
        if not left:
            break
        pid, _ = holder(ground.room)
        first = [pid] if pid in left and sign == signal.SIGTERM else list(left)
        for one in first:
            try:
                os.kill(one, sign)
            except ProcessLookupError:
                continue  # ended by itself meanwhile
            done.append(f"{sign.name} {one}")
        deadline = time.monotonic() + grace
        while processes.marked(ground.id, but={os.getpid()}) and time.monotonic() < deadline:
            time.sleep(0.2)
    return ", ".join(done)
