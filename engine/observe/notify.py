"""What systemd is told of the daemon: ready, its state, that it lives, that it ends. The sd_notify protocol, without a library."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, MutableMapping

SOCKET, EVERY, WHO = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
STATUS_SECONDS = 10.0
logger = logging.getLogger("mimicry.systemd")


class Notifier:
    """Sends datagrams to the service manager that started this process; does nothing where none did."""

    def __init__(self, address: str | None, watchdog: float | None = None) -> None:
        """`address` is a path or, with a leading @, an abstract name; `watchdog` the seconds within which life is expected."""
        self._address, self.watchdog = address, watchdog if address else None
        self._fault = ""

    @classmethod
    def taken(cls, environ: MutableMapping[str, str] = os.environ) -> Notifier:
        """Read what the manager left in the environment and remove it: workers must not speak for the daemon."""
        address, microseconds, who = (environ.pop(name, "") for name in (SOCKET, EVERY, WHO))
        mine = not who or who == str(os.getpid())
        watchdog = int(microseconds) / 1e6 if microseconds.isdigit() and int(microseconds) and mine else None
        return cls(address if address.startswith(("/", "@")) else None, watchdog)

    @property
    def managed(self) -> bool:
        """Say whether a manager listens."""
        return self._address is not None

    def ready(self) -> None:
        """Say that the room is open."""
        self.send("READY=1", f"MAINPID={os.getpid()}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self.send("STOPPING=1")

    def send(self, *words: str) -> None:
        """Send assignments in one datagram; a manager that does not take them is logged once and costs nothing else."""
        if self._address is None:
            return
        target = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)
                out.sendto("\n".join(words).encode(), target)
        except OSError as error:
            if not self._fault:
                logger.warning("%s: systemd is not told: %s", self._address, error.strerror or error)
            self._fault = f"systemd: not told ({error.strerror or error})"
        else:
            self._fault = ""

    def degraded(self) -> list[str]:
        """Return what the manager does not learn."""
        return [self._fault] if self._fault else []

    async def keep(self, status: Callable[[], str]) -> None:
        """Tell that the loop lives, three times within the watchdog's time, and how the room stands: a service of the room.

        It is sent from the loop that works: one that stalls is silent, and the manager ends and restarts the process.
        """
        pause = min(STATUS_SECONDS, self.watchdog / 3) if self.watchdog else STATUS_SECONDS
        while self.managed:
            alive = ["WATCHDOG=1"] if self.watchdog else []
            self.send(*alive, f"STATUS={status()}")
            await asyncio.sleep(pause)
