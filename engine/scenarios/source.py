"""A scenario as a source of draws for the demo: one after the other, the same again after a restart, its truth in a private file."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.errors import EnvironmentFault, UsageError
from engine.history.cursor import write_json
from engine.history.store import Arrival
from engine.scenarios.catalog import CATALOG, make
from engine.scenarios.scenario import Asked
from engine.seedtree import named_seed

TRUTH = "scenario_truth.json"


class ScenarioSource:
    """Delivers a scenario's draws; `position` is how many were delivered already, which the store of draws knows by their ids."""

    def __init__(self, name: str, asked: Asked, position: int = 0) -> None:
        self._made, self.position = make(name, asked), position
        self.prefix = f"synthetic-{named_seed(asked.seed, name) >> 31:08x}-"

    @classmethod
    def create(cls, directory: Path, name: str, asked: Asked) -> ScenarioSource:
        """Plant a scenario in a directory; one that cannot be made again the same is refused."""
        if name in CATALOG and "seed" not in CATALOG[name].reads and "ball" not in CATALOG[name].reads:
            raise UsageError(f"scenario {name}: is not repeatable, so a restart could not go on with it")
        source = cls(name, asked)
        record = {**source._made.revealed(name), "name": name, "asked": asdict(asked)}
        write_json(directory / TRUTH, record)
        return source

    @classmethod
    def open(cls, directory: Path) -> ScenarioSource:
        """Go on with a planted scenario."""
        path = directory / TRUTH
        try:
            record = json.loads(path.read_text())
            asked = record["asked"]
            told: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value for key, value in asked.items()
            }
            return cls(record["name"], Asked(**told))
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            IndexError,
            OverflowError,
            RecursionError,
        ) as error:
            raise EnvironmentFault(f"{path}: not a planted scenario ({error}); use another --state") from None

    @property
    def left(self) -> int:
        """Return how many draws are still to come."""
        return len(self._made.values) - self.position

    def next_draw(self, time: datetime | None = None, session: str | None = None) -> Arrival:
        """Return the next draw, with its own session, and move on."""
        at = self.position
        if not self.left:
            raise UsageError(f"the scenario's {at} draws are all delivered")
        self.position = at + 1
        named = session if self._made.sessions is None else self._made.sessions[at]
        return Arrival(self._made.values[at], time, named, f"{self.prefix}{at}")
