"""The daemon's watch over itself as the room holds it: stalls, the service manager, the metrics endpoint, the log file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.observe.notify import Notifier
from engine.observe.stall import StallWatch

if TYPE_CHECKING:
    from engine.alerts.rules import Sight
    from engine.config import ObserveSettings
    from engine.logs import LogFile


class Lookout:
    """Its services run with the room's; `begin` and `end` belong to the loop's thread."""

    def __init__(
        self,
        settings: ObserveSettings,
        state: Path,
        record: Callable[[str, Mapping[str, Any]], int],
        sight: Callable[[], Sight],
        log: LogFile | None,
    ) -> None:
        """`record(kind, data)` writes into the journal; `sight()` is what status shows."""
        self._settings, self._state, self._sight, self._log = settings, state, sight, log
        self._stalls = StallWatch(settings.stall_s, record)
        self._notifier = Notifier.taken()
        self._missing = ""

    def services(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what runs as long as the room does, by name."""
        found: dict[str, Callable[[], Awaitable[None]]] = {"stalls": self._stalls.run}
        if self._notifier.managed:
            found["systemd"] = lambda: self._notifier.keep(self._status)
        if self._settings.metrics is not None and (serve := self._endpoint(self._settings.metrics)):
            found["metrics"] = serve
        return found

    def _endpoint(self, address: str) -> Callable[[], Awaitable[None]] | None:
        """Return the endpoint; without its library the room works, and says what is missing."""
        try:
            from engine.observe.endpoint import Endpoint
        except ImportError as error:
            self._missing = f"observe.metrics: {error.name} is missing: make install EXTRAS=room"
            return None
        return Endpoint(address, self._state, self._sight).serve

    def _status(self) -> str:
        shot = self._sight().snapshot
        return f"{shot.mode}, {shot.evidence.draws} draws, {shot.requests_waiting} requests wait"

    def begin(self) -> None:
        """Watch the loop, and tell the service manager that the room is open."""
        self._stalls.start()
        self._notifier.ready()

    def stopping(self) -> None:
        """Tell the service manager that the end has begun."""
        self._notifier.stopping()

    async def end(self) -> None:
        """Stop watching."""
        await self._stalls.close()

    def degraded(self) -> list[str]:
        """Return what is wrong with the watch itself, and the last stall."""
        log = self._log.degraded() if self._log else []
        missing = [self._missing] if self._missing else []
        return [*self._stalls.degraded(), *self._notifier.degraded(), *missing, *log]

    def readings(self) -> dict[str, float]:
        """Return numbers for the series."""
        return self._stalls.readings()
