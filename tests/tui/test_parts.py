"""Parts of screens as pure functions: what was seen of a number, the coverage map, a survivor's story, the advisor, groups, long plots."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tui.model.advisor import advisor
from tui.model.beside import rows_pairs
from tui.model.coverage import coverage_map
from tui.model.detail import exchange_lines, story_lines
from tui.model.layout import Layout
from tui.model.listing import Column, Page, stated
from tui.model.plan import Group, Plan, groupings
from tui.model.plot import spans_plot
from tui.model.shown import Shown
from tui.model.text import text_of
from tui.model.trails import KEPT, MOST, Trails
from tui.widgets.page import Sheet


def page(rows, columns=("id", "host", "state", "util"), **more):
    made = tuple(
        Column(name, name.upper(), {"state": "state", "util": "number"}.get(name, "text")) for name in columns
    )
    return Page("x", "X", "id", "", made, rows, len(rows), len(rows), **more)


def devices(count, **more):
    return [
        {"id": f"d{i}", "host": f"h{i // 4}", "state": "ok", "util": 50 + i, **more} for i in range(count)
    ]


def test_trails_keep_ten_minutes_thinned_and_forget_rows_that_are_gone():
    trails = Trails(("util",))
    for second in range(0, 2000):
        trails.take(page(devices(3)), float(second))
    assert len(trails.of("d1")["util"]) == KEPT
    trails.take(page(devices(1)), 3000.0)
    assert trails.of("d1") == {}
    trails.take(page(devices(MOST + 9)), 4000.0)
    assert trails.of(f"d{MOST}") == {}


def test_a_missing_number_is_a_gap_in_its_trail():
    trails = Trails(("util",))
    trails.take(page(devices(1)), 0.0)
    trails.take(page(devices(1, util=None)), 5.0)
    trails.take(page(devices(1)), 10.0)
    assert trails.of("d0")["util"] == [50.0, None, 50.0]
    text = text_of(trails.lines("d0", page(devices(1)), 40))
    assert "seen by this console" in text
    assert "▄ ▄ 50" in text or "▅ ▅ 50" in text


def test_groups_stand_over_their_rows_and_the_cursor_settles_on_rows_only():
    shown = page(devices(6))
    plan = Plan.of(shown, "host")
    assert [plan.row(at) for at in range(plan.count)] == [None, 0, 1, 2, 3, None, 4, 5]
    assert isinstance(plan.group(5), Group)
    assert "h1  2  2 ● ok" in text_of([plan.group(5).line])
    assert (plan.settle(0), plan.settle(5, 1), plan.settle(5, -1), plan.place(4)) == (1, 6, 4, 6)
    assert groupings(shown) == ["host"]


def test_a_list_that_is_not_whole_is_not_grouped():
    part = Page("x", "X", "id", "", page([]).columns, devices(6), 100, 100, offset=10)
    assert Plan.of(part, "host").entries == ()
    assert groupings(part) == []
    assert (part.row(9), part.row(10)["id"], part.find("d3"), part.count) == (None, "d0", 13, 100)


def test_the_map_has_the_least_power_of_each_cell_and_says_what_does_not_fit():
    rows = [
        {"seq": i, "family": f"f{i % 5}", "mapping": f"m{i % 3}", "power": 0.5 + i / 60} for i in range(30)
    ]
    drawn = coverage_map(page(rows, ("seq", "family", "mapping", "power")), 60, 5)
    text = text_of(drawn.lines)
    assert "▄ 2 50%" in text
    assert "2 more families in the list below" in text
    assert coverage_map(page([]), 60, 5) is None
    crowded = page(
        [{**rows[0], "mapping": f"m{i}"} for i in range(12)], ("seq", "family", "mapping", "power")
    )
    for cells in (40, 60, 76, 150):
        title = coverage_map(crowded, cells, 5).title
        assert len(title) <= cells - 3
        assert "more mappings" in title


def test_a_record_of_the_journal_stands_under_its_time_where_the_room_is_narrow():
    event = {"seq": 7, "at": "2026-11-23T09:56:14Z", "kind": "request.queued",
             "data": {"request": "r-1", "why": "a history came that nobody has searched yet; it is looked at from its first draw on"}}  # fmt: skip
    narrow = text_of(story_lines([event], "in the journal", 44)).splitlines()[2:]
    assert narrow[0] == "     7 09:56:14 request.queued"
    assert narrow[1].startswith("       r-1 a history came that nobody")
    assert narrow[2].endswith("…")
    assert text_of(story_lines([event], "in the journal", 100)).endswith("on")


@pytest.mark.parametrize("cells", [20, 60, 160])
def test_a_long_plot_fits_its_panel_and_names_how_many(cells):
    curve = {
        "measured": "value",
        "count": 100_000,
        "least": [0.1, None, 0.3],
        "greatest": [0.2, None, 0.9],
        "best": [0.2, 0.2, 0.9],
    }
    drawn = spans_plot(curve, cells, 8)
    assert "value of 100,000" in drawn.title
    assert len(drawn.lines) == 8
    assert {sum(len(part.text) for part in row) for row in drawn.lines} == {cells}
    assert spans_plot({**curve, "least": [None], "greatest": [None], "best": [None]}, cells, 8).lines == []


def test_the_advisor_that_is_not_there_says_how_to_get_one():
    assert "room.toml" in text_of(advisor({"state": "none", "why": "not configured"}, 80).lines)
    assert "no report" in text_of(advisor(None, 80).lines)


def test_an_exchange_is_shown_as_it_was_and_cannot_write_to_the_terminal():
    told = '{"id": "c-1", "prompt": "line one\\n  line \\u001b[31mtwo", "answers": [{"a": 1}]}'
    text = text_of(exchange_lines(told, 40))
    assert "line one" in text
    assert "  line ·[31mtwo" in text
    assert '"a": 1' in text
    assert text_of(exchange_lines("no json", 40)) == "no json"


def test_the_cursor_stays_on_its_row_when_rows_move_and_on_its_line_among_rows_of_one_name():
    shown = Shown("x", key="d3")
    shown.take(page(devices(6)[::-1]), 0.0)
    assert shown.line_of_key(0) == 2
    shown.take(page([*devices(2), *devices(2), *devices(6)]), 1.0)
    shown.key = "d1"
    assert (shown.line_of_key(3), shown.line_of_key(0)) == (3, 1)


def test_columns_that_tell_rows_apart_come_before_texts_that_all_of_them_share():
    rows = [
        {"id": f"i{n}", "model": "RX 6600", "family": f"family-{n}/of-many", "why": "a short one"}
        for n in range(4)
    ]
    layout = Layout()
    layout.fit(page(rows, ("id", "model", "family", "why")), 40)
    assert [column.name for column, _ in layout.chosen] == ["id", "family", "why"]
    rows[0]["model"] = "RX 7600"
    layout.fit(page(rows, ("id", "model", "family", "why")), 90)
    layout.fit(page(rows, ("id", "model", "family", "why")), 40)
    assert "model" in [column.name for column, _ in layout.chosen]
    named = [{"id": f"a-rig-of-many-letters/{n}", "family": "f" * (20 + n), "util": n} for n in range(12)]
    layout.fit(page(named, ("id", "family", "util")), 45)
    assert layout.chosen[0][1] == len("a-rig-of-many-letters/11")  # a name is never cut
    assert [(column.name, size) for column, size in layout.chosen[1:]] == [("family", 12), ("util", 4)]
    asked = [{"id": f"r-{n}", "kind": "pipeline_rerun", "origin": "history", "why": "runs"} for n in range(2)]
    layout.fit(replace(page(asked, ("id", "kind", "origin", "why")), name="requests"), 28)
    assert [column.name for column, _ in layout.chosen] == [
        "id",
        "kind",
        "why",
    ]  # what it is, also where shared


def test_a_title_gives_up_its_unit_for_the_arrow_and_a_reason_is_cut_before_it_is_left_out():
    made = page(
        [{"id": "r-1", "util": 93, "why": "waits for a free GPU of another rig"}], ("id", "util", "why")
    )
    made = replace(made, columns=(made.columns[0], made.columns[1]._replace(unit="%"), made.columns[2]))
    layout = Layout()
    layout.fit(made, 40)
    assert text_of([layout.head("-util")]).split() == ["ID", "UTIL▼", "WHY"]
    assert text_of([layout.head("id")]).split() == ["ID▲", "UTIL%", "WHY"]
    layout.sizes = {}
    layout.fit(
        replace(
            made,
            rows=[{"id": "r-1", "util": 93}],
            columns=(*made.columns[:1], Column("util", "UTIL", "number")),
        ),
        20,
    )
    assert text_of([layout.head("util")]).rstrip() == "  ID  UTIL▲"  # where it does not fit it takes the gap
    layout.fit(made, 24)
    assert text_of([layout.head("")]).split() == ["ID", "WHY"]
    assert stated(Column("bits", "BITS", "number", "bits"), {"bits": -2.391}) == ("bits", "-2.391")
    assert rows_pairs(made, made.rows[0], {"id": "r-2"})[1] == ("util", "93 %", "–")


def test_a_page_that_is_not_on_the_screen_yet_can_be_told_that_there_is_more_to_say():
    Sheet(lambda: "row", lambda _: [], ascii_only=True).show()
