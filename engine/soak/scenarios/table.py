"""The scenarios by letter."""

from __future__ import annotations

from collections.abc import Mapping

from engine.soak.scenarios import endurance, loop, queue
from engine.soak.scenarios.scenario import Scenario

SCENARIOS: Mapping[str, Scenario] = {one.SCENARIO.letter: one.SCENARIO for one in (endurance, queue, loop)}
