"""Draws from outside: every importer with every shape of options, the store's own lines, a source's document after a restart."""

from __future__ import annotations

from functools import partial

from engine.history.cursor import Cursor
from engine.history.feed import new_draws
from engine.history.importers import read_history
from engine.history.store import FILE, DrawStore
from tests.fuzz import scratch
from tests.fuzz.target import Reader, Target

CSV = b"time,value,session\n2026-01-01T00:00:00Z,17,a\n2026-01-01T00:01:00Z,4,b\n2026-01-01T00:02:00Z,-,a\n2026-01-01T00:03:00Z,9,a\n"
WORDS = b"# a remark\n17 4 - 9, 12\n3;5;8\n"
JSON = b'{"draws": [{"value": 17, "time": 1767225600}, {"value": 4, "time": 1767225660.5}, {"value": null, "time": null}, {"value": 9, "time": "2026-01-01T02:00:00+02:00"}]}'
LINES = b'{"value": 1, "session": "a"}\n{"value": 2, "session": null}\n{"value": 3, "session": "b"}\n'
ROWS = b"n1,n2,n3\n3,14,15\n9,26,5\n-,-,-\n1,2,3\n"
DECIMALS = b"0.125\n0.5\n1.0\n.25\n1e-3\n-\n0.75\n"
STORED = b'{"seq": 1, "value": 17, "time": "2026-01-01T00:00:00+00:00", "session": null, "id": "x-1"}\n{"seq": 2, "value": null, "time": null, "session": "a", "id": null}\n'


def _history(data: bytes, name: str = "draws.txt", **options: object) -> object:
    history = read_history(scratch.file(name, data), **options)  # type: ignore[arg-type]
    return history.digest, history.values[:100].tolist(), [draw.time for draw in history.tail(0).draws]


def _sniffed(data: bytes) -> object:
    return _history(data, "draws.bin")


def _store(data: bytes) -> object:
    scratch.file(FILE, data)
    store = DrawStore.open(scratch.folder())
    try:
        return store.snapshot().digest
    finally:
        store.close()


def _document(data: bytes) -> object:
    """Read what a source gives, beside a store that holds two draws."""
    document = read_history(scratch.file("answer", data), fewest=1)
    scratch.file(FILE, STORED)
    store = DrawStore.open(scratch.folder())
    try:
        return new_draws(document, store)
    finally:
        store.close()


def _cursor(data: bytes) -> object:
    scratch.file("live.json", data)
    return Cursor(scratch.folder(), "live").position


TARGET = Target(
    "draws",
    "histories in every format, the store of draws, cursors",
    (
        Reader("sniffed", _sniffed, (CSV, WORDS, JSON, LINES)),
        Reader(
            "csv", partial(_history, format="csv"), (CSV, b"17;4\n9;1\n3;3\n", b'"a","b"\n1,"2"\n3,4\n5,6\n')
        ),
        Reader("text", partial(_history, format="text"), (WORDS,)),
        Reader("json", partial(_history, format="json"), (JSON, b"[1, 2, 3, null]")),
        Reader("jsonl", partial(_history, format="jsonl"), (LINES, b"1\n2\n3\n")),
        Reader("newest first", partial(_history, newest_first=True), (CSV,)),
        Reader("columns", partial(_history, column="2", time_column="1", session_column="3"), (CSV,)),
        Reader("decimals", partial(_history, decimals=3), (DECIMALS,)),
        Reader("rows", partial(_history, pool="49", columns=("n1", "n2", "n3")), (ROWS,)),
        Reader(
            "rows in a cell", partial(_history, pool="0:36", order="drawn"), (b"3 14 15\n9 26 5\n1 2 3\n",)
        ),
        Reader("store", _store, (STORED,)),
        Reader("source's document", _document, (b"17\n-\n5\n", CSV)),
        Reader("cursor", _cursor, (b'{"schema": "cursor/1", "name": "live", "seq": 3}',)),
    ),
)
