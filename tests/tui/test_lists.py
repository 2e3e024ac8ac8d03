"""Lists over a real socket: filter, sort, marks, copy, export, the row in full; what the engine refuses is told in place."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from contextlib import asynccontextmanager

import pytest
from textual.widgets import Input

from engine.protocol import Reply
from tui.app import Console
from tui.export import screen_text
from tui.keys import KEYS
from tui.places import of_table
from tui.screens.frame import Framed
from tui.screens.lists import Lists
from tui.widgets.page import Sheet
from tui.widgets.pick import Pick


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
    return [row for row in screen_text(app).splitlines() if re.match(r"│ [▸ ][* ]rig-", row)]


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
        assert [row.split("\t")[0] for row in app.clipboard.splitlines()] == ["gpu", "rig-a/0", "rig-b/0"]
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
    for name in ("episodes", "candidates", "policy"):
        del room.tables[name]
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
async def test_a_thousand_rows_are_walked_and_only_those_in_sight_are_made(devices, room, until, monkeypatch):
    room.devices = devices
    async with listing(room, until) as (app, pilot, screen):
        assert len(screen.rows.lines) <= screen.rows.rows
        await pilot.press("end")
        await until(lambda: screen.rows.at == devices - 1)
        await until(lambda: "992-1,000 of 1,000" in screen_text(app))
        await pilot.press("pageup", "home")
        assert screen.rows.at == 0
        sights = []
        monkeypatch.setattr(
            Framed,
            "on_board_resized",  # a busy machine paints much later than it lays out
            lambda self: sights.append((len(screen.rows.lines), screen.rows.rows)),
        )
        await pilot.resize_terminal(80, 30)
        await until(lambda: sights)
        assert all(made == room for made, room in sights)


async def test_the_palette_finds_one_row_by_its_name(room, until):
    async with listing(room, until, "requests") as (app, pilot, screen):
        await pilot.press("colon", *"rig-c/5")
        await until(lambda: "gpus rig-c/5" in screen_text(app) and "[red]hotspot" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: screen.shown.name == "gpus" and screen.shown.key == "rig-c/5")
        assert "filter: gpu=rig-c/5" in screen_text(app)


async def test_u_brings_the_survivors_with_their_scores_beside_null_twins_and_the_trials_back(room, until):
    async with listing(room, until, "pipeline", size=(120, 40)) as (app, pilot, screen):
        await until(lambda: "○ 9 pruned of 60" in screen_text(app))
        assert "○ pruned" in screen_text(app)
        assert screen_text(app).count("○") == 11  # nine marks on the axis, one in the title, one above
        assert re.search(r"last kept trial, \d+s ago  importance  depth 41%", screen_text(app))
        await pilot.press("u")
        await until(lambda: "4 above every null twin" in screen_text(app))
        assert screen.shown.name == "survivors"
        await pilot.press("u")
        assert screen.shown.name == "trials"


async def test_a_call_leads_to_the_decision_that_rests_on_it_and_o_switches_the_advisor(room, until):
    async with listing(room, until, "llm", size=(120, 40)) as (app, pilot, _):
        await until(lambda: "agreed 371 of 405 (92%), followed 9, code stricter 25" in screen_text(app))
        number = room.snapshot.decisions[0].id
        await until(lambda: f"decision {number} rests on it" in screen_text(app))
        await pilot.press("d")
        await until(lambda: "the code alone" in screen_text(app))
        await pilot.press("escape", "j", "d")
        await until(lambda: "no decision rests on this call" in screen_text(app))
        await pilot.press("O", *"too slow", "enter")
        await until(lambda: room.commands)
        assert (room.commands[0].verb, room.commands[0].args) == ("llm_off", {"reason": "too slow"})


async def test_a_list_longer_than_an_answer_is_read_around_what_is_in_sight_and_exported_whole(room, until):
    room.devices = 3000
    async with listing(room, until) as (app, pilot, screen):
        assert (len(screen.shown.page.rows), screen.rows.count) == (1000, 3000)
        assert "GPUs 3,000" in screen_text(app)
        await pilot.press("end")
        await until(lambda: screen.shown.page.offset == 2000)
        await until(lambda: screen.shown.key == "rig-c/999")
        await pilot.press("k")
        assert screen.shown.key == "rig-b/999"
        await pilot.press("home")
        await until(lambda: screen.shown.key == "rig-a/0")
        await pilot.press("e", "enter")
        await until(lambda: list((room.state / "exports").glob("gpus-*.csv")))
        file = next((room.state / "exports").glob("gpus-*.csv"))
        assert [row["gpu"] for row in csv.DictReader(file.open())][::2999] == ["rig-a/0", "rig-c/999"]


async def test_rows_are_grouped_under_lines_that_the_cursor_passes_over(room, until):
    async with listing(room, until) as (app, pilot, screen):
        await pilot.press("g")
        await until(lambda: "GPUs 26 · by host" in screen_text(app))
        assert " rig-a  9  9 " in screen_text(app).replace("▶ ", "").replace("│", "")
        assert screen.shown.key == "rig-a/0"
        await pilot.press(*"j" * 9)
        assert screen.shown.key == "rig-b/0"
        await pilot.press("k")
        assert screen.shown.key == "rig-a/8"
        await pilot.press("home", "k")
        assert screen.shown.key == "rig-a/0"
        await pilot.press("g")
        await until(lambda: "by state" in screen_text(app))
        await pilot.press("g")
        await until(lambda: " · by " not in screen_text(app))


async def test_a_jump_letter_goes_to_its_row_and_any_other_key_stays(room, until):
    async with listing(room, until) as (app, pilot, screen):
        await pilot.press("space")
        await until(lambda: "│ d rig-c/0" in screen_text(app))
        await pilot.press("d")
        assert screen.shown.key == "rig-c/0"
        await pilot.press("space", "escape")
        assert screen.shown.key == "rig-c/0"
        await until(lambda: "a letter jumps" not in screen_text(app))


async def test_raw_shows_the_row_as_it_was_sent(room, until):
    async with listing(room, until) as (app, pilot, _):
        await pilot.press("v")
        await until(lambda: '"power": 96.5' in screen_text(app))
        assert "gpus rig-a/0 as JSON" in screen_text(app)


async def test_a_survivor_opens_as_its_trace_and_a_step_with_its_decision(room, until):
    async with listing(room, until, "pipeline", size=(120, 40)) as (app, pilot, screen):
        screen.show_table("survivors")
        await until(lambda: screen.shown.key == "1")
        await pilot.press("enter")
        await until(lambda: "rank 1 of 120 beside 47 decoys" in screen_text(app))
        assert "best_model.meta.json, prediction_pool.json" in screen_text(app)
        await pilot.press("escape")
        screen.show_table("steps")
        await until(lambda: screen.shown.key == "1")
        await pilot.press("enter")
        await until(lambda: "the same record gives" in screen_text(app))


async def test_the_exchange_behind_a_call_is_read_from_its_file(room, until):
    (room.state / "llm").mkdir()
    (room.state / "llm" / "c-0.json").write_text(
        json.dumps({"id": "c-0", "prompt": "You judge step 2.5.\nFacts: …", "answers": ["{}"]})
    )
    async with listing(room, until, "llm") as (app, pilot, _):
        await pilot.press("p")
        await until(lambda: "You judge step 2.5." in screen_text(app))
        await pilot.press("escape", "j", "p")
        await until(lambda: "No such file" in screen_text(app))


async def test_a_key_of_another_screen_says_so(room, until):
    async with listing(room, until) as (app, pilot, _):
        await pilot.press("f")
        assert "follow: not on this screen" in screen_text(app)


async def test_nothing_is_sent_for_a_priority_that_is_no_number_or_an_act_that_does_not_fit_the_row(
    room, until
):
    async with listing(room, until, "requests") as (app, pilot, screen):
        await pilot.press("P", *"high", "enter")
        await pilot.pause()
        assert "does nothing until a whole number is typed as priority" in screen_text(app)
        await pilot.press("escape")
        assert " cancel " in screen_text(app).splitlines()[-1]
        done = next(row["id"] for row in screen.shown.page.rows if row["state"] == "done")
        screen.show_table("requests", "state=done")
        await until(lambda: screen.shown.key == done and " cancel " not in screen_text(app).splitlines()[-1])
        await pilot.press("X")
        await until(lambda: f"X: not with state done: cancel {done}" in screen_text(app))
    assert not room.commands


async def test_two_marked_rows_stand_side_by_side(room, until):
    async with listing(room, until, size=(120, 40)) as (app, pilot, _):
        await pilot.press("d")
        await until(lambda: "mark two rows with b" in screen_text(app))
        await pilot.press("b", "b", "d")
        await until(lambda: "gpus, two rows" in screen_text(app))
        row = next(each for each in screen_text(app).splitlines() if "* gpu" in each)
        assert "rig-a/0" in row
        assert "rig-b/0" in row


async def test_a_candidate_stands_beside_the_active_policy_and_two_versions_beside_each_other(room, until):
    async with listing(room, until, "selfplay") as (app, pilot, screen):
        screen.show_table("candidates")
        await until(lambda: screen.shown.key == "cand-7")
        await pilot.press("d")
        await until(lambda: "* mask" in screen_text(app))
        assert "cand-7" in screen_text(app)
        assert "1 of 4 differ" in screen_text(app)
        await pilot.press("escape")
        screen.show_table("policy")
        await until(lambda: screen.shown.key == "2")
        await pilot.press("b", "b", "d")
        await until(lambda: "1 beside 2" in screen_text(app))


async def test_the_advice_stands_beside_what_the_code_decided(room, until):
    async with listing(room, until, "decisions") as (app, pilot, _):
        await pilot.press("d")
        await until(lambda: "the code alone" in screen_text(app))
        await pilot.press("escape", "p")
        await until(lambda: "the advisor was not asked about decision" in screen_text(app))
        await pilot.press("d")
        await until(lambda: "the code alone" in screen_text(app))
        made = room.snapshot.decisions[0]
        assert f"it became {made.action}" in screen_text(app)


async def test_an_answer_of_now_opens_beside_the_recorded_one(room, until):
    before = {"id": "c-0", "question": "agent_decision", "about": "r-219", "source": "llm", "seconds": 2.1,
              "outcome": '{"decision":"RETRY","confidence":0.7}'}  # fmt: skip
    now = {
        "done": True,
        "source": "llm",
        "seconds": 2.4,
        "call": "c-9",
        "answer": {"decision": "PROCEED", "confidence": 0.7},
        "none": None,
    }
    said = {"llm_again": {"ticket": "t", "before": before}, "llm_answer": now}
    room.answer = lambda command: Reply(id=command.id, ok=True, data=said.get(command.verb, {}))
    async with listing(room, until, "llm") as (app, pilot, _):
        await pilot.press("T", "enter")
        await until(lambda: "* decision" in screen_text(app))
        row = next(each for each in screen_text(app).splitlines() if "* decision" in each)
        assert "RETRY" in row
        assert "PROCEED" in row
        assert "* confidence" not in screen_text(app)


ACTED = [
    ("alerts", ["A", *"seen", "enter"], ("ack", {"id": "a-88", "reason": "seen"})),
    ("alerts", ["j", "M", "enter"], ("mute", {"id": "a-87", "minutes": 60, "reason": ""})),
    ("requests", ["j", "X", *"old", "enter"], ("cancel", {"id": "r-220", "reason": "old"})),
    ("requests", ["j", "P", *"80", "tab", *"soon", "enter"], ("priority", {"id": "r-220", "priority": 80, "reason": "soon"})),
    ("requests", ["j", "O", *"yes", "enter"], ("approve", {"id": "r-220", "reason": "yes"})),
    ("llm_calls", ["T", "enter"], ("llm_again", {"id": "c-0"})),
    ("decisions", ["T", "enter"], ("llm_again", {"id": "1187"})),
    ("approvals", ["j", "O", *"fine", "enter"], ("approve", {"id": "a-3", "reason": "fine"})),
    ("approvals", ["X", *"no", "enter"], ("reject", {"id": "a-4", "reason": "no"})),
    ("decisions", ["O", "enter", "enter"], ("overrule", {"id": 1187, "action": "RETRY", "reason": ""})),
    ("decisions", ["O", "down", "enter", "enter"], ("overrule", {"id": 1187, "action": "ESCALATE", "reason": ""})),
    ("decisions", ["j", "O", "up", "enter", *"so", "enter", *"overrule", "enter"], ("overrule", {"id": 1186, "action": "PROCEED", "reason": "so"})),
    ("gpus", ["j", "D", *"hot", "enter"], ("rig", {"target": "rig-b/0", "action": "drain", "reason": "hot"})),
    ("gpus", ["X", *"dead", "enter"], ("rig", {"target": "rig-a/0", "action": "quarantine", "reason": "dead"})),
    ("gpus", ["g", "j", "U", *"ok", "enter"], ("rig", {"target": "rig-a/1", "action": "include", "reason": "ok"})),
    ("candidates", ["P", *"promote", "enter"], ("promote", {"candidate": "cand-7"})),
    ("policy", ["j", "X", "enter", *"rollback", "enter"], ("rollback", {"to": 1, "reason": ""})),
]  # fmt: skip
"""What each acting key of a list sends; halt, resume, stop soon, finish, inject, a new request, a soak and a skipped step are in test_console."""


def test_every_acting_key_is_tried_somewhere():
    letters = {key.key for key in KEYS if key.does == "acts" and "soak" not in key.on}
    tried = {letter for _, keys, _ in ACTED for letter in keys if letter in letters}
    assert letters == tried | set("HRCFINSB")


@pytest.mark.parametrize(("name", "keys", "order"), ACTED)
async def test_an_acting_key_sends_what_its_dialog_said_about_the_row_under_the_cursor(
    name, keys, order, room, until
):
    async with listing(room, until, of_table(name).id) as (app, pilot, screen):
        screen.show_table(name)
        letter = next(key for key in keys if key.isupper())
        await until(lambda: f" {letter} " in screen_text(app).splitlines()[-1])  # the footer offers it
        *before, last = keys
        for key in before:
            await pilot.press(key)
            await pilot.pause()
        row = screen.shown.key
        await until(lambda: f"{row}   Esc back" in screen_text(app))
        assert not room.commands
        await pilot.press(last)
        await until(lambda: room.commands)
    assert [(each.verb, each.args) for each in room.commands] == [order]
    assert str(row) in map(str, order[1].values())


async def test_a_costly_order_needs_the_typed_word_and_esc_sends_nothing(room, until):
    async with listing(room, until, "decisions") as (app, pilot, _):
        await pilot.press("j", "O", "up", "enter", "enter")
        await pilot.pause()
        assert "does nothing until the word overrule is typed" in screen_text(app)
        await pilot.press("enter", "escape")
        await pilot.press("X")
        assert "X: nothing here that it could act on" in screen_text(app)
    assert not room.commands


async def test_a_readonly_console_acts_on_no_row(room, until):
    async with listing(room, until, "alerts", readonly=True) as (app, pilot, screen):
        for key in "AMXO":
            await pilot.press(key)
            assert app.screen is screen
    assert not room.commands


async def test_alerts_open_over_any_screen_and_esc_goes_back(room, until):
    async with listing(room, until, "requests") as (app, pilot, screen):
        await pilot.press("exclamation_mark")
        await until(lambda: "Alerts 2" in screen_text(app))
        assert "hotspot" in screen_text(app)
        await pilot.press("escape")
        await until(lambda: app.screen is screen)


async def test_a_new_alert_is_told_once(room, until, recorded):
    app = Console(room.state, bell=True)
    told, rung = [], []
    async with app.run_test(size=(80, 24)):
        await until(lambda: app.view().snapshot is not None)
        app.notify = lambda text, **_: told.append(text)  # type: ignore[method-assign]
        app.bell = lambda: rung.append(1)  # type: ignore[method-assign]
        new = {"at": "2026-11-23T14:03:00Z", "level": "fail", "text": "rig-6600 is silent", "id": "a-90"}
        room.snapshot = recorded(alerts=[new, *(each.model_dump() for each in room.snapshot.alerts)])
        await until(lambda: told)
        await asyncio.sleep(0.5)
    assert told == ["rig-6600 is silent"]
    assert rung == [1]


async def test_stepping_back_shows_the_room_and_its_lists_as_they_were_and_esc_is_now(room, until):
    async with listing(room, until, "requests") as (app, pilot, screen):
        await until(lambda: len(screen.shown.page.rows) == 5)
        await pilot.press("left_square_bracket")
        await until(lambda: "REPLAY at 2026-11-23 13:30:00Z · record 48210" in screen_text(app))
        await until(lambda: len(screen.shown.page.rows) == 3)
        for key in "XRNSB":
            app.say("")
            await pilot.press(key)
            await until(lambda: "Esc goes back to now, then act" in screen_text(app))
        await pilot.press("H")
        await until(lambda: "Enter halt now" in screen_text(app))
        await pilot.press("escape", "2")
        await until(lambda: "cannot be rebuilt from the journal" in screen_text(app))
        for untrue in ("no device", "mimicry doctor", "up 0s"):
            assert untrue not in screen_text(app)
        await pilot.press("1")
        await until(lambda: "devices are not in the journal" in screen_text(app))
        await pilot.press("left_square_bracket")
        await until(lambda: "record 48209" in screen_text(app))
        await pilot.press("escape", "3")
        await until(lambda: "REPLAY" not in screen_text(app) and len(screen.shown.page.rows) == 5)
    assert not room.commands
