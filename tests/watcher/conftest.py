"""A desk with everything real on it; nothing is started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.board import Board
from engine.compute.stop import StopWord
from engine.config import load
from engine.desk import Desk, Shelf
from engine.feedback.acceptance import Acceptance
from engine.feedback.epochs import Epochs
from engine.feedback.intake import Intake
from engine.halt import Halt
from engine.llm.advisor import NoAdvisor
from engine.parameters import REGISTRY, Parameters
from engine.watcher.fingerprints import Fingerprints
from engine.watcher.policies import DEFAULTS
from engine.workbench import Workbench
from state.journal import Journal


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    journal = Journal.open(tmp_path)
    halt = Halt(journal, StopWord(tmp_path / "stop.word"))
    made = Desk(
        state=tmp_path,
        settings=load(),
        journal=journal,
        halt=halt,
        bench=Workbench(tmp_path, workers=1, memory_mb=None, idle_seconds=60.0),
        shelf=Shelf(tmp_path, journal),
        intake=Intake(tmp_path, journal, lambda: None),
        parameters=Parameters(journal.parameters, REGISTRY),
        policies=DEFAULTS,
        fingerprints=Fingerprints(journal),
        advisor=NoAdvisor(),
        acceptance=Acceptance(journal, tmp_path / "policy_history"),
        epochs=Epochs(journal),
        board=Board(),
    )
    yield made
    made.intake.close()
    journal.close()
