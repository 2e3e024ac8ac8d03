"""Keep the room's services running: restart with back-off, every failure on the record, state visible to all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

logger = logging.getLogger("mimicry.supervise")

FIRST_DELAY, LAST_DELAY = 0.5, 30.0
STABLE_SECONDS = 60.0
AGAIN_SECONDS = 3600.0
"""A service that fails with the same words again is told once an hour: a restart every 30 s must not fill the journal."""
UNTOLD = 20
"""Failures kept for later while the journal takes none; the oldest give way, the log has all."""
State = Literal["running", "waiting", "ended"]
Service = Callable[[], Awaitable[None]]


@dataclass
class ServiceState:
    """One service as others may see it."""

    name: str
    state: State = "waiting"
    restarts: int = 0
    error: str | None = None
    since: float = field(default_factory=time.monotonic)

    @property
    def well(self) -> bool:
        """Say whether the service runs and has run for a while since its last fault."""
        return self.state != "waiting" and (
            self.error is None or time.monotonic() - self.since > STABLE_SECONDS
        )


class Supervisor:
    """Runs coroutines as one group; a service that raises is started again, one that returns has ended."""

    def __init__(
        self,
        told: Callable[[str, str], None] = lambda name, error: None,
        *,
        first_delay: float = FIRST_DELAY,
        last_delay: float = LAST_DELAY,
    ) -> None:
        """`told(name, error)` is called once per failure, for the journal."""
        self._told, self._first, self._last = told, first_delay, last_delay
        self._untold: deque[tuple[str, str]] = deque(maxlen=UNTOLD)
        self._services: dict[str, Service] = {}
        self._said: dict[str, tuple[str, float]] = {}
        """The fault of each service that was told last, and when."""
        self.states: dict[str, ServiceState] = {}

    def add(self, name: str, service: Service) -> None:
        """Add a service before `run`."""
        if name in self._services:
            raise ValueError(f"service {name} is there already")
        self._services[name] = service
        self.states[name] = ServiceState(name)

    async def run(self) -> None:
        """Run every service until it ends; cancel this to stop them all."""
        async with asyncio.TaskGroup() as group:
            for name, service in self._services.items():
                group.create_task(self._keep(name, service), name=f"service:{name}")

    def degraded(self) -> list[str]:
        """Return one line per service that is not well."""
        return [f"{s.name}: {s.error} (restarted {s.restarts}×)" for s in self.states.values() if not s.well]

    async def _keep(self, name: str, service: Service) -> None:
        state, delay = self.states[name], self._first
        while True:
            begun = time.monotonic()
            state.state, state.since = "running", begun
            try:
                await service()
                state.state, state.error = "ended", None
                return
            except Exception as error:  # noqa: BLE001 - the one place that outlives any fault of a service
                self._note(state, error)
            if time.monotonic() - begun > STABLE_SECONDS:
                delay = self._first
            await asyncio.sleep(delay)
            delay = min(delay * 2, self._last)
            self._tell()

    def _note(self, state: ServiceState, error: Exception) -> None:
        state.state, state.restarts = "waiting", state.restarts + 1
        state.since = time.monotonic()
        state.error = f"{type(error).__name__}: {error}".splitlines()[0]
        logger.error("service %s failed: %s", state.name, state.error, exc_info=error)
        now, last = time.monotonic(), self._said.get(state.name)
        if last is None or last[0] != state.error or now - last[1] > AGAIN_SECONDS:
            self._said[state.name] = (state.error, now)
            self._untold.append((state.name, state.error))
        self._tell()

    def _tell(self) -> None:
        """Put failures on record; one that cannot be now, as on a full disk, waits: it must not end what keeps services running."""
        while self._untold:
            try:
                self._told(*self._untold[0])
            except Exception as error:  # noqa: BLE001 - whatever keeps the record shut
                logger.warning(
                    "the failure of service %s is not on record yet: %s", self._untold[0][0], error
                )
                return
            self._untold.popleft()
