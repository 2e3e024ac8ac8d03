"""JSON and JSON lines: numbers, objects, or one object that holds the list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from engine.errors import BadInput
from engine.history.cells import Reader, Row
from engine.history.columns import Wanted, choose
from engine.history.source import Source

SAMPLE_ROWS = 20
SHAPES = "expected a list of integers (of lists with --pool), a list of objects, or an object with one list"


def read_json(source: Source, wanted: Wanted, reader: Reader) -> Iterator[Row]:
    """Yield the draws of one JSON document; places are item numbers, from 1."""
    reader.place = "item"
    found = _parse(source.name, source.whole(), 0)
    wanted, items = _list_of(source.name, found, wanted)
    return _rows(source.name, enumerate(items, 1), wanted, reader)


def read_jsonl(source: Source, wanted: Wanted, reader: Reader) -> Iterator[Row]:
    """Yield the draws of one JSON value on each line."""
    lines = ((number, text) for number, text in source.lines() if text.strip())
    return _rows(
        source.name, ((number, _parse(source.name, text, number)) for number, text in lines), wanted, reader
    )


def is_jsonl(sample: str) -> bool:
    """Return whether text starting with `{` is one object on each line."""
    lines = [line for line in sample.splitlines() if line.strip()][:2]
    try:
        return len(lines) == 2 and lines[1].startswith("{") and isinstance(json.loads(lines[0]), dict)
    except (ValueError, RecursionError):
        return False


def _parse(name: str, text: str, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {line or error.lineno}, character {error.colno}"
        raise BadInput(f"{name}, {place}: not valid JSON ({error.msg}); {SHAPES}") from None
    except (ValueError, RecursionError):
        where = f", line {line}" if line else ""
        raise BadInput(f"{name}{where}: JSON nested too deep or a number too long; {SHAPES}") from None


def _list_of(name: str, found: Any, wanted: Wanted) -> tuple[Wanted, list[Any]]:
    if isinstance(found, list):
        return wanted, found
    if not isinstance(found, dict):
        raise BadInput(f"{name}: the document is {_kind(found)}; {SHAPES}")
    lists = [key for key, value in found.items() if isinstance(value, list)]
    if wanted.value in lists:
        return replace(wanted, value=None), found[wanted.value]
    if len(lists) == 1:
        return wanted, found[lists[0]]
    raise BadInput(
        f"{name}: the object has {len(lists)} lists ({', '.join(lists[:12]) or 'none'}); {SHAPES}, or name the list with --column"
    )


def _rows(name: str, items: Iterable[tuple[int, Any]], wanted: Wanted, reader: Reader) -> Iterator[Row]:
    stream = iter(items)
    sample = list(islice(stream, SAMPLE_ROWS))
    objects = any(isinstance(item, dict) for _, item in sample)
    every = chain(sample, stream)
    return (
        _from_objects(name, sample, every, wanted, reader) if objects else _plain(name, every, wanted, reader)
    )


def _plain(name: str, items: Iterable[tuple[int, Any]], wanted: Wanted, reader: Reader) -> Iterator[Row]:
    if wanted.value or wanted.several or wanted.time or wanted.session:
        raise BadInput(
            f"{name}: plain numbers have no columns; leave the column options out, or write objects"
        )
    for place, item in items:
        if isinstance(item, dict) or (isinstance(item, list) and not wanted.rows):
            raise _mixed(name, reader.place, place, item)
        yield Row(place, item)


def _from_objects(
    name: str,
    sample: list[tuple[int, Any]],
    items: Iterable[tuple[int, Any]],
    wanted: Wanted,
    reader: Reader,
) -> Iterator[Row]:
    rows = [item for _, item in sample if isinstance(item, dict)]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    by_position = [{at: row.get(key) for at, key in enumerate(keys)} for row in rows]
    chosen = choose(name, keys, by_position, len(keys), wanted)
    reader.column, draws = chosen.name, [keys[at] for at in chosen.values]
    for place, item in items:
        if not isinstance(item, dict):
            raise _mixed(name, reader.place, place, item)
        for key in draws:
            if key not in item:
                raise BadInput(
                    f"{name}, {reader.place} {place}: no key {key!r}; every object needs it, null marks a missing draw"
                )
        time = None if chosen.time is None else item.get(keys[chosen.time])
        session = None if chosen.session is None else item.get(keys[chosen.session])
        yield Row(place, item[draws[0]] if len(draws) == 1 else [item[key] for key in draws], time, session)


def _mixed(name: str, kind: str, place: int, item: Any) -> BadInput:
    return BadInput(f"{name}, {kind} {place}: {_kind(item)} among the draws; {SHAPES}")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
