"""Needs: a request waits for what it names, says so, and starts once it is there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.dispatch.needs import Needs
from engine.dispatch.queue import LearningLoop, Queue, parse_request
from engine.errors import BadInput
from engine.halt import Halt
from state.journal import Journal


class Surroundings:
    """What needs look at."""

    def __init__(self, devices: Path) -> None:
        self.settings, self.bench = SimpleNamespace(rigs=()), SimpleNamespace(busy=True)
        self.intake, self.advisor = SimpleNamespace(count=2), SimpleNamespace(state="none(not configured)")
        self.devices = devices

    def needs(self) -> Needs:
        found: Any = self
        return Needs(found, devices=self.devices)


@pytest.mark.parametrize("need", ["gpu", "workers", "draws", "llm"])
def test_each_need_holds_back_and_lets_go(journal: Journal, halt: Halt, tmp_path: Path, need: Any) -> None:
    around = Surroundings(tmp_path)
    queue = Queue(journal, halt, blockers=[around.needs()])
    row = queue.submit(LearningLoop(needs=(need,)), origin="test")
    free = queue.submit(LearningLoop(), origin="test")
    assert queue.why(row).startswith(f"needs {'a gpu' if need == 'gpu' else need}: ")
    claimed = queue.claim()
    assert claimed is not None
    assert claimed.id == free.id, "what waits does not hold up the rest"
    queue.requeue(free.id, "back")
    (tmp_path / "kfd").touch()
    around.bench.busy, around.intake.count, around.advisor.state = False, 3, "ready"
    claimed = queue.claim()
    assert claimed is not None
    assert (claimed.id, claimed.needs) == (row.id, (need,))


def test_an_unknown_need_is_refused() -> None:
    with pytest.raises(BadInput, match=r"needs\.0"):
        parse_request({"type": "learning_loop", "needs": ["vram"]})
