"""Rounded numbers of [0, 1] are read as integers, and what is none is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import cli
from engine.errors import BadInput
from engine.history.decimals import scaled
from engine.history.importers import read_history


@pytest.mark.parametrize(
    ("cell", "number"),
    [("0.1234", 1234), ("0.5", 5000), ("1", 10000), (0.25, 2500), (0, 0), ("1e-4", 1), (".75", 7500)],
)
def test_cells_become_integers(cell: object, number: int) -> None:
    assert scaled(cell, 4) == number


@pytest.mark.parametrize("cell", ["0.12345", "1.0001", "-0.1", "nan", "inf", "x", ""])
def test_other_cells_are_none(cell: str) -> None:
    assert scaled(cell, 4) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "0.1234 0.5 -\n1.0000"),
        ("a.csv", "when,value\na,0.1234\nb,0.5\nc,-\nd,1.0000\n"),
        ("a.json", '[0.1234, 0.5, null, 1.0]'),
    ],
)  # fmt: skip
def test_every_format_takes_decimals(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_history(path, decimals=4).values.tolist() == [1234, 5000, -1, 10000]


def test_a_cell_with_more_decimals_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0.12\n0.125\n0.13\n0.14\n")
    with pytest.raises(BadInput, match=r"line 2: '0.125' is no number from 0 to 1 with at most 2 decimals"):
        read_history(path, decimals=2)


def test_integers_expected_and_decimals_found_hints_at_the_option(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0.12\n0.25\n0.13\n")
    with pytest.raises(BadInput, match="take --decimals D"):
        read_history(path)


def test_the_option_is_bounded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0.12\n0.25\n0.13\n")
    assert cli.main(["plan", str(path), "--decimals", "12", "--state", str(tmp_path)]) == 2
    assert "--decimals 12: must lie in 1..9" in capsys.readouterr().err


def test_rounded_numbers_are_searched_as_such_unless_another_mapping_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("".join(f"{number / 1000:.3f}\n" for number in range(0, 1000, 20)))
    words = ["plan", str(path), "--decimals", "3", "--families", "python", "--all", "--state", str(tmp_path)]
    assert cli.main(words) == 0
    assert "decimal(3) 0..1000" in (planned := capsys.readouterr().out)
    assert "top_reject" not in planned
    assert cli.main([*words, "--mappings", "float(53)"]) == 0
    assert "decimal" not in capsys.readouterr().out
