"""The demo's source of draws: a planted history, then a new synthetic draw every few seconds. Test mode, visibly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from engine.config import DemoSettings
    from engine.feedback.intake import Intake
    from engine.history.injector import Injector

FOLDER, SOURCE = "synthetic", "synthetic"


class Demo:
    """Feeds planted draws into the room's intake; after a restart it goes on where the store stands."""

    def __init__(self, state: Path, intake: Intake, settings: DemoSettings) -> None:
        """Remember where the truth lies; nothing is planted yet."""
        self._folder, self._intake, self._settings = state / FOLDER, intake, settings

    async def serve(self) -> None:
        """Deliver the first history, then one draw at a time, forever."""
        injector = await asyncio.to_thread(self._source)
        await asyncio.to_thread(self._fill, injector)
        while True:
            await asyncio.sleep(self._settings.seconds_per_draw)
            draw = await asyncio.to_thread(injector.next_draw)
            self._intake.append([draw], SOURCE)

    def _source(self) -> Injector:
        from engine.history.injector import TRUTH, Injector, Plant
        from engine.seedtree import named_rng

        if (self._folder / TRUTH).exists():
            injector = Injector.open(self._folder)
            injector.position = self._intake.store.known(injector.prefix)
            return injector
        if not self._intake.empty:
            raise UsageError(
                f"{self._folder.parent}: holds draws that are not synthetic; give the demo a --state of its own"
            )
        asked = self._settings
        rng = named_rng(asked.seed, "demo")
        plant = Plant(asked.family, asked.mapping, *asked.range, seed=int(rng.integers(asked.seeds)))
        return Injector.create(self._folder, plant, rng)

    def _fill(self, injector: Injector) -> None:
        """Deliver what the first history still lacks, in one batch."""
        missing = self._settings.draws - injector.position
        if missing > 0:
            self._intake.append([injector.next_draw() for _ in range(missing)], SOURCE)
