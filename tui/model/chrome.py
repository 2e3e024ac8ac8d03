"""The rows around the panels: header, status, alert row, footer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tui.keys import footer_keys
from tui.model.fleet import counts
from tui.model.panels import alert_row, degraded
from tui.model.text import (
    BLANK,
    Item,
    Line,
    Span,
    clickable,
    clip,
    cut,
    gapped,
    length,
    line,
    span,
    spread,
)
from tui.model.view import View
from tui.model.words import clock, duration, percent
from tui.places import PLACES, Place

if TYPE_CHECKING:
    from tui.wire import Snapshot

TELLING_AGE = 2.0
"""Seconds from which the age of the numbers is printed; below, they count as live."""


def header(view: View, cells: int) -> Line:
    """Return the first row: who, which mode, what it has, how late, when, and where help is."""
    sign = view.sign
    items = [
        Item(6, *_name(view)),
        *_test_mark(view),
        *(
            [
                Item(
                    2,
                    line(f"[{view.place.key} {view.place.short}]".replace("[ ", "[")),
                    line(f"[{view.place.key or view.place.short}]"),
                )
            ]
            if cells < 80
            else []
        ),
        Item(0, line(span(f"{sign.glyph} {sign.word}", f"{sign.role}-strong"))),
        *(_facts(view.snapshot, view, cells) if view.snapshot else ()),
    ]
    right = _clock(view, cells)
    return (Span(" "), *spread(items, cells - 1, right=right))


def _name(view: View) -> list[Line]:
    name = span("MIMICRY", "head")
    if view.snapshot is None:
        return [line(name)]
    return [line(name, f" {view.snapshot.host}"), line(span(clip(view.snapshot.host, 12)))]


def _test_mark(view: View) -> list[Item]:
    test = view.snapshot is not None and view.snapshot.test_mode
    return [Item(1, line(span(" TEST ", "test")))] if test else []


def _facts(shot: Snapshot, view: View, cells: int) -> list[Item]:
    wide, past = cells >= 120, view.past
    autonomy = (
        [Item(7, line(f"{'autonomy' if wide else 'auto'} {percent(shot.autonomy)}"))]
        if shot.autonomy is not None
        else []
    )
    # The journal holds neither the devices nor the process of an earlier moment.
    uptime = [Item(8, line(f"up {duration(shot.engine.uptime)}"))] if wide and not past else []
    return [
        *([] if past else [Item(2, *_devices(shot, words=cells >= 140))]),
        Item(
            3,
            line(f"{'requests' if wide else 'req'} {shot.requests_waiting}"),
            line(f"req{shot.requests_waiting}"),
        ),
        *([Item(5, line(f"alerts {len(shot.alerts)}"))] if wide else []),
        *autonomy,
        Item(4, line(f"lag {shot.engine.loop_lag_ms:.0f}ms")),
        *uptime,
    ]


def _devices(shot: Snapshot, *, words: bool) -> list[Line]:
    lights = [light for host in shot.fleet for light in host.devices]
    name = span(f"{_fleet_words(shot)} ")
    spaced = counts(lights, words=words, gap=" ")
    return [(name, *spaced), (name, *counts(lights)), counts(lights, gap=" "), counts(lights)]


def _fleet_words(shot: Snapshot) -> str:
    totals = {
        kind: sum(len(host.devices) for host in shot.fleet if host.kind == kind) for kind in ("gpu", "cpu")
    }
    return " ".join(f"{count} {kind.upper()}" for kind, count in totals.items() if count) or "no device"


def _clock(view: View, cells: int) -> Line:
    if view.snapshot is None:
        return clickable(line(span("?", "key"), "help"), "help")
    at = view.snapshot.at
    if cells < 80:
        return line(f"{clock(at)}Z")
    text = clock(at, date=True) if cells >= 140 else f"{clock(at, seconds=True)}Z"
    return line(
        span(text, "head" if view.trust == "live" and not view.frozen and not view.past else "stale"),
        " ",
        *clickable(line(span("?", "key"), "help"), "help"),
    )


def status(view: View, cells: int) -> Line:
    """Return the second row: the screens, how fresh the numbers are, what is degraded, how often they are painted."""
    shot = view.snapshot
    bad = degraded(shot)
    urgent = [
        Item(0, line(_freshness(view))),
        *([Item(2, line(span("read-only", "held")), line(span("r/o", "held")))] if view.readonly else []),
        *(
            [Item(2, line(span(f"control: {view.other}", "held")), line(span("no control", "held")))]
            if view.other
            else []
        ),
        *(
            [
                Item(
                    3,
                    line(bad),
                    line(span(f"▲ degraded {len(shot.degraded)}", "warn")),
                    line(span(f"▲{len(shot.degraded)} degraded", "warn")),
                    line(span(f"▲{len(shot.degraded)} degr", "warn")),
                )
            ]
            if bad and shot
            else []
        ),
    ]
    needed = sum(2 + length(item.forms[-1]) for item in urgent)
    forms = tabs(view.place, cells)
    items = [
        Item(1, next((form for form in forms if length(form) + needed <= cells - 2), forms[-1])),
        *urgent,
    ]
    extras = [
        line(span(f"every {view.refresh:g}s", "dim")),
        *([line(span(f"viewers {shot.readers}", "dim"))] if shot else []),
        line(span(view.state, "dim")),
    ]
    left = cells - 2 - sum(length(item.forms[0]) + 2 for item in items)
    for each in extras:  # what is only nice to know takes no room from what is not
        if (left := left - length(each) - 2) < 0:
            break
        items.append(Item(5, each))
    return (Span(" "), *spread(items, cells - 2))


def tabs(here: Place, cells: int) -> list[Line]:
    """Return the row of screens in forms from long to short; the last one names this screen alone."""
    known = here in PLACES
    extra = [] if known else [here]
    names = [(each, each.title, each.short) for each in (*PLACES, *extra)]
    forms = [
        [_tab(each, each is here, long, " ") for each, long, _ in names],
        [_tab(each, each is here, short, " ") for each, _, short in names],
        [_tab(each, each is here, short, "") for each, _, short in names],
    ]
    digits = [_tab(each, each is here, each.short if each is here else "", "") for each in (*PLACES, *extra)]
    alone = [_tab(here, True, here.short, " ")]
    return [gapped(form) for form in (*(forms if cells >= 140 else forms[1:]), digits, alone)]


def _tab(place: Place, here: bool, name: str, gap: str) -> Line:
    text = f"{place.key}{gap}{name}".strip()
    if here:
        return line(span(f"[{text}]", "head"))
    return clickable(line(span(place.key, "key"), span(f"{gap}{name}", "dim")), f"go('{place.id}')")


def _freshness(view: View) -> Span:
    if view.snapshot is None:
        return span(f"◌ no data yet, waiting {duration(view.silence)}", "idle")
    if view.trust != "live":
        return span(f"? {age_note(view)}", "stale")
    if view.past:
        return span("◀ recording" if view.recording else "◀ replay", "held")
    if view.frozen:
        return span(f"‖ frozen, {duration(view.age)} old", "held")
    return span("● live", "ok") if view.age < TELLING_AGE else span(f"● live, {duration(view.age)} old", "ok")


def age_note(view: View) -> str:
    """Return the words that stop an old number from looking live."""
    return f"stale, {duration(view.age)} old"


def alert(view: View, cells: int) -> Line:
    """Return the alert row: the newest one and how many more."""
    shot = view.snapshot
    if shot is None:
        return BLANK
    if not shot.alerts:
        return line(" ", span("● ", "ok"), span("no alerts", "dim"))
    more = f"(! {len(shot.alerts) - 1} more)" if len(shot.alerts) > 1 else ""
    room = cells - len(more) - 3
    row = cut(alert_row(shot.alerts[0]), room)
    return clickable((Span(" "), *row, Span(" "), span(more, "dim")), "alerts")


def footer(
    view: View, cells: int, message: Span | None = None, offered: Mapping[str, str] | None = None
) -> Line:
    """Return the last row: the reply to the last command while it is new, else the keys, with those that the screen offers in its words."""
    if message is not None:
        return cut((Span(" "), message), cells)
    acting = {} if offered is None or view.readonly or view.past else offered
    items: list[Item] = []
    for rank, key in enumerate(footer_keys(view.place.kind, acting)):
        off = key.does == "acts" and (view.readonly or (view.past and key.id != "halt"))
        word = f"{key.word} off" if off else acting.get(key.id) or key.word
        words = line(span(key.label, "dim" if off else "key"), span(f" {word}", "dim" if off else ""))
        items.append(Item(rank, clickable(words, key.action)))
    return (Span(" "), *spread(items, cells - 2))
