"""The mouse: a click on words does what the key beside them does, a row is hit where it stands, at any size and order."""

from __future__ import annotations

from contextlib import asynccontextmanager

from textual import events

from tui.app import Console
from tui.export import screen_text
from tui.screens.lists import Lists
from tui.screens.overview import Overview
from tui.widgets.halting import HaltDialog
from tui.widgets.page import Page, Sheet


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


async def test_a_click_does_what_the_words_under_it_say(room, until):
    """In one console, for each costs half a second: frame, page, dialog, choice, panel, wheel."""
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
        await click(pilot, "checkpoint stop at", times=2)
        await until(lambda: "Enter halt checkpoint" in screen_text(app))
        await click(pilot, "Esc back")
        await until(lambda: not isinstance(app.screen, HaltDialog))
        assert not room.commands, "a line of a dialog is only highlighted"
        await pilot.press("H")
        await until(lambda: "Enter halt now" in screen_text(app))
        await click(pilot, "Enter halt")
        await until(lambda: [each.args["kind"] for each in room.commands] == ["now"])
        chosen: list[int] = []
        app.choose("Which", [("one", "first"), ("two", "second")], chosen.append)
        await until(lambda: "Enter one" in screen_text(app))
        await click(pilot, "two second")
        await until(lambda: "Enter two" in screen_text(app))
        assert not chosen
        await click(pilot, "two second")
        await until(lambda: chosen == [1] and isinstance(app.screen, Overview))
        await click(pilot, "4 Decisions", times=2)
        await until(lambda: app.view().place.id == "decisions")
        await pilot.press("8")
        await until(lambda: "Memory pss" in screen_text(app) and app.screen._series)
        plot = app.screen.boards["plot-0"]
        plot.post_message(events.MouseScrollDown(plot, 3, 3, 0, 0, 0, False, False, False))
        await until(lambda: "Memory pss" not in screen_text(app))


async def test_a_row_is_hit_where_it_stands_after_sorting_and_at_any_size(room, until):
    async with console(room, until) as (app, pilot):
        await pilot.press("2")
        await until(lambda: isinstance(app.screen, Lists) and app.screen.shown.page is not None)
        await until(lambda: "HOT" in screen_text(app))
        for way in ("falling", "rising"):
            await click(pilot, "HOT")
            await until(lambda way=way: f"sorted: hot {way}" in screen_text(app))
        for size in ((120, 40), (60, 15)):  # with a frame and without
            await pilot.resize_terminal(*size)
            await until(lambda size=size: app.size == size)
            await pilot.pause()
            rows = [row.strip("│ ") for row in screen_text(app).splitlines()]
            name = [row.split()[0] for row in rows if row.startswith("rig-")][3]
            await click(pilot, f"  {name} ")
            await until(lambda name=name: app.screen.shown.key == name)
        await click(pilot, f"▸ {name} ")
        await until(lambda: isinstance(app.screen, Sheet))
