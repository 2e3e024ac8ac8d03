"""The fleet as rows: one glyph per device, columns dropped before anything is cut, trouble first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui.model.text import Line, Span, cell, clip, cut, length, line, span, width
from tui.model.words import LIGHTS, UNKNOWN, duration, number, percent, rate

if TYPE_CHECKING:
    from tui.wire import Host

LATE = 30.0
"""Seconds after which a machine's reading is marked; 10 to 15 s are normal."""
_ORDER = ("fail", "stale", "warn", "held", "idle", "ok")


class Column(NamedTuple):
    """One optional column of the fleet table; a higher rank is dropped earlier."""

    rank: int
    title: str
    text: Callable[[Host], str]


def fleet_lines(fleet: Sequence[Host], cells: int, rows: int, unit: str) -> list[Line]:
    """Lay out machines in `cells`; the title row goes first, then trouble is sorted to the top."""
    hosts = list(fleet) if len(fleet) <= rows else sorted(fleet, key=_worst)
    columns = _columns(hosts, unit)
    while columns and _needed(hosts, columns) > cells:
        columns.remove(max(columns, key=lambda column: column.rank))
    glyphs = _glyph_room(hosts, columns, cells)
    rest = cells - glyphs - 1 - sum(1 + _size(column, hosts) for column in columns)
    longest = max(width(host.name) for host in hosts)
    name = min(max(longest, 4), max(_name_width(hosts), rest), max(4, cells - glyphs - 1))
    lines = [_row(host, columns, hosts, name, glyphs) for host in hosts]
    if len(hosts) < rows:
        lines.insert(0, _titles(hosts, columns, name, glyphs))
    if 1 < len(hosts) <= rows - 2:
        lines.append(_total(hosts, name))
    return lines


def _worst(host: Host) -> int:
    return min((_ORDER.index(light) for light in host.devices if light in _ORDER), default=len(_ORDER))


def _columns(hosts: Sequence[Host], unit: str) -> list[Column]:
    columns = [
        Column(2, "util", lambda host: percent(host.util)),
        Column(3, "hot", lambda host: number(host.hot, 3)),
        Column(1, unit, lambda host: rate(host.rate)),
        Column(0, "age", _age),
    ]
    shown = {
        "util": any(host.util is not None for host in hosts),
        "hot": any(host.hot is not None for host in hosts),
        unit: any(host.rate is not None for host in hosts),
    }
    return [column for column in columns if shown.get(column.title, True)]


def _age(host: Host) -> str:
    return f"{'?' if host.age > LATE else ''}{duration(host.age)}"


def _name_width(hosts: Sequence[Host]) -> int:
    return min(16, max(max(width(host.name) for host in hosts), 4))


def _size(column: Column, hosts: Sequence[Host]) -> int:
    return max(width(column.title), *(width(column.text(host)) for host in hosts))


def _needed(hosts: Sequence[Host], columns: Sequence[Column]) -> int:
    most = max(len(_kind(hosts)), *(len(host.devices) for host in hosts))
    return _name_width(hosts) + 1 + min(most, 12) + sum(1 + _size(column, hosts) for column in columns)


def _glyph_room(hosts: Sequence[Host], columns: Sequence[Column], cells: int) -> int:
    most = max(len(_kind(hosts)), *(len(host.devices) for host in hosts))
    rest = cells - _name_width(hosts) - 1 - sum(1 + _size(column, hosts) for column in columns)
    return max(4, min(most, rest))


def _kind(hosts: Sequence[Host]) -> str:
    kinds = {host.kind for host in hosts}
    return "devices" if len(kinds) > 1 else f"{kinds.pop()}s"


def _row(host: Host, columns: Sequence[Column], hosts: Sequence[Host], name: int, glyphs: int) -> Line:
    parts = [cell(host.name, name), Span(" "), *devices(host.devices, glyphs)]
    for column in columns:
        late = column.title == "age" and host.age > LATE
        parts += [
            Span(" "),
            cell(column.text(host), _size(column, hosts), "stale" if late else "", right=True),
        ]
    return tuple(parts)


def devices(lights: Sequence[str], cells: int) -> Line:
    """Return one glyph per device, or counts per state where the glyphs do not fit; padded to `cells`."""
    if len(lights) > cells:
        counted = counts(lights)
        return (*cut(counted, cells), Span(" " * (cells - length(counted))))
    runs: list[Span] = []
    for light in lights:
        sign = LIGHTS.get(light, UNKNOWN)
        if runs and runs[-1].role == sign.role:
            runs[-1] = Span(runs[-1].text + sign.glyph, sign.role)
        else:
            runs.append(Span(sign.glyph, sign.role))
    return (*runs, Span(" " * (cells - len(lights))))


def counts(lights: Sequence[str], *, words: bool = False, gap: str = "") -> Line:
    """Return how many devices are in each state: 24● 1▲ 1✖."""
    found = Counter(lights)
    parts: list[Span] = []
    for light, sign in LIGHTS.items():
        if found[light]:
            text = f"{found[light]}{sign.glyph}" + (f" {sign.word}" if words else "")
            parts.append(span(text if not parts else gap + text, sign.role))
    return tuple(parts)


def _titles(hosts: Sequence[Host], columns: Sequence[Column], name: int, glyphs: int) -> Line:
    parts = [cell("host", name, "dim"), Span(" "), cell(clip(_kind(hosts), glyphs), glyphs, "dim")]
    for column in columns:
        parts += [Span(" "), cell(column.title, _size(column, hosts), "dim", right=True)]
    return tuple(parts)


def _total(hosts: Sequence[Host], name: int) -> Line:
    lights = [light for host in hosts for light in host.devices]
    return line(cell("total", name, "dim"), " ", *counts(lights, words=True, gap=" "))
