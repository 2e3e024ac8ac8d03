"""GPU work only through the coordinator: one room starts it, one room speaks SSH, nobody else may import either."""

from __future__ import annotations

import pytest
import walls


@pytest.mark.parametrize(
    "importer",
    [
        "engine.selfplay.loop",
        "engine.pipeline.runner",
        "engine.rigs.check",
        "engine.dispatch.dispatcher",
        "engine.llm.advice",
        "tui.app",
    ],
)
def test_work_through_another_door_breaks_the_build(importer: str) -> None:
    assert walls.kept("GPU work has one door")
    assert walls.held_off("GPU work has one door", importer, "distributed")


@pytest.mark.parametrize(
    "importer",
    [
        "engine.compute.cluster",
        "engine.selfplay.loop",
        "engine.llm.advice",
        "engine.feedback.cycle",
        "state.journal",
    ],
)
def test_ssh_from_anywhere_else_breaks_the_build(importer: str) -> None:
    assert walls.kept("SSH has one door")
    assert walls.held_off("SSH has one door", importer, "asyncssh")
