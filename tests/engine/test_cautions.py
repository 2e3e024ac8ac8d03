"""Cautions: draws recorded twice, sessions read as one, blank lines where a draw may be missing."""

from pathlib import Path

from engine.cautions import cautions
from engine.history.history import History
from engine.history.importers import read_history
from engine.search.space import Space


def test_draws_recorded_twice_and_mixed_sessions_are_pointed_out(tmp_path: Path) -> None:
    file = tmp_path / "draws.csv"
    file.write_text(
        "time,session,value\n2026-01-01T00:00:00Z,a,5\n2026-01-01T00:00:00Z,a,5\n2026-01-01T00:00:00Z,a,6\n"
        "2026-01-01T00:01:00Z,b,6\n2026-01-01T00:01:00Z,a,6\n"
    )
    told = list(cautions(read_history(file), Space()))
    assert ["1 draws repeat" in told[0], "first: draw 2" in told[0], "--session each" in told[1]] == [
        True
    ] * 3
    assert list(cautions(read_history(file), Space(sessions="each"))) == told[:1]
    assert list(cautions(History.of([5, 5, 6], source="plain"), Space())) == []


def test_blank_lines_between_draws_are_told_and_those_around_them_are_not(tmp_path: Path) -> None:
    file = tmp_path / "holes.csv"
    file.write_text("draw\n\n5\n\n\n6\n\n7\n")
    (told,) = cautions(read_history(file), Space())
    assert "3 lines between draws" in told
    assert "after line 3" in told
    file.write_text("draw\n\n5\n-\n6\n7\n\n\n")
    assert list(cautions(read_history(file), Space())) == []
