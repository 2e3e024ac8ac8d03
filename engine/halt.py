"""The one halt: finish, checkpoint or now; who, why, when; in force until it is lifted, across restarts.

Every piece of work asks it before it starts and while it runs. Asking for a halt works from any thread, also while the
engine's loop stalls: the stop word moves first, the journal row follows.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Literal, Protocol

from engine import protocol
from engine.errors import EnvironmentFault, Halted, UsageError
from state.clock import utc_now
from state.errors import StateError, StateLocked
from state.halts import HaltRow
from state.journal import Journal

Point = Literal["inside", "checkpoint", "end"]
"""Where a piece of work asks: inside a chunk, trial or epoch; between two of them; before the next step or request."""

STRENGTH: Mapping[str, int] = {"finish": 0, "checkpoint": 1, "now": 2}
BINDS: Mapping[Point, int] = {"end": 0, "checkpoint": 1, "inside": 2}
REASON_LIMIT = 500
NO_REASON = "no reason given"
logger = logging.getLogger("mimicry.halt")


def worded(reason: str) -> str:
    """Return a reason as it stays on record: one line of Unicode, cut to its limit."""
    return " ".join(reason.encode(errors="replace").decode().split())[:REASON_LIMIT] or NO_REASON


class Switch(Protocol):
    """What reaches running kernels in every process (`engine.compute.stop.StopWord`)."""

    def bump(self) -> int:
        """Tell everything that runs now to stop."""


class Halt:
    """The halt of one state directory; `state` is the row in force or None."""

    def __init__(self, journal: Journal, stop: Switch) -> None:
        self._journal, self._stop = journal, stop
        self._lock = threading.RLock()
        self._listeners: list[Callable[[HaltRow | None], None]] = []
        self._row = (
            journal.halt_reached()
        )  # a halt from before this start: nothing runs yet, so it is reached

    @property
    def state(self) -> HaltRow | None:
        """Return the halt in force."""
        return self._row

    @property
    def pending(self) -> bool:
        """Tell whether a halt was asked for and something still runs."""
        return self._row is not None and self._row.reached is None

    def record(self) -> protocol.Halt | None:
        """Return the halt in force as a wire record."""
        return None if self._row is None else protocol.Halt.model_validate(asdict(self._row))

    def asked(self, point: Point = "inside") -> bool:
        """Tell whether work at `point` must stop; costs an attribute read."""
        row = self._row
        return row is not None and STRENGTH[row.kind] >= BINDS[point]

    def raise_if_asked(self, point: Point = "inside") -> None:
        """Raise Halted when work at `point` must stop."""
        row = self._row
        if row is not None and self.asked(point):
            raise Halted(
                f"halted ({row.kind}) by {row.by}: {row.reason}; `mimicry resume` goes on from what is recorded"
            )

    def ask(self, kind: str = "now", reason: str = "", by: str = "") -> HaltRow:
        """Halt; return the row in force. `now` stops devices before anything is written down; a weaker kind changes nothing."""
        if kind not in STRENGTH:
            raise UsageError(f"halt {kind!r}: kinds are {', '.join(STRENGTH)}")
        if kind == "now":
            self._stop.bump()
        reason = worded(reason)
        with self._lock:
            standing = self._row
            if standing is not None and STRENGTH[standing.kind] >= STRENGTH[kind]:
                self._repeat(kind, reason, by)
                return standing
            self._row = HaltRow(
                kind, by, reason, utc_now(), None, 0
            )  # in force even if the disk refuses the row
            try:
                self._row = self._journal.halt_set(kind, reason, by)
            except StateError as error:
                raise EnvironmentFault(
                    f"halted, but only until this process ends, for it could not be recorded: {error}"
                ) from error
            finally:
                if kind == "now":
                    self._stop.bump()  # again: what was submitted between the first bump and the row runs under a new generation
                self._tell()
            return self._row

    def _repeat(self, kind: str, reason: str, by: str) -> None:
        try:
            self._journal.append("halt.repeated", {"kind": kind, "reason": reason, "by": by})
        except StateError as error:
            raise EnvironmentFault(
                f"halted already; that it was asked again could not be written down: {error}"
            ) from error

    def reached(self) -> HaltRow | None:
        """Mark that nothing runs any more; the first mark counts."""
        with self._lock:
            if not self.pending:
                return self._row
            self._row = self._journal.halt_reached() or self._row
            self._tell()
            return self._row

    def resume(self, by: str, reason: str = "") -> bool:
        """Lift the halt; return whether there was one."""
        with self._lock:
            cleared = self._journal.halt_clear(by, reason) or self._row is not None
            self._row = None
            if cleared:
                self._tell()
        return cleared

    def listen(self, callback: Callable[[HaltRow | None], None]) -> Callable[[], None]:
        """Call `callback(row or None)` on every change, in the thread that changes it, quickly; returns how to stop."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def _tell(self) -> None:
        for callback in tuple(self._listeners):
            try:
                callback(self._row)
            except (
                RuntimeError
            ):  # its loop is gone; a halt must not fail because somebody does not listen any more
                logger.exception("halt listener failed")


class _NoDevices:
    """The switch where no daemon runs."""

    def bump(self) -> int:
        return 0


def halt_offline(state: Path, *, kind: str = "now", reason: str = "", by: str | None = None) -> HaltRow:
    """Halt without a daemon: write the row for the next start, under the lock."""
    try:
        from engine.peer import ACT, this_process

        me = this_process("command line")
        with Journal.open(state) as journal:
            row = Halt(journal, _NoDevices()).ask(kind, reason, by or me.by)
            journal.append(ACT, me.act("halt", {"kind": kind, "reason": reason}))
            return row
    except StateLocked as error:
        told = _stop_word(state) if kind == "now" else "nothing was told to stop"
        raise EnvironmentFault(
            f"{state}: process {error.pid} owns this state but its socket does not answer; {told}; "
            f"the halt is not recorded: end that process (kill {error.pid}) and halt again"
        ) from error
    except StateError as error:
        raise EnvironmentFault(str(error)) from error


def _stop_word(state: Path) -> str:
    from engine.compute.stop import NAME, StopWord

    with StopWord(state / NAME) as word:
        word.bump()
    return "its kernels were told to stop"
