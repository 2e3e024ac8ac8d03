"""A session of selfplay whose episodes look alike: which of them may not have run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from engine.dispatch.selfplay import doubts
from engine.selfplay.episode import floor


def played(*scores: tuple[float, float], seconds: tuple[float, ...] | None = None) -> Any:
    """Return episodes of these scores, each beside its score on shuffled draws."""
    lengths = seconds or tuple(1.0 + number / 8 for number in range(len(scores)))
    return [
        SimpleNamespace(fitness=score, null=null, seconds=length)
        for (score, null), length in zip(scores, lengths, strict=True)
    ]


MISS = (floor(), floor())


@pytest.mark.parametrize(
    ("episodes", "doubted"),
    [
        (played(*[(0.6, 0.1)] * 3), ["episodes.metrics"]),
        (played((0.6, 0.1), (0.7, 0.1), (0.6, 0.1)), []),
        (played(*[MISS] * 5), []),
        (
            played(*[MISS] * 7, *[(0.6, 0.6)] * 3),
            [],
        ),  # of few draws: all is missed, or one is met, by chance as often
        (played(*[(0.6, 0.6)] * 3), []),
        (played((0.6, 0.1), (0.7, 0.1), (0.8, 0.1), seconds=(0.2, 0.2, 0.2)), ["episodes.durations"]),
    ],
)
def test_equal_episodes_are_doubted_unless_they_prove_nothing(episodes: Any, doubted: list[str]) -> None:
    assert [finding.code for finding in doubts(episodes)] == doubted
