"""Lists over a real socket: filter, sort, marks, copy, export, the row in full; what the engine refuses is told in place."""

from __future__ import annotations

import csv
import json
from contextlib import asynccontextmanager

import pytest
from textual.widgets import Input

from tui.app import Console
from tui.export import screen_text
from tui.screens.lists import Lists
from tui.widgets.dialog import Pick, Sheet


@asynccontextmanager
async def listing(room, until, place="gpus", size=(80, 24), **options):
    """Run a console on the room's socket with a list in front."""
    app = Console(room.state, **options)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.tables)
        app.action_go(place)
        await until(lambda: isinstance(app.screen, Lists) and app.screen.shown.page is not None)
        await pilot.pause()
        yield app, pilot, app.screen


def shown(app) -> list[str]:
    return [
        row
        for row in screen_text(app).splitlines()
        if "rig-" in row and "RX 6600" in row and "model" not in row
    ]


async def test_a_filter_is_asked_of_the_engine_and_shown(room, until):
    async with listing(room, until) as (app, pilot, screen):
        await pilot.press("slash", *"hot>90 & host~rig-c", "enter")
        await until(lambda: screen.shown.filter == "hot>90 & host~rig-c")
        await until(lambda: len(shown(app)) == 1)
        assert "GPUs 1 of 26 · filter: hot>90 & host~rig-c" in screen_text(app)
        await pilot.press("escape")
        await until(lambda: screen.shown.filter == "" and len(shown(app)) > 1)


async def test_a_wrong_filter_is_told_in_place_and_esc_brings_the_rows_back(room, until):
    async with listing(room, until) as (app, pilot, screen):
        await pilot.press("slash", *"hott>90", "enter")
        await until(lambda: "no column 'hott' here" in screen_text(app))
        assert app.screen.query_one("#ask", Input).display
        await pilot.press("escape")
        await until(lambda: "no column" not in screen_text(app) and len(shown(app)) > 5)
        assert screen.shown.filter == ""


async def test_sorting_goes_falling_rising_and_back(room, until):
    async with listing(room, until) as (app, pilot, screen):
        for sort in ("-util", "util", ""):
            await pilot.press("s")
            assert screen.shown.sort == sort
        await pilot.press("greater_than_sign", "greater_than_sign")
        await until(lambda: "sorted: state rising" in screen_text(app))
        await pilot.press("less_than_sign")
        assert screen.shown.sort == "gpu"


async def test_the_cursor_stays_with_its_row_when_rows_move(room, until):
    async with listing(room, until) as (_, pilot, screen):
        await pilot.press("j", "j", "j")
        key = screen.shown.key
        await pilot.press("s")
        await until(lambda: screen.shown.page.rows[0]["util"] == 98)
        await pilot.pause()
        assert screen.shown.key == key
        assert screen.shown.page.id_of(screen.rows.at) == key


async def test_enter_opens_exactly_the_row_under_the_cursor(room, until):
    async with listing(room, until, "decisions") as (app, pilot, screen):
        await pilot.press("j")
        number = screen.shown.key
        await pilot.press("enter")
        assert isinstance(app.screen, Sheet)
        await until(lambda: "metric" in screen_text(app))
        text = screen_text(app)
        assert f"decisions {number}" in text
        for words in ("✖ no", "trials 100 → 140 by watcher", "what led to it", "the same record gives RETRY"):
            assert words in text
        await pilot.press("escape")
        assert app.screen is screen


async def test_marked_rows_alone_are_copied_and_exported(room, until):
    async with listing(room, until) as (app, pilot, _):
        await pilot.press("b", "b")
        await until(lambda: "2 marked" in screen_text(app))
        await pilot.press("y")
        assert app.clipboard.count("\n") == 2
        await pilot.press("e")
        assert isinstance(app.screen, Pick)
        await pilot.pause()
        assert "Enter csv" in screen_text(app)
        await pilot.press("enter")
        await until(lambda: list((room.state / "exports").glob("gpus-*.csv")))
        file = next((room.state / "exports").glob("gpus-*.csv"))
        assert [row["gpu"] for row in csv.DictReader(file.open())] == ["rig-a/0", "rig-b/0"]


async def test_json_export_keeps_numbers(room, until):
    async with listing(room, until) as (_, pilot, _):
        await pilot.press("e", "down", "enter")
        await until(lambda: list((room.state / "exports").glob("gpus-*.json")))
        rows = json.loads(next((room.state / "exports").glob("gpus-*.json")).read_text())
        assert len(rows) == 26
        assert rows[0]["power"] == 96.5


async def test_a_list_that_the_engine_does_not_keep_says_so_and_names_the_command(room, until):
    app = Console(room.state)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.tables)
        await pilot.press("6")
        await until(lambda: "keeps no list 'episodes'" in screen_text(app))
        assert "mimicry pipeline" in screen_text(app)


async def test_the_palette_opens_any_list_with_a_filter(room, until):
    async with listing(room, until) as (app, pilot, _):
        await pilot.press("1", "colon", *"requests state=done")
        await until(lambda: "list requests where state=done" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, Lists) and "filter: state=done" in screen_text(app))
        assert "r-217" in screen_text(app)


async def test_freezing_holds_the_rows(room, until):
    async with listing(room, until) as (app, pilot, screen):
        await pilot.press("z")
        page = screen.shown.page
        room.devices = 3
        await pilot.pause(0.8)
        assert screen.shown.page is page
        await pilot.press("z")
        await until(lambda: len(shown(app)) == 3)


@pytest.mark.parametrize("devices", [1000])
async def test_a_thousand_rows_are_walked_and_only_those_in_sight_are_made(devices, room, until):
    room.devices = devices
    async with listing(room, until) as (app, pilot, screen):
        assert len(screen.rows.lines) <= screen.rows.rows
        await pilot.press("end")
        await until(lambda: screen.rows.at == devices - 1)
        assert "992-1000 of 1,000" in screen_text(app)
        await pilot.press("pageup", "home")
        assert screen.rows.at == 0


async def test_a_key_of_another_screen_says_so(room, until):
    async with listing(room, until) as (app, pilot, _):
        await pilot.press("f")
        assert "follow: not on this screen" in screen_text(app)
