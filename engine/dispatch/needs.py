"""What a request must find before it may start: a GPU, free workers, draws, an advisor; and the phrase that says what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.desk import Desk
    from state.requests import RequestRow

FEWEST_DRAWS = 3
DEVICES = ("nvidia0", "kfd")
"""What a driver puts under /dev: NVIDIA's first card, and the node of AMD's compute driver."""


class Needs:
    """Answers for one desk; a blocker of the queue."""

    def __init__(self, desk: Desk, *, devices: Path = Path("/dev")) -> None:
        """`devices` is where drivers put their nodes."""
        self._desk, self._devices = desk, devices
        self.table: Mapping[str, Callable[[], str | None]] = {
            "gpu": self._gpu,
            "workers": self._workers,
            "draws": self._draws,
            "llm": self._llm,
        }

    def __call__(self, row: RequestRow) -> str | None:
        """Return what the request still needs, or None."""
        return next((why for need in row.needs if (why := self.table[need]()) is not None), None)

    def _gpu(self) -> str | None:
        if self._desk.settings.rigs or any((self._devices / name).exists() for name in DEVICES):
            return None
        return "needs a gpu: this machine has no driver's device and no rig is configured"

    def _workers(self) -> str | None:
        return "needs workers: another piece of work holds them" if self._desk.bench.busy else None

    def _draws(self) -> str | None:
        count = self._desk.intake.count
        return None if count >= FEWEST_DRAWS else f"needs draws: {count} of {FEWEST_DRAWS} are stored"

    def _llm(self) -> str | None:
        state = self._desk.advisor.state
        return f"needs llm: advice is {state}" if state.startswith("none") else None
