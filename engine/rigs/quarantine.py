"""Which cards and rigs are set aside, since when, why and until when: read back from the journal, so it survives a restart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

SET_ASIDE, INCLUDED, DRAINED = "rig.quarantined", "rig.included", "rig.drained"
KINDS = (SET_ASIDE, INCLUDED, DRAINED)


class Log(Protocol):
    """What is needed of the journal."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        """Record one change."""

    def events(self, *, kinds: Any = None) -> Iterable[Any]:
        """Yield the records of some kinds, oldest first."""


@dataclass(frozen=True)
class Aside:
    """One card (`rig/pci`) or rig that takes no work."""

    key: str
    reason: str
    by: str
    since: float
    until: float | None
    """Seconds since 1970; None stands until somebody includes it."""
    drained: bool = False
    """By hand and in good health: what runs is finished first."""

    def words(self, now: float) -> str:
        """Return why and how long still."""
        left = "" if self.until is None else f", {max(0, self.until - now) / 60:.0f} min left"
        return f"{'drained' if self.drained else 'quarantined'} by {self.by}: {self.reason}{left}"


class Quarantine:
    """The list of what is set aside. A change is recorded before it counts."""

    def __init__(self, log: Log, clock: Callable[[], float] = time.time) -> None:
        """Read what the record says."""
        self._log, self._clock = log, clock
        self._aside: dict[str, Aside] = {}
        for event in log.events(kinds=KINDS):
            self._apply(event.kind, event.data)

    def _apply(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == INCLUDED:
            self._aside.pop(data["key"], None)
        else:
            self._aside[data["key"]] = Aside(
                data["key"], data["reason"], data["by"], data["since"], data["until"], kind == DRAINED
            )

    def put(
        self, key: str, reason: str, by: str, seconds: float | None = None, *, drained: bool = False
    ) -> None:
        """Set a card or rig aside, for some seconds or until somebody includes it; never shorter than it stands already."""
        now = self._clock()
        until = None if seconds is None else now + seconds
        old = self.of(key)
        if (
            old is not None
            and old.drained == drained
            and (old.until is None or (until is not None and until <= old.until))
        ):
            return
        data = {"key": key, "reason": reason, "by": by, "since": now, "until": until}
        kind = DRAINED if drained else SET_ASIDE
        self._log.append(kind, data)
        self._apply(kind, data)

    def include(self, key: str, by: str, reason: str = "") -> bool:
        """Let a card or rig work again; False if it was not set aside."""
        if key not in self._aside:
            return False
        data = {"key": key, "by": by, "reason": reason}
        self._log.append(INCLUDED, data)
        self._apply(INCLUDED, data)
        return True

    def of(self, key: str) -> Aside | None:
        """Return why a card or rig is set aside; one whose time is over is not."""
        found = self._aside.get(key)
        return None if found is None or self._over(found) else found

    def expired(self) -> list[str]:
        """Return the keys whose time is over, and record that they are included again."""
        over = [aside.key for aside in tuple(self._aside.values()) if self._over(aside)]
        for key in over:
            self.include(key, "expiry", "its time is over")
        return over

    def _over(self, aside: Aside) -> bool:
        return aside.until is not None and self._clock() >= aside.until
