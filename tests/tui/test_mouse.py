"""The mouse: a click on words does what the key beside them does, a row is hit where it stands, at any size and order."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from textual import events

from tui.app import Console
from tui.export import screen_text
from tui.screens.lists import Lists
from tui.screens.overview import Overview
from tui.widgets.halting import HaltDialog
from tui.widgets.page import Page, Sheet
from tui.widgets.pick import Pick


async def click(pilot, words: str, times: int = 1) -> None:
    """Click on the first letter of words, wherever they stand."""
    rows = screen_text(pilot.app).splitlines()
    y = next((y for y, row in enumerate(rows) if words in row), None)
    assert y is not None, f"{words!r} is nowhere:\n" + "\n".join(rows)
    await pilot.click(offset=(rows[y].index(words), y), times=times)


@asynccontextmanager
async def console(room, until, size=(120, 40)):
    """Run a console on the room's socket."""
    app = Console(room.state)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.tables and "rig-" in screen_text(app))
        yield app, pilot


async def test_tabs_footer_header_and_alert_row_do_what_they_say(room, until):
    async with console(room, until) as (app, pilot):
        for words, there in (("3 Req", "requests"), ("(! 1 more)", "alerts"), ("1 Over", "overview")):
            await click(pilot, words)
            await until(lambda there=there: app.view().place.id == there)
        await click(pilot, "help")
        await until(lambda: isinstance(app.screen, Page))
        await click(pilot, "Help   (Esc closes)")
        await until(lambda: isinstance(app.screen, Overview))
        await click(pilot, "H halt")
        await until(lambda: isinstance(app.screen, HaltDialog) and "Enter halt now" in screen_text(app))


async def test_a_click_highlights_a_kind_of_halt_and_only_enter_acts(room, until):
    async with console(room, until) as (app, pilot):
        await pilot.press("H")
        await until(lambda: "Enter halt now" in screen_text(app))
        await click(pilot, "checkpoint stop at", times=2)
        await until(lambda: "Enter halt checkpoint" in screen_text(app))
        await click(pilot, "Esc back")
        await until(lambda: not isinstance(app.screen, HaltDialog))
        assert [each.verb for each in room.commands if each.verb == "halt"] == []
        await pilot.press("H")
        await until(lambda: "Enter halt now" in screen_text(app))
        await click(pilot, "Enter halt")
        await until(lambda: [each.args for each in room.commands if each.verb == "halt"])


async def test_a_second_click_on_a_line_of_a_choice_takes_it(room, until):
    async with console(room, until) as (app, pilot):
        chosen: list[int] = []
        app.choose("Which", [("one", "first"), ("two", "second")], chosen.append)
        await until(lambda: "Enter one" in screen_text(app))
        await click(pilot, "two second")
        await until(lambda: "Enter two" in screen_text(app))
        assert isinstance(app.screen, Pick)
        await click(pilot, "two second")
        await until(lambda: chosen == [1])


@pytest.mark.parametrize("size", [(120, 40), (60, 15)], ids=["framed", "without a frame"])
async def test_a_row_is_hit_where_it_stands_after_sorting_and_resizing(size, room, until):
    async with console(room, until) as (app, pilot):
        await pilot.press("2")
        await until(lambda: isinstance(app.screen, Lists) and app.screen.shown.page is not None)
        await until(lambda: "HOT" in screen_text(app))
        await click(pilot, "HOT")
        await until(lambda: "sorted: hot falling" in screen_text(app))
        await click(pilot, "HOT")
        await until(lambda: "sorted: hot rising" in screen_text(app))
        await pilot.resize_terminal(*size)
        await until(lambda: app.size == size)
        await pilot.pause()
        rows = [row for row in screen_text(app).splitlines() if " rig-" in row]
        name = rows[3].strip("│ ▸").split()[0]
        await click(pilot, f"  {name} ")
        await until(lambda: app.screen.shown.key == name)
        await click(pilot, f"▸ {name} ")
        await until(lambda: isinstance(app.screen, Sheet))


async def test_a_double_click_opens_a_panel_and_the_wheel_brings_further_plots(room, until):
    async with console(room, until) as (app, pilot):
        await click(pilot, "4 Decisions", times=2)
        await until(lambda: app.view().place.id == "decisions")
        await pilot.press("8")
        await until(lambda: "Memory pss" in screen_text(app) and app.screen._series)
        plot = app.screen.boards["plot-0"]
        plot.post_message(events.MouseScrollDown(plot, 3, 3, 0, 0, 0, False, False, False))
        await until(lambda: "Memory pss" not in screen_text(app))
