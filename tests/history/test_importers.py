"""Every format reads back what was written, and every kind of bad input gets one line with place, rule and fix."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadInput, UsageError
from engine.history.history import History
from engine.history.importers import FORMATS, read_history, sniff
from engine.history.source import MAX_BYTES

PLAIN = [5, 12, 999, 0, 31]


def write(tmp_path: Path, text: str | bytes, name: str = "draws.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def values(tmp_path: Path, text: str | bytes, name: str = "draws.csv", **options: Any) -> list[int]:
    return read_history(write(tmp_path, text, name), **options).values.tolist()


def refused(tmp_path: Path, text: str | bytes, name: str = "draws.csv", **options: Any) -> str:
    with pytest.raises(BadInput) as caught:
        read_history(write(tmp_path, text, name), **options)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(tmp_path / name), "FILE")


# --- round trips

ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 2**63 - 1),
        st.none() | st.sampled_from(["a", "b, c", 'quo"ted', "ünï", "7"]),
    ),
    min_size=3,
    max_size=40,
).filter(lambda rows: sum(value is not None for value, _ in rows) >= 3)
TIMES = [datetime(2026, 1, 1, 0, minute, 0, 1000 * minute, tzinfo=UTC) for minute in range(40)]
QUICK = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def as_history(rows: list[tuple[int | None, str | None]], times: bool) -> History:
    stamps = list(TIMES[: len(rows)]) if times else None
    return History.of([value for value, _ in rows], stamps, [label for _, label in rows])


@QUICK
@given(rows=ROWS, delimiter=st.sampled_from(",;\t|"), times=st.booleans())
def test_tables_round_trip(
    tmp_path: Path, rows: list[tuple[int | None, str | None]], delimiter: str, times: bool
) -> None:
    out = io.StringIO()
    table = csv.writer(out, delimiter=delimiter)
    table.writerow(["value", "session", *(["time"] if times else [])])
    for (value, label), time in zip(rows, TIMES, strict=False):
        table.writerow(["-" if value is None else value, label or "", *([time.isoformat()] if times else [])])
    history = read_history(write(tmp_path, out.getvalue()))
    assert history.digest == as_history(rows, times).digest


@QUICK
@given(rows=ROWS, kind=st.sampled_from(["json", "jsonl", "object"]), times=st.booleans())
def test_objects_round_trip(
    tmp_path: Path, rows: list[tuple[int | None, str | None]], kind: str, times: bool
) -> None:
    records = [
        {"value": value, "session": label, "time": time.isoformat() if times else None}
        for (value, label), time in zip(rows, TIMES, strict=False)
    ]
    text = {
        "json": json.dumps(records),
        "jsonl": "".join(json.dumps(record) + "\n" for record in records),
        "object": json.dumps({"name": "x", "draws": records}),
    }[kind]
    history = read_history(write(tmp_path, text, "draws.jsonl" if kind == "jsonl" else "draws.json"))
    assert history.digest == as_history(rows, times).digest


@QUICK
@given(
    numbers=st.lists(st.none() | st.integers(0, 2**63 - 1), min_size=3, max_size=50).filter(
        lambda each: sum(number is not None for number in each) >= 3
    ),
    separator=st.sampled_from([" ", "\n", "\t", ", ", "\r\n", "\n\n  "]),
    format=st.sampled_from(["text", "json", "jsonl"]),
)
def test_plain_numbers_round_trip(
    tmp_path: Path, numbers: list[int | None], separator: str, format: str
) -> None:
    words = ["-" if number is None else str(number) for number in numbers]
    text = {
        "text": separator.join(words),
        "json": json.dumps(numbers),
        "jsonl": "\n".join(json.dumps(number) for number in numbers),
    }[format]
    path = write(tmp_path, text, "draws")
    assert read_history(path, format=format).digest == History.of(numbers).digest


# --- formats found by themselves


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "5\n12\n999\n0\n31\n"),
        ("a.csv", "value\n5\n12\n999\n0\n31"),
        ("a.csv", "# made by a die\n#\nnumber\r\n5\r\n12\r\n999\r\n\r\n0\r\n31\r\n"),
        ("a.csv", '"5"\n"12"\n"999"\n"0"\n"31"\n'),
        ("a.csv", "id;value\n1;5\n2;12\n3;999\n4;0\n5;31\n"),
        ("a.csv", "when,result\n2026-01-01,5\n2026-01-02,12\n2026-01-03,999\n2026-01-04,0\n2026-01-05,31\n"),
        ("a.tsv", "value\tnote\n5\tx\n12\ty\n999\tz\n0\t\n31\tq\n"),
        ("a", "value,note\n5,x\n12,y\n999,z\n0,\n31,q\n"),
        ("a.txt", "5 12\n999 0 31"),
        ("a.txt", "# comment 1\n5, 12, 999,\n0, 31\n"),
        ("a.txt", "5,12,999,0,31\n"),
        ("a.txt", "5;12;999;0;31"),
        ("a.txt", "draw\n5\n12\n999\n0\n31\n"),
        ("a", "[5, 12, 999, 0, 31]"),
        ("a", '{"draws": [5, 12, 999, 0, 31], "source": "x"}'),
        ("a", '{"n": 5}\n{"n": 12}\n{"n": 999}\n{"n": 0}\n{"n": 31}\n'),
        ("a", '[\n{"n": 5}, {"n": 12}, {"n": 999}, {"n": "0"}, {"n": "31"}]'),
        ("a.txt", "\ufeff5 12 999 0 31"),
        ("a.ndjson", "5\n12\n\n999\n0\n31\n"),
    ],
)
def test_the_format_and_the_column_are_found(tmp_path: Path, name: str, text: str) -> None:
    assert values(tmp_path, text, name) == PLAIN


def test_every_format_name_is_accepted_and_others_are_not(tmp_path: Path) -> None:
    assert set(FORMATS) == {"csv", "json", "jsonl", "text"}
    with pytest.raises(UsageError, match="format 'xml': unknown; formats are csv, json, jsonl, text"):
        read_history(write(tmp_path, "1 2 3"), format="xml")


def test_sniffing_survives_endless_cells() -> None:
    assert sniff("1" * 300_000 + "\n" + "2" * 300_000 + "\n3\n") == "text"


def test_one_line_of_many_megabytes_is_read(tmp_path: Path) -> None:
    assert len(read_history(write(tmp_path, "123 " * 600_000, "a.txt"))) == 600_000


def test_columns_go_by_name_or_number(tmp_path: Path) -> None:
    text = "a,b,c\n1,10,x\n2,20,y\n3,30,x\n"
    assert values(tmp_path, text, column="b") == [10, 20, 30]
    assert values(tmp_path, text, column=2) == [10, 20, 30]
    assert values(tmp_path, "1,10\n2,20\n3,30\n", column="2") == [10, 20, 30]
    assert read_history(tmp_path / "draws.csv", column=1, session_column="2").sessions == ("10", "20", "30")


def test_named_columns_for_time_and_session_are_taken_unless_told_not_to(tmp_path: Path) -> None:
    path = write(tmp_path, "Time,value,session\n2026-01-02,1,a\n2026-01-03,2,b\n2026-01-04,3,a\n")
    history = read_history(path)
    assert history.sessions == ("a", "b")
    assert history.draws[0].time == datetime(2026, 1, 2, tzinfo=UTC)
    bare = read_history(path, time_column="", session_column="")
    assert bare.sessions == ()
    assert bare.draws[0].time is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31 12:00",
        "2026-01-31T13:00:00+01:00",
        "1769860800",
        "1769860800.0",
        "1769860800000",
        "1769860800000000",
        "1769860800000000000",
    ],
)
def test_times_in_every_notation_are_the_same_instant(tmp_path: Path, text: str) -> None:
    history = read_history(write(tmp_path, f"value,time\n1,{text}\n2,{text}\n3,\n"))
    assert history.draws[0].time == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert history.draws[2].time is None


def test_compact_dates_are_dates(tmp_path: Path) -> None:
    history = read_history(write(tmp_path, "value,time\n1,20260131\n2,20260201\n3,20260202\n"))
    assert history.draws[0].time == datetime(2026, 1, 31, tzinfo=UTC)


def test_missing_draws_are_known(tmp_path: Path) -> None:
    assert values(tmp_path, "value,x\n1,a\n-,b\n,c\n2,d\n3,e\n") == [1, -1, -1, 2, 3]
    assert values(tmp_path, "1 - 2 3", "a.txt") == [1, -1, 2, 3]
    assert values(tmp_path, "[1, null, 2, 3]", "a.json") == [1, -1, 2, 3]


def test_integers_are_taken_as_tables_with_holes_write_them(tmp_path: Path) -> None:
    assert values(tmp_path, "value,x\n919.0,a\n,b\n7.0,c\n0.0,d\n") == [919, -1, 7, 0]
    assert values(tmp_path, "[919.0, null, 7.0, 0.0]", "a.json") == [919, -1, 7, 0]


def test_padded_draws_of_one_width_are_digits(tmp_path: Path) -> None:
    assert values(tmp_path, "007\n012\n999\n") == [7, 12, 999]
    assert values(tmp_path, "007\n-\n999\n012\n") == [7, -1, 999, 12]
    assert values(tmp_path, "0\n12\n7\n") == [0, 12, 7]


def test_newest_first_is_turned_round(tmp_path: Path) -> None:
    path = write(tmp_path, "value,time,session\n3,2026-01-03,b\n2,2026-01-02,a\n1,2026-01-01,a\n")
    history = read_history(path, newest_first=True)
    assert history.values.tolist() == [1, 2, 3]
    assert [draw.session for draw in history.draws] == ["a", "a", "b"]
    assert history.sessions == ("a", "b")
    assert history.where(0) == "line 4"


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(b"5 12 999 0 31\n")

    monkeypatch.setattr("sys.stdin", Stdin())
    history = read_history("-")
    assert history.values.tolist() == PLAIN
    assert history.source == "standard input"


# --- bad input: the whole line is what the user reads

BAD = [
    ("a.csv", "", "FILE: the file is empty; a history has at least 3 draws"),
    ("a.csv", " \n\n", "FILE: the file is empty; a history has at least 3 draws"),
    ("a.json", "[]", "FILE: 0 draws; at least 3 are needed"),
    ("a.csv", "value\n", "FILE: 0 draws; at least 3 are needed"),
    ("a.csv", "value\n1\n-\n2\n", "FILE: 2 draws; at least 3 are needed"),
    ("a.csv", "value\n1\nx7\n2\n", "FILE, line 3, column 'value': 'x7' is not an integer; a draw is a decimal integer"),
    ("a.csv", "v,w\n1,a\n0.25,b\n2,c\n", "FILE: no column holds integers throughout; the columns are 'v', 'w'; name the one with the draws with --column"),
    ("a.csv", "value,w\n1,a\n0.25,b\n", "FILE, line 3, column 'value': '0.25' is not an integer; draws are the integers that"),
    ("a.csv", "value\n1\n-4\n2\n", "FILE, line 3, column 'value': '-4' is negative; draws start at 0: add"),
    ("a.csv", "value\n1\n-4.5\n2\n", "FILE, line 3, column 'value': '-4.5' is not an integer; draws are the integers"),
    ("a.csv", "value\n1\n9223372036854775808\n2\n", "FILE, line 3, column 'value': '9223372036854775808' is too large; draws go up"),
    ("a.csv", "value\n1\n" + "9" * 5000 + "\n2\n", "is too large; draws go up to 9223372036854775807"),
    ("a.csv", "007\n12\n345\n", "FILE: mixed widths, '007' in line 1 and '12' in line 2; write all draws with"),
    ("a.csv", "value\n12\n345\n012\n", "FILE, column 'value': mixed widths, '012' in line 4 and '12' in line 2;"),
    ("a.csv", "a,b\n1,2\n3,4\n5,6\n", "FILE: 2 columns could hold the draws: 'a', 'b'; say which with --column NAME or NUMBER"),
    ("a.txt", "1,2\n3,4\n5,6\n", "'1', '2'; say which with --column NAME or NUMBER, or --format text to read row by row"),
    ("a.csv", "a,value\n1,2\n3,4,5\n5,6\n", "FILE, line 3: 3 columns where line 1 has 2; every row needs the same columns"),
    ("a.csv", 'a,value\n1,"2\n3,4\n', "FILE, line 3: not valid CSV (unexpected end of data); check the quotes"),
    ("a.csv", "value,time\n1,noon\n2,\n3,\n", "FILE, line 2, column 'time': 'noon' is not a time; write 2026-01-31T12:00:00Z"),
    ("a.csv", "value,time\n1,1e99\n2,\n3,\n", "FILE, line 2, column 'time': '1e99' is not a time;"),
    ("a.csv", "value,time\n1,2026-01-03\n2,2026-01-02\n3,2026-01-01\n", "FILE: the times go backwards throughout; the newest draw stands first: say so with --newest-first"),
    ("a.csv", "value,time\n1,2026-01-03\n2,2026-01-05\n3,2026-01-04\n", "FILE, line 4: 2026-01-04T00:00:00+00:00 is earlier than 2026-01-05T00:00:00+00:00 in line 3; draws go oldest first"),
    ("a.csv", b"value\n1\n\x002\n3\n", "FILE, line 3: a NUL byte; a history is UTF-8 text"),
    ("a.csv", "value\n1\n".encode("utf-16"), "FILE, line 1: a NUL byte; a history is UTF-8 text"),
    ("a.csv", b"value\n1\n\xe42\n3\n", "FILE, line 3: byte 0xe4 is not valid UTF-8; convert the file"),
    ("a.txt", "1,,2,3", "FILE, line 1: nothing between two commas in '1,,2,3'; write - for a missing draw"),
    ("a.txt", "1 2\n3 4x\n", "FILE, line 2: '4x' is not an integer"),
    ("a.json", "[1, 2", "FILE, line 1, character 6: not valid JSON"),
    ("a.json", "[" * 100_000, "FILE: JSON nested too deep"),
    ("a.json", "[1, 2, " + "9" * 5000 + "]", "FILE: JSON nested too deep or a number too long"),
    ("a.json", "[1, 2.5, 3]", "FILE, item 2: 2.5 is not an integer; draws are the integers"),
    ("a.json", "[1, -2, 3]", "FILE, item 2: -2 is negative"),
    ("a.json", "[1, NaN, 3]", "FILE, item 2: nan is not an integer"),
    ("a.json", "[1, true, 3]", "FILE, item 2: True is not an integer"),
    ("a.json", "[1, [2], 3]", "FILE, item 2: a list among the draws; expected a list of integers"),
    ("a.json", '[{"v": 1}, 2, 3]', "FILE, item 2: a number among the draws;"),
    ("a.json", '[{"v": 1}, {"w": 2}, {"v": 3}]', "FILE: 2 columns could hold the draws: 'v', 'w'; say which"),
    ("a.json", '[{"value": 1}, {"w": 2}]', "FILE, item 2: no key 'value'; every object needs it, null marks a missing draw"),
    ("a.json", '"x"', "FILE: the document is a text; expected a list of integers"),
    ("a.json", '{"a": [1], "b": [2]}', "FILE: the object has 2 lists (a, b); expected"),
    ("a.json", '{"value": 1}', "FILE: the object has 0 lists (none);"),
    ("a.jsonl", '1\n2\n{"a"\n', "FILE, line 3, character 5: not valid JSON"),
    ("a.json", '[{"value": 1, "session": [2]}]', "FILE, item 1, column 'session': [2] is not a label"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "start"), BAD, ids=[str(number) for number in range(len(BAD))])
def test_bad_input_is_one_clear_line(tmp_path: Path, name: str, text: str | bytes, start: str) -> None:
    assert start in refused(tmp_path, text, name)


def test_a_wrong_column_is_answered_with_the_nearest_and_all_there_are(tmp_path: Path) -> None:
    text = "date,result,session\n2026-01-01,1,a\n2026-01-02,2,a\n"
    assert refused(tmp_path, text, column="resutl").startswith(
        "FILE: no column 'resutl' for the draws (nearest: 'result'); the columns are 'date', 'result', 'session'; give a name"
    )
    assert "no column '4'" in refused(tmp_path, text, column=4)
    assert "for the time" in refused(tmp_path, text, time_column="when")


def test_columns_of_plain_numbers_are_refused(tmp_path: Path) -> None:
    assert "plain text has no columns" in refused(tmp_path, "1 2 3", "a.txt", column="x")
    assert "plain numbers have no columns" in refused(tmp_path, "[1, 2, 3]", "a.json", time_column="x")


def test_a_named_list_is_taken(tmp_path: Path) -> None:
    assert values(tmp_path, '{"a": [1, 2, 3], "b": [4, 5, 6]}', "a.json", column="b") == [4, 5, 6]


def test_a_needless_newest_first_is_refused(tmp_path: Path) -> None:
    text = "value,time\n1,2026-01-01\n2,2026-01-02\n3,2026-01-03\n"
    assert "leave newest-first out" in refused(tmp_path, text, newest_first=True)


def test_a_ten_gigabyte_file_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as stream:
        stream.truncate(10 * 2**30)
    with pytest.raises(BadInput, match=r"more than 1 GiB \(10\.0 GiB\).*head -n"):
        read_history(path)


def test_an_endless_stream_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            assert self.given < MAX_BYTES
            return b"1\n" * (size // 2)

    class Stdin:
        buffer = Endless()

    monkeypatch.setattr("sys.stdin", Stdin())
    with pytest.raises(BadInput, match=r"standard input, line 5001: more than 5,000 draws; take a part"):
        read_history("-", limit=5000)


def test_bytes_are_limited_where_lines_are_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.history.source.JSON_BYTES", 300_000)
    assert "more than" in refused(tmp_path, "[" + "1, " * 200_000 + "1]", "a.json")
    assert "line 1: longer than 1,048,576 bytes" in refused(tmp_path, "1," * 600_000, "a.csv", format="csv")


def test_what_is_no_readable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file; give the path"):
        read_history(tmp_path / "nothing.csv")
    with pytest.raises(BadInput, match="is a directory; give one file"):
        read_history(tmp_path)
    with pytest.raises(BadInput, match=r"/dev/urandom, line \d+: (a NUL byte|byte 0x.. is not valid UTF-8)"):
        read_history("/dev/urandom")


def history_or_one_line(path: Path) -> None:
    try:
        history = read_history(path)
    except BadInput as error:
        message = str(error)
    else:
        message = ""
        assert len(history) >= 3
    assert "\n" not in message


NAMES = st.sampled_from(["a", "a.csv", "a.json", "a.jsonl", "a.txt"])


@QUICK
@given(junk=st.binary(min_size=1, max_size=300), name=NAMES)
def test_any_bytes_give_a_history_or_one_line(tmp_path: Path, junk: bytes, name: str) -> None:
    history_or_one_line(write(tmp_path, junk, name))


@QUICK
@given(junk=st.text(alphabet='0123456789,;-"{}[]: \n\tab.#\r', min_size=1, max_size=80), name=NAMES)
def test_any_text_gives_a_history_or_one_line(tmp_path: Path, junk: str, name: str) -> None:
    history_or_one_line(write(tmp_path, junk, name))
