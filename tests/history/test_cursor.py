"""A cursor moves forward, survives a restart, and a damaged one is not taken for a fresh one."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import EnvironmentFault, UsageError
from engine.history.cursor import Cursor


def test_a_cursor_survives_a_restart(tmp_path: Path) -> None:
    assert Cursor(tmp_path, "feedback").position == 0
    Cursor(tmp_path, "feedback").advance(7)
    assert Cursor(tmp_path, "feedback").position == 7
    assert Cursor(tmp_path, "watcher").position == 0
    assert [each.name for each in tmp_path.iterdir()] == ["feedback.json"]


def test_a_cursor_never_goes_back(tmp_path: Path) -> None:
    cursor = Cursor(tmp_path, "feedback")
    cursor.advance(7)
    cursor.advance(7)
    with pytest.raises(UsageError, match="6 lies before 7"):
        cursor.advance(6)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seq": -1}', '{"seq": "5"}', "{}"])
def test_a_damaged_cursor_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "feedback.json").write_text(text)
    with pytest.raises(EnvironmentFault, match=r"feedback\.json: "):
        Cursor(tmp_path, "feedback")


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b"])
def test_a_name_stays_inside_the_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="a name is"):
        Cursor(tmp_path, name)


def test_a_crash_before_the_rename_leaves_the_old_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = Cursor(tmp_path, "feedback")
    cursor.advance(3)

    def crash(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", crash)
    with pytest.raises(EnvironmentFault, match="no space left"):
        cursor.advance(4)
    assert cursor.position == Cursor(tmp_path, "feedback").position == 3
    assert len(list(tmp_path.iterdir())) == 1
