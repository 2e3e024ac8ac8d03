"""The probe's turn: readings that hang in a driver do not pile up, over however many connections they are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.rigs.onrig import probe


def test_a_reading_that_hangs_lets_no_other_begin_until_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "PATIENCE", 0.05)
    hung = probe.turn(str(tmp_path))
    assert hung is not None
    assert probe.turn(str(tmp_path)) is None
    assert not list(tmp_path.iterdir()), "looking leaves nothing behind"
    hung.close()
    following = probe.turn(str(tmp_path))
    assert following is not None
    following.close()
