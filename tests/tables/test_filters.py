"""The filter language: terms, alternatives, missing values, and refusals that name the nearest column."""

from typing import Any

import pytest

from engine.errors import UsageError
from engine.tables.filters import Filter, sorted_by
from engine.tables.table import Column

COLUMNS = (Column("host", "HOST"), Column("hot", "HOT", "number"), Column("state", "STATE", "state"))
ROWS: list[dict[str, Any]] = [
    {"host": "zeus", "hot": 61, "state": "ok"},
    {"host": "rig-6600", "hot": 95.5, "state": "ok"},
    {"host": "rig-6600b", "hot": 91, "state": "held"},
    {"host": "rig-6600c", "hot": None, "state": "lost"},
]


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("", "zeus rig-6600 rig-6600b rig-6600c"),
        ("hot>90", "rig-6600 rig-6600b"),
        ("hot >= 91 & host~RIG-", "rig-6600 rig-6600b"),
        ("hot>90 & state=held", "rig-6600b"),
        ("state=lost | hot<70", "zeus rig-6600c"),
        ("hot=91", "rig-6600b"),
        ("hot=91.0", "rig-6600b"),
        ("hot!=-", "zeus rig-6600 rig-6600b"),
        ("hot=-", "rig-6600c"),
        ("host!~6600", "zeus"),
        ("host>rig-6600", "zeus rig-6600b rig-6600c"),
        ("held", "rig-6600b"),
        ("rig & ok", "rig-6600"),
    ],
)
def test_a_filter_keeps_the_rows_that_it_says(text: str, hosts: str) -> None:
    kept = Filter.parse(text, COLUMNS)
    assert " ".join(row["host"] for row in ROWS if kept.holds(row)) == hosts


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("hott>90", "nearest: hot"),
        ("hot>warm", "'warm' is not a number"),
        ("hot>90 &", "a term is"),
        (">3", "a term is"),
    ],
)
def test_a_wrong_filter_says_what_is_wrong(text: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        Filter.parse(text, COLUMNS)


def test_rows_sort_both_ways_and_unknown_values_come_last() -> None:
    def hosts(sort: str) -> str:
        return " ".join(str(row["host"]) for row in sorted_by(list(ROWS), sort, COLUMNS))

    assert hosts("hot") == "zeus rig-6600b rig-6600 rig-6600c"
    assert hosts("-hot") == "rig-6600 rig-6600b zeus rig-6600c"
    assert hosts("") == " ".join(str(row["host"]) for row in ROWS)
    with pytest.raises(UsageError, match="sort: no column"):
        sorted_by(list(ROWS), "heat", COLUMNS)
