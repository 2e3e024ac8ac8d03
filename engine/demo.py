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
    from engine.scenarios.source import ScenarioSource

FOLDER, SOURCE = "synthetic", "synthetic"
SCENARIO_DRAWS = 20_000
"""Of a scenario: a day, at the default pace."""


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

    def _source(self) -> Injector | ScenarioSource:
        from engine.history.injector import TRUTH, Injector, Plant
        from engine.seedtree import named_rng

        if self._settings.scenario is not None:
            return self._scenario(self._settings.scenario)
        if (self._folder / TRUTH).exists():
            injector = Injector.open(self._folder)
            injector.position = self._intake.store.known(injector.prefix)
            return injector
        self._must_be_empty()
        asked = self._settings
        rng = named_rng(asked.seed, "demo")
        plant = Plant(asked.family, asked.mapping, *asked.range, seed=int(rng.integers(asked.seeds)))
        return Injector.create(self._folder, plant, rng)

    def _scenario(self, name: str) -> ScenarioSource:
        from engine.scenarios.scenario import Asked
        from engine.scenarios.source import TRUTH, ScenarioSource

        if not (self._folder / TRUTH).exists():
            self._must_be_empty()
            asked = self._settings
            told = Asked(
                draws=SCENARIO_DRAWS,
                seed=asked.seed,
                range=asked.range,
                families=(asked.family,),
                seeds=asked.seeds,
            )
            return ScenarioSource.create(self._folder, name, told)
        source = ScenarioSource.open(self._folder)
        source.position = self._intake.store.known(source.prefix)
        return source

    def _must_be_empty(self) -> None:
        if not self._intake.empty:
            raise UsageError(
                f"{self._folder.parent}: holds draws that are not synthetic; give the demo a --state of its own"
            )

    def _fill(self, injector: Injector | ScenarioSource) -> None:
        """Deliver what the first history still lacks, in one batch."""
        missing = self._settings.draws - injector.position
        if missing > 0:
            self._intake.append([injector.next_draw() for _ in range(missing)], SOURCE)
