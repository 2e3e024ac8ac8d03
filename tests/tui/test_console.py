"""Behaviour over a real socket: what is shown follows the engine, what is sent is exactly what was highlighted."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from textual import events
from textual.widgets import Input

from engine.protocol import Reply, Snapshot
from tui.app import Console
from tui.export import screen_text
from tui.themes import PALETTES
from tui.widgets.dialog import Dialog, ResumeDialog
from tui.widgets.halting import HaltDialog

HALT = {
    "kind": "now",
    "by": "ops (console)",
    "reason": "check",
    "asked": "2026-11-23T13:58:10Z",
    "reached": None,
    "seq": 7,
}


@asynccontextmanager
async def attached(room, until, size=(80, 24), **options):
    """Run a console on the room's socket; yields it with its pilot once the first snapshot is painted."""
    app = Console(room.state, **options)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.view().snapshot is not None)
        await pilot.pause()
        yield app, pilot


def halted(room, recorded, **changes):
    halt = {**HALT, "reached": "2026-11-23T13:58:11Z", **changes}
    room.snapshot = recorded(mode="halted", halt=halt)


async def test_numbers_follow_the_socket(room, until, recorded):
    async with attached(room, until) as (app, _):
        room.snapshot = recorded(requests_waiting=77)
        await until(lambda: "req 77" in screen_text(app))


@pytest.mark.parametrize(
    ("keys", "kind"), [([], "now"), (["up"], "checkpoint"), (["down"], "finish"), (["up", "up"], "finish")]
)
async def test_enter_sends_exactly_the_highlighted_halt(keys, kind, room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press("H")
        await until(lambda: isinstance(app.screen, HaltDialog))
        for key in (*"fan", *keys):
            await pilot.press(key)
        await pilot.pause()
        chosen = next(row for row in screen_text(app).splitlines() if "▸" in row)
        assert kind in chosen
        assert f"Enter halt {kind}" in screen_text(app)
        await pilot.press("enter")
        await until(lambda: room.commands)
    assert [(each.verb, each.args) for each in room.commands] == [("halt", {"kind": kind, "reason": "fan"})]


async def test_letters_of_the_reason_choose_nothing(room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press("H", *"fan q", *"HRz?!")
        assert app.screen.query_one("#reason", Input).value == "fan qHRz?!"
        assert app.screen.chosen.kind == "now"
        assert not room.commands


async def test_escape_sends_nothing(room, until, recorded):
    halted(room, recorded)
    async with attached(room, until) as (app, pilot):
        for key in ("H", "R"):
            await pilot.press(key, *"why")
            assert isinstance(app.screen, Dialog)
            await pilot.press("escape")
            assert app.screen is app.overview
        await asyncio.sleep(0.2)
    assert not room.commands


async def test_a_readonly_console_cannot_act(room, until, recorded):
    halted(room, recorded)
    async with attached(room, until, readonly=True) as (app, pilot):
        for key in "HR":
            await pilot.press(key)
            assert app.screen is app.overview
            assert "read-only" in screen_text(app).splitlines()[-1]
        with pytest.raises(Exception, match="read-only"):
            await app.feed.command("halt", kind="now")
    assert not room.commands


async def test_resume_sends_the_reason(room, until, recorded):
    halted(room, recorded)
    async with attached(room, until) as (app, pilot):
        await pilot.press("R", *"cooled", "enter")
        await until(lambda: room.commands)
        assert (room.commands[0].verb, room.commands[0].args) == ("resume", {"reason": "cooled"})
        await until(lambda: "resume: done" in screen_text(app))


async def test_a_safety_halt_needs_the_typed_word(room, until, recorded):
    halted(room, recorded, by="watcher", reason="step 5 escalated")
    async with attached(room, until) as (app, pilot):
        await pilot.press("R", *"ok", "enter")
        assert isinstance(app.screen, ResumeDialog)
        assert "does nothing until the word resume is typed" in screen_text(app)
        await pilot.press(*"resum", "enter")
        assert isinstance(app.screen, ResumeDialog)
        assert not room.commands
        await pilot.press("e", "enter")
        await until(lambda: room.commands)
        assert room.commands[0].args == {"reason": "ok"}


async def test_nothing_is_resumed_that_is_not_halted(room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press("R")
        assert "nothing to resume" in screen_text(app)
        assert app.screen is app.overview


async def test_a_refusal_is_one_line(room, until):
    room.answer = lambda command: Reply(
        id=command.id, ok=command.verb == "subscribe", error="disk full: free 2 GB, then halt again"
    )
    async with attached(room, until) as (app, pilot):
        await pilot.press("H", "enter")
        await until(lambda: "refused" in screen_text(app))
        assert (
            screen_text(app).splitlines()[-1].strip()
            == "halt now refused: disk full: free 2 GB, then halt again"
        )


async def test_a_slow_answer_does_not_stop_the_picture(room, until, recorded):
    room.reply_delay = 0.6
    async with attached(room, until) as (app, pilot):
        await pilot.press("H", "enter")
        await until(lambda: room.commands)
        assert "sent, waiting for the engine" in screen_text(app)
        room.snapshot = recorded(requests_waiting=41)
        await until(lambda: "req 41" in screen_text(app))
        await until(lambda: "halt now: done" in screen_text(app))


async def test_a_silent_engine_turns_stale_and_back(room, until):
    async with attached(room, until) as (app, pilot):
        room.silent = True
        await asyncio.sleep(0.3)  # what is under way still arrives
        app.feed.advanced -= 6.0  # as if six seconds had passed
        app.tick()
        await pilot.pause()
        text = screen_text(app)
        assert "? STALE" in text.splitlines()[0]
        assert "Fleet ?" in text
        room.silent = False
        await until(lambda: "● RUN" in screen_text(app))


async def test_repeated_records_do_not_look_live(room, until):
    room.on_tick = lambda snapshot: snapshot
    async with attached(room, until) as (app, _):
        advanced = app.feed.advanced
        await asyncio.sleep(0.3)
        assert app.feed.advanced == advanced


async def test_the_console_survives_a_restart_of_the_engine(room, until):
    async with attached(room, until) as (app, pilot):
        await room.stop()
        await until(lambda: "NO ENGINE" in screen_text(app))
        await pilot.press("H")
        assert app.screen is app.overview
        assert "no engine answers" in screen_text(app).splitlines()[-1]
        await room.start()
        await until(lambda: "● RUN" in screen_text(app))
        assert "NO ENGINE" not in screen_text(app)


async def test_a_console_without_an_engine_shows_a_frame_and_the_way_on(tmp_path, until):
    app = Console(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: "CONNECTING" in screen_text(app) or app.feed.link.state == "lost")
        await until(lambda: "NO ENGINE" in screen_text(app))
        assert "mimicry --no-ui" in screen_text(app)
        await pilot.resize_terminal(200, 24)
        await pilot.press("H")
        await until(lambda: f"from a shell: mimicry halt --state {tmp_path}" in screen_text(app))
        await pilot.press("q")
    assert app.farewell.startswith("no engine was reached")


async def test_records_of_another_build_are_a_fault_of_the_link_not_of_the_console(room, until):
    async with attached(room, until) as (app, _):
        odd = {**room.snapshot.model_dump(), "lag": 3}
        odd.pop("schema")
        room.snapshot = type("Odd", (Snapshot,), {"__annotations__": {"lag": int}})(
            schema="snapshot/1", **odd
        )
        await until(lambda: "'lag', unknown here: upgrade the console" in screen_text(app))
        assert "NO ENGINE" in screen_text(app)


@pytest.mark.parametrize(
    ("speaks", "side"), [((2, 3), "upgrade this program"), ((0, 0), "upgrade the engine")]
)
async def test_an_engine_of_another_protocol_is_told_with_the_side_to_upgrade(speaks, side, room, until):
    room.protocol = speaks
    app = Console(room.state)
    async with app.run_test(size=(120, 40)):
        await until(
            lambda: f"protocol {speaks[0]}..{speaks[1]}, this program 1..1: {side}" in screen_text(app)
        )
        assert "NO ENGINE" in screen_text(app)


async def test_q_detaches_and_says_how_to_come_back(room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press("q")
    assert app.farewell.startswith("engine still running (pid 4121) — attach: mimicry attach")
    assert not room.commands


async def test_freeze_holds_the_numbers_and_shows_the_engine_go_on(room, until, recorded):
    async with attached(room, until) as (app, pilot):
        await pilot.press("z")
        halted(room, recorded, reached="2026-11-23T13:58:11Z")
        await until(lambda: app.feed.latest.mode == "halted")
        app.tick()
        await pilot.pause()
        text = screen_text(app)
        assert "FROZEN" in text
        assert "engine now ‖ HALT" in text
        assert "HALTED" not in text
        await pilot.press("z")
        await until(lambda: "HALTED" in screen_text(app))


async def test_refresh_can_be_slowed_and_paints_less(room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press(*["minus"] * 5)
        assert "every 10s" in screen_text(app)
        before = screen_text(app).splitlines()[0]
        await asyncio.sleep(0.4)
        assert screen_text(app).splitlines()[0] == before
        await pilot.press(*["plus"] * 5)
        await until(lambda: screen_text(app).splitlines()[0] != before)
        assert "every 0.5s" in screen_text(app)


async def test_copy_writes_the_screen_and_shows_the_path(room, until):
    async with attached(room, until, size=(160, 48)) as (app, pilot):
        await pilot.press("y")
        file = room.state / "exports" / "last.txt"
        assert str(file) in screen_text(app)
        assert "┌─ 2 Fleet" in file.read_text()
        assert "┌─ 2 Fleet" in app.clipboard
        assert file.stat().st_mode & 0o077 == 0


async def test_copy_without_a_writable_directory_says_so(room, until):
    (room.state / "exports").write_text("in the way")
    async with attached(room, until, size=(160, 48)) as (app, pilot):
        await pilot.press("y")
        assert "no file" in screen_text(app)


async def test_a_panel_opens_alone_and_scrolls(room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press("tab", "tab", "j", "j")
        await pilot.pause()
        assert "3-5 of 5" in screen_text(app)
        await pilot.press("m")
        await until(lambda: "Fleet" not in screen_text(app))
        assert "Requests" in screen_text(app)
        assert "MIMICRY" in screen_text(app)
        await pilot.press("escape")
        await until(lambda: "Fleet" in screen_text(app))


@pytest.mark.parametrize(("tabs", "place"), [(0, "gpus"), (1, "pipeline"), (2, "requests"), (4, "soak")])
async def test_enter_on_a_panel_opens_the_screen_that_its_title_numbers(tabs, place, room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press(*["tab"] * tabs)
        title = str(app.focused.border_title)
        await pilot.press("enter")
        assert app.view().place.id == place
        assert title.startswith(f"{app.view().place.key} ")


async def test_a_jump_letter_moves_the_focus_to_its_panel(room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press("space")
        await until(lambda: "[f] 3 Requests" in screen_text(app))
        await pilot.press("f")
        assert app.focused.id == "requests"
        await until(lambda: "[f]" not in screen_text(app))


@pytest.mark.parametrize(("key", "kind"), [("C", "checkpoint"), ("F", "finish")])
async def test_the_keys_of_a_soft_halt_highlight_their_line_and_enter_does_it(key, kind, room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press(key)
        await until(lambda: f"Enter halt {kind}" in screen_text(app))
        assert not room.commands
        await pilot.press("enter")
        await until(lambda: room.commands)
    assert [(each.verb, each.args["kind"]) for each in room.commands] == [("halt", kind)]


async def test_a_draw_is_injected_exactly_as_typed_and_only_in_test_mode(room, until, recorded):
    async with attached(room, until) as (app, pilot):
        await pilot.press("I")
        assert "only in test mode" in screen_text(app)
        room.snapshot = recorded(test_mode=True)
        await until(lambda: app.feed.latest.test_mode)
        await pilot.press("I", *"41x", "enter")
        await until(lambda: "does nothing until a whole number is typed" in screen_text(app))
        await pilot.press("backspace", "7")
        await until(lambda: "Enter inject 417 as draw 1460" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: room.commands)
    assert [(each.verb, each.args) for each in room.commands] == [("inject", {"value": 417})]


async def test_a_soak_is_started_ended_compared_and_a_fault_is_fired_at_it(room, until):
    room.soaking = False
    async with attached(room, until) as (app, pilot):
        await pilot.press("8")
        await until(lambda: "S starts one" in screen_text(app))
        await pilot.press("S")
        await until(lambda: "closed loop: synthetic draws" in screen_text(app))
        await pilot.press("down", "enter")
        await until(lambda: "Ask for soak b" in screen_text(app))
        burst(app, "1", "tab", "tab", *"all")
        await until(lambda: "Enter ask for soak b hours=1 faults=all" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: room.commands)
        room.soaking = True
        app.active._again()
        await until(lambda: "✔ cut_ssh back in 1.2 s (ops)" in screen_text(app))
        assert "grows nothing by more than its noise" in screen_text(app)
        await pilot.press("I")
        await until(lambda: "kill a worker" in screen_text(app))
        await pilot.press("enter")
        burst(app, *"why", "enter")
        await until(lambda: len(room.commands) == 2)
        await pilot.press("S")
        await until(lambda: "does nothing until the word end is typed" in screen_text(app))
        await pilot.press("escape", "d")
        await until(lambda: "Compare with" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: "* growth" in screen_text(app) and "a-20261121-090000" in screen_text(app))
    assert [(each.verb, each.args) for each in room.commands] == [
        ("soak_start", {"scenario": "b", "hours": "1", "faults": "all"}),
        ("soak_fire", {"fault": "kill_worker", "reason": "why"}),
    ]


async def test_the_running_step_is_skipped_after_the_typed_word(room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press("B")
        await until(lambda: "step 2.5 scorer, 37 of 100 done" in screen_text(app))
        burst(app, *"dull", "enter")
        await until(lambda: "does nothing until the word skip is typed" in screen_text(app))
        assert not room.commands
        burst(app, "tab", *"skip", "enter")
        await until(lambda: room.commands)
    assert [(each.verb, each.args) for each in room.commands] == [("skip", {"step": "2.5", "reason": "dull"})]


def burst(app, *keys):
    """Type faster than the console takes the keys, as a paste or a slow line does."""
    for key in keys:
        app._driver.send_message(events.Key(key, key if len(key) == 1 else None))


async def test_a_new_request_is_chosen_filled_in_and_sent_as_its_line_says(room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press("N")
        await until(lambda: "Run the pipeline from one step" in screen_text(app))
        await pilot.press("j", "enter", "enter")
        await until(lambda: "does nothing until step is typed" in screen_text(app))
        burst(app, "5", "tab", "8", "0")
        await until(lambda: "Enter ask for step_force step=5 priority=80" in screen_text(app))
        assert not room.commands
        await pilot.press("enter")
        await until(lambda: room.commands)
    assert [(each.verb, each.args) for each in room.commands] == [
        ("submit", {"type": "step_force", "arg": ["step=5", "priority=80"]})
    ]


async def test_an_alert_that_comes_is_told_and_rings_where_that_was_asked_for(
    room, until, recorded, monkeypatch
):
    rung = []
    async with attached(room, until, bell=True) as (app, _):
        monkeypatch.setattr(app, "bell", lambda: rung.append(True))
        came = {
            "at": room.snapshot.at,
            "level": "fail",
            "text": "[b]hot[/b]",
            "id": "alert-9",
            "acked": False,
        }
        room.snapshot = recorded(alerts=[came])
        await until(lambda: rung)
        assert [(each.title, each.message, each.markup) for each in app._notifications] == [
            ("alert alert-9", "[b]hot[/b]", False)
        ]


async def test_the_window_of_the_throughput_is_asked_for(room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press("w", "w")
        await until(lambda: "throughput over 4h00" in screen_text(app))
        await until(lambda: "Mh/s  4h00" in screen_text(app) or "Gs/s  4h00" in screen_text(app))


async def test_the_palette_runs_an_action(room, until):
    async with attached(room, until) as (app, pilot):
        await pilot.press("colon", *"refresh 5")
        await until(lambda: "refresh 5 s" in screen_text(app) and "theme" not in screen_text(app))
        await pilot.press("enter")
        await until(lambda: app.view().refresh == 5.0)


async def test_every_theme_can_be_put_on(room, until):
    async with attached(room, until) as (app, pilot):
        for theme in PALETTES:
            app.use_theme(theme)
            await pilot.pause()
            assert app.theme == f"control-{theme}"
            assert "● RUN" in screen_text(app)


async def test_boards_repaint_only_the_rows_that_changed(room, until, recorded, monkeypatch):
    async with attached(room, until) as (app, pilot):
        room.on_tick = lambda snapshot: snapshot
        await asyncio.sleep(0.2)
        await pilot.pause()
        regions = []
        board = app.overview.query_one("#fleet")
        monkeypatch.setattr(board, "refresh", lambda *asked, **_: regions.extend(asked))
        fleet = [host.model_dump() for host in room.snapshot.fleet]
        fleet[1]["util"] = 0.5
        room.snapshot = recorded(fleet=fleet, at="2026-11-23T15:00:00Z")
        await until(lambda: regions)
    assert [(region.y, region.height) for region in regions] == [(2, 1)]
