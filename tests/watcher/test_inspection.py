"""What the watcher looks at itself: artifacts that are links, gone or older than their inputs, executions that repeat themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.pipeline.context import StepOutcome
from engine.watcher.inspection import FINISHED, Inspector
from state.artifacts import ArtifactStore, Lineage
from state.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def codes(inspector: Inspector, outcome: StepOutcome) -> list[str]:
    return [finding.code for finding in inspector(outcome)]


def test_an_honest_artifact_is_silent_and_each_fault_is_named(journal: Journal, store: ArtifactStore) -> None:
    made = store.write_json("in.json", {"a": 1}, Lineage(schema="x/1"))
    output = store.write_json("out.json", {"b": 1}, Lineage(schema="x/1", inputs={"in.json": made.sha256}))
    outcome, inspector = StepOutcome("1", artifacts=[output]), Inspector(store, journal)
    assert codes(inspector, outcome) == []
    later = output.path.stat().st_mtime + 60
    os.utime(made.path, (later, later))
    assert codes(inspector, outcome) == ["artifact.stale"]
    outcome.status = "skipped"
    assert codes(inspector, outcome) == [], (
        "an input written again with the same content does not make a step stale"
    )
    assert codes(Inspector(store, journal, lambda: "another"), outcome) == ["artifact.code"]
    output.path.rename(output.path.with_name("real.json"))
    assert codes(inspector, outcome) == ["artifact.gone"]
    output.path.symlink_to("real.json")
    assert codes(inspector, outcome) == ["artifact.link"]


def execute(journal: Journal, seconds: float, *values: float) -> StepOutcome:
    outcome = StepOutcome("5", seconds=seconds)
    for number, value in enumerate(values):
        outcome.measure(f"m{number}", value)
    journal.append(FINISHED, {"run": "run-1", **outcome.record()})
    return outcome


def test_executions_that_repeat_to_the_millisecond_or_digit_warn(
    journal: Journal, store: ArtifactStore
) -> None:
    inspector = Inspector(store, journal)
    for _ in range(2):
        assert codes(inspector, execute(journal, 12.345, 0.1, 0.2, 0.3)) == []
    found = inspector(execute(journal, 12.345, 0.1, 0.2, 0.3))
    assert [(one.code, one.level) for one in found] == [
        ("episodes.durations", "warn"),
        ("episodes.metrics", "warn"),
    ]
    assert codes(inspector, execute(journal, 12.346, 0.1, 0.2, 0.31)) == []


def test_short_steps_and_counts_may_repeat(journal: Journal, store: ArtifactStore) -> None:
    inspector = Inspector(store, journal)
    for _ in range(4):
        assert codes(inspector, execute(journal, 0.002, 0.1, 0.2, 0.3)) == []
    for number in range(4):
        assert codes(inspector, execute(journal, 5.0 + number, 1.0, 3.0, 0.5)) == []
