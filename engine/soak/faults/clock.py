"""The fault of the clock: the wall clock of the engine and its children jumps forth and back. The machine's clock is never set."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

from engine.soak.fault import CannotBeDone
from engine.soak.faults.base import Base, Letter, program, risen, whole
from engine.soak.target import Target
from state.journal import Journal

SOURCE = Path(__file__).with_name("clock.c")
JUMPS = (3600, -7200, 3600)
"""Seconds: an hour forth, two back, and right again."""
PATIENCE_S = 30.0
TOLERANCE_S = 2.0


class ClockStep(Base):
    """An hour forth, two hours back, right again."""

    name = "clock_step"
    summary = "the engine's wall clock jumps +1 h, -2 h, +1 h (a library of ours, for this process alone)"
    holds = "order is the journal's; no lease, deadline or delay moves; each jump is one clock.step event with its size"
    needs = "cc"

    def __init__(self) -> None:
        self._since = 0
        self._letter: Letter | None = None

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Restart the room under the shifted clock and let it jump; between jumps something is put on record."""
        library, word = built(target.scratch), target.scratch / "clock.shift"
        _set(word, 0)
        target.restart({"env": {"LD_PRELOAD": str(library), "MIMICRY_CLOCK_SHIFT": str(word)}})
        risen(target)
        self._since = target.room_seq()
        at = 0
        for number, jump in enumerate(JUMPS, start=1):
            at += jump
            _set(word, at * 1_000_000_000)
            self._put_on_record(target, number)
        return f"the engine's wall clock jumped by {', '.join(f'{jump:+d} s' for jump in JUMPS)}"

    def _put_on_record(self, target: Target, jumps: int) -> None:
        """Have something recorded after a jump, and wait until so many are on record: two jumps between two records are one.

        A record that was begun before the jump may follow it. What never stands on record is for `findings` to tell.
        """
        deadline = time.monotonic() + PATIENCE_S
        Letter(target)
        while len(self._seen(target)) < jumps and time.monotonic() < deadline:
            time.sleep(0.1)

    def _seen(self, target: Target) -> list[float]:
        """Return the jumps that the journal has noticed, in seconds."""
        with Journal.read_only(target.state) as journal:
            return [
                event.data["seconds"] for event in journal.events(after=self._since, kinds=("clock.step",))
            ]

    def undo(self, target: Target) -> None:
        """Set the clock right, also where a jump could not be finished."""
        word = target.scratch / "clock.shift"
        if word.exists():
            _set(word, 0)

    def recovered(self, target: Target) -> bool:
        """Say whether a letter that came after the jumps has been taken, answered and archived."""
        if self._letter is None:
            self._letter = Letter(target)
        return self._letter.answer is not None and whole(target)

    def findings(self, target: Target) -> list[str]:
        """Every jump stands on record, with its size; then the room gets the machine's clock back."""
        seen = self._seen(target)
        found = []
        if len(seen) != len(JUMPS) or any(
            abs(one - jump) > TOLERANCE_S for one, jump in zip(seen, JUMPS, strict=False)
        ):
            found.append(f"clock.step events say {seen}, the clock jumped by {list(JUMPS)}")
        target.restart({})
        return found


def built(folder: Path) -> Path:
    """Compile the library into `folder` and return its path."""
    library = folder / "clock.so"
    command = [program("cc"), "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBeDone(f"cc does not compile {SOURCE.name}: {done.stderr.strip().splitlines()[-1:]}")
    return library


def _set(word: Path, nanoseconds: int) -> None:
    """Write the shift in place: the library has the file mapped."""
    with word.open("r+b" if word.exists() else "w+b") as file:
        file.write(nanoseconds.to_bytes(8, "little", signed=True))
