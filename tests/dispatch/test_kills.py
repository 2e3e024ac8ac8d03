"""kill -9 of the real engine at random moments: nothing is lost, nothing is doubled."""

from __future__ import annotations

from pathlib import Path

import pytest
from kills import Kills


def test_six_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    harness = Kills(tmp_path / "state", seed=7)
    for _ in range(6):
        harness.round(1.6)
    harness.settle()
    count = harness.verify()
    assert count["kills"] == 6
    assert count["draws"] > 0


@pytest.mark.slow
def test_two_hundred_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """About 15 minutes on two cores: draws, searches with workers, and pipelines are killed in the middle."""
    harness = Kills(tmp_path / "state", seed=11, searches=True)
    for _ in range(200):
        harness.round(4.0 if harness.random.random() < 0.85 else 16.0)
    harness.settle()
    assert harness.verify()["kills"] == 200
