"""Rows of several numbers become ranks and come back; every row that breaks a rule gets one line with place, rule and fix."""

from __future__ import annotations

import json
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadInput, UsageError
from engine.history.history import MISSING, History
from engine.history.importers import read_history
from engine.history.samples import Pool, Sample, parts_of

ROWS = [[3, 14, 15], [1, 2, 3], [7, 20, 21]]
COLUMNS = {"columns": ("a", "b", "c"), "pool": "21"}


def read(tmp_path: Path, text: str, name: str = "rows.csv", **options: Any) -> History:
    (tmp_path / name).write_text(text)
    return read_history(tmp_path / name, **options)


def table(rows: list[list[int]]) -> str:
    return "day,a,b,c\n" + "".join(f"{day},{','.join(map(str, row))}\n" for day, row in enumerate(rows))


@pytest.mark.parametrize(("order", "every"), [("sorted", combinations), ("drawn", permutations)])
def test_every_row_has_a_rank_of_its_own_and_comes_back(order: str, every: Any) -> None:
    sample = Sample(3, Pool(4, 10, order))
    rows = [list(row) for row in every(range(4, 11), 3)]
    ranks = sorted(sample.rank(row) for row in rows)
    assert ranks == list(range(sample.range[1] + 1))
    assert [sample.row(sample.rank(row)) for row in rows] == rows


@pytest.mark.parametrize(
    ("name", "text", "options"),
    [
        ("rows.csv", table(ROWS), COLUMNS),
        ("rows.csv", "3;14;15\n1;2;3\n7;20;21\n", {"columns": ("1", "2", "3"), "pool": "1:21"}),
        ("rows.csv", "draw,day\n3 14 15,5\n01-02-03,6\n7 20 21,7\n", {"pool": "21"}),
        ("rows.csv", 'day,numbers\n5,"[3, 14, 15]"\n6,"1,2,3"\n7,"7, 20, 21"\n', {"column": "numbers", "pool": "21"}),
        ("rows.txt", "# a remark\n3 14 15\n\n1 2 3\n7 20 21\n", {"pool": "21"}),
        ("rows.json", json.dumps(ROWS), {"pool": "21"}),
        ("rows.json", json.dumps({"game": "x", "draws": ROWS}), {"pool": "21"}),
        ("rows.jsonl", "".join(json.dumps({"id": 5, "n": row}) + "\n" for row in ROWS), {"pool": "21"}),
        ("rows.jsonl", "".join(json.dumps(dict(zip("abc", row, strict=True))) + "\n" for row in ROWS), COLUMNS),
    ],
)  # fmt: skip
def test_rows_are_read_from_columns_cells_lists_and_lines(
    tmp_path: Path, name: str, text: str, options: dict[str, Any]
) -> None:
    history = read(tmp_path, text, name, **options)
    assert history.sample == Sample(3, Pool(1, 21, "sorted"))
    assert [history.sample.row(rank) for rank in history.values.tolist()] == ROWS


def test_an_empty_row_is_a_missing_draw_and_an_order_of_drawing_is_kept(tmp_path: Path) -> None:
    text = "a,b,c\n9,4,7\n-,-,-\n-,,-\n7,4,9\n1,2,3\n"
    history = read(tmp_path, text, **COLUMNS, order="drawn")
    ranks = history.values.tolist()
    assert ranks[1:3] == [MISSING, MISSING]
    assert history.sample is not None
    assert history.sample.row(ranks[0]) == [9, 4, 7]
    assert history.sample.row(ranks[3]) == [7, 4, 9]


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ("5,5,9", "holds 5 twice"),
        ("5,6,22", "holds 22, outside the pool 1..21"),
        ("0,6,9", "holds 0, outside the pool 1..21"),
        ("9,5,6", "does not rise; say --order drawn"),
        ("5,6,x", "'x' is not an integer"),
        ("5,6,-", "'-' is not an integer"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_the_rule(tmp_path: Path, bad: str, rule: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, f"a,b,c\n1,2,3\n2,3,4\n{bad}\n", **COLUMNS)
    assert "line 4, column 'a,b,c'" in str(caught.value)
    assert rule in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_row_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"line 3.*has 2 numbers where the rows before have 3"):
        read(tmp_path, "1 2 3\n2 3 4\n5 6\n", "rows.txt", pool="21")


def test_several_possible_columns_are_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="name the ones with the numbers, as --columns"):
        read(tmp_path, table(ROWS), pool="21")


@pytest.mark.parametrize("pool", ["x", "9:3", "5:5", "1:300", "-4:3", "1:2:3"])
def test_a_pool_that_breaks_the_rules_is_refused(pool: str) -> None:
    with pytest.raises(UsageError, match="--pool"):
        Pool.parse(pool, "sorted")


def test_samples_beyond_63_bits_or_beyond_the_pool_are_refused() -> None:
    assert Sample(6, Pool(1, 49, "sorted")).range == (0, 13_983_815)
    with pytest.raises(BadInput, match="do not fit 63 bits"):
        Sample(12, Pool(1, 80, "drawn"))
    with pytest.raises(BadInput, match="4 of 3 numbers"):
        Sample(4, Pool(1, 3, "sorted"))


def test_a_text_is_cut_between_its_numbers() -> None:
    assert parts_of(" [3, 14,15] ") == ["3", "14", "15"]
    assert parts_of("03-14 - 15;16") == ["03", "14", "15", "16"]
    assert parts_of("-") == ["-"]
    assert parts_of(None) == [""]
