"""A daemon that does not answer in time: one that still starts is not called failed, one that ended says its last line."""

from __future__ import annotations

import pytest

from engine import launch
from engine.errors import EnvironmentFault


class Started:
    """A daemon that never answers."""

    pid = 7

    def __init__(self, code: int | None) -> None:
        self._code = code

    def poll(self) -> int | None:
        return self._code


@pytest.mark.parametrize(
    ("code", "said"),
    [(None, "still starts, pid 7: .* mimicry attach --state"), (3, "did not start: no output")],
)
def test_an_engine_that_does_not_answer_says_whether_it_still_starts(code, said, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "PATIENCE", 0.0)
    monkeypatch.setattr(launch.subprocess, "Popen", lambda *_, **__: Started(code))
    with pytest.raises(EnvironmentFault, match=said):
        launch.ensure_daemon(tmp_path, demo=True)
