"""The view-model: words, numbers, bars and rows, without a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model import banner, halts, pages, panels, run, shell, text, words
from tui.model.fleet import counts, devices, fleet_lines
from tui.model.spark import bar, chart, resample, spark
from tui.model.view import Link

EVERY_PANEL = (
    panels.evidence, panels.fleet, run.pipeline, panels.requests,
    panels.decisions, panels.engine, panels.throughput, panels.alerts,
)  # fmt: skip


def shown(lines):
    return text.text_of(lines)


@given(st.text(), st.integers(0, 60))
def test_a_cell_is_exactly_as_wide_as_asked(words_, cells):
    assert text.width(text.cell(words_, cells).text) == cells


@given(st.text("ab ü漢字é̈", max_size=60), st.integers(2, 20))
def test_rows_of_a_text_fit_and_lose_no_letter_whatever_its_width(words_, cells):
    for cut_ in (text.wrap, text.chop):
        rows = cut_(words_, cells + 1)
        assert all(text.width(row) <= cells + 1 for row in rows)
        assert "".join(rows).replace(" ", "") == words_.replace(" ", "")


@given(st.text())
def test_cleaned_text_is_printable_and_folded_text_is_ascii(raw):
    assert text.clean(raw).isprintable()
    assert text.fold(text.clean(raw)).isascii()


@given(
    st.lists(st.tuples(st.integers(0, 9), st.text(min_size=1, max_size=12)), min_size=1), st.integers(1, 80)
)
def test_a_spread_line_never_overflows(items, cells):
    line = text.spread([text.Item(rank, text.line(part)) for rank, part in items], cells)
    assert text.length(line) <= cells


def test_a_spread_line_gives_back_what_it_took_too_much():
    forms = [text.line("a long name"), text.line("name"), text.line("n")]
    items = [text.Item(0, *forms), text.Item(1, text.line("twenty-one requests"), text.line("21"))]
    assert shown([text.spread(items, 15)]) == "a long name  21"
    assert shown([text.spread(items, 14)]) == "name  21"


@pytest.mark.parametrize("cells", [0, 1, 5, 20, 36, 300])
def test_every_panel_paints_at_every_size(picture, cells):
    for rows in (0, 1, 2, 12):
        for view in (picture(), picture(snapshot=None)):
            assert all(paint(view, cells, rows).title for paint in EVERY_PANEL)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "?"),
        (0, "0s"),
        (59, "59s"),
        (99, "99s"),
        (100, "1m"),
        (3599, "59m"),
        (3600, "1h00"),
        (90061, "1d 01h"),
    ],
)
def test_durations_read_like_a_person_says_them(seconds, said):
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "0%"), (0.001, "<1%"), (0.999, ">99%"), (1.0, "100%"), (None, "–")]
)
def test_a_share_is_never_rounded_to_nothing_or_everything(share, said):
    assert words.percent(share) == said


def test_times_are_shown_in_utc_whatever_the_offset():
    assert words.clock("2026-11-23T16:02:31+02:00", seconds=True) == "14:02:31"
    assert words.clock("2026-11-23T14:02:31", seconds=True) == "14:02:31"
    assert words.clock("soon") == "soon"


def test_a_gap_stays_a_gap_and_a_zero_does_not_look_like_one():
    rows = chart([1.0, None, 0.0, 2.0], 30, 8, 2)
    assert [row[-1].text[-4:] for row in rows] == ["  " + " █", "█ ▁█"]
    assert spark([1.0, None, 1.0], 3)[1] == " "
    assert [row[0].text for row in chart([None, 0.0], 30, 8, 2)] == [
        " ",
        "0",
    ]  # one zero on the axis is enough


def test_a_rate_that_is_not_measured_any_more_is_not_named_as_the_present_one(picture):
    for values, said in (([7.0, None], "7"), ([7.0, None, None], "–")):
        shot = picture().snapshot
        shot = shot.model_copy(update={"throughput": shot.throughput.model_copy(update={"values": values})})
        assert panels.throughput(picture(snapshot=shot), 40, 4).title.startswith(f"Throughput {said} ")


def test_small_noise_is_drawn_small():
    assert len(set(spark([100.0, 100.4, 99.8, 100.1] * 5, 20))) <= 2
    assert spark([1.0, 2.0], 2) == "▁█"


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), max_size=200), st.integers(0, 80))
def test_resampled_series_have_one_point_a_cell_and_keep_their_range(values, cells):
    points = resample(values, cells)
    known = [value for value in values if value is not None]
    assert len(points) == cells
    assert all(
        min(known) * 0.999 - 1e-9 <= point <= max(known) * 1.001 for point in points if point is not None
    )


@given(st.floats(-1, 2), st.integers(0, 40))
def test_a_bar_fills_its_cells(share, cells):
    assert len(bar(share, cells)) == cells


def test_a_fleet_of_26_is_one_glyph_a_device_in_41_cells(picture):
    rows = shown(fleet_lines(picture().snapshot.fleet, 41, 4, "Gs/s")).splitlines()
    assert "●●●✖●●●●●●▲●" in rows[3]
    named = [
        host.model_copy(update={"name": f"{host.name}-in-the-basement"}) for host in picture().snapshot.fleet
    ]
    assert "rig-6600b-in-the-basement ●" in shown(
        fleet_lines(named, 80, 4, "Gs/s")
    )  # cut only where it must be
    assert len(rows) == 4
    unit = picture().snapshot.throughput.unit
    assert [panels.fleet(picture(), 41, height).title for height in (3, 9)] == [f"Fleet  {unit}", "Fleet"]


def test_devices_that_do_not_fit_are_counted_by_state():
    assert shown([devices(["ok"] * 62 + ["fail"] * 2, 12)]) == "62●2✖"
    assert shown([counts(["ok", "warn", "warn"], words=True, gap=" ")]) == "1● ok 2▲ warn"


def test_hosts_in_trouble_come_first_when_not_all_are_in_sight(picture):
    rows = shown(fleet_lines(picture().snapshot.fleet, 41, 2, "Gs/s")).splitlines()
    assert rows[0].startswith("rig-6600b")


def test_a_late_reading_is_marked(picture):
    host = picture().snapshot.fleet[0].model_copy(update={"age": 45.0})
    assert "?45s" in shown(fleet_lines([host], 60, 4, "Gs/s"))


def test_advice_stands_apart_from_the_decision(picture):
    narrow, wide = (shown(panels.decisions(picture(), cells, 3).lines).splitlines() for cells in (80, 120))
    assert "PROCEED  rule advice =" in narrow[0]
    assert "RETRY    rule advice none  trial spread" in narrow[1]
    assert "advice none(not configured)" in wide[1]


@pytest.mark.parametrize("verdict", ["identified", "biased", "no_evidence", "not_identifiable", "none yet"])
def test_every_verdict_has_a_sign_and_no_evidence_is_calm(verdict):
    sign = words.VERDICTS[verdict]
    assert sign.glyph
    assert sign.word
    assert words.VERDICTS["no_evidence"].role == "idle"


def test_the_share_stays_in_sight_beside_a_long_pool_line(picture):
    found = picture().snapshot.evidence.model_copy(
        update={"pool": "20 values hold draw 61 with 3.1%, chance 2.00% " * 3}
    )
    view = picture(snapshot=picture().snapshot.model_copy(update={"evidence": found}))
    assert "excluded 61% · power 95%" in shown(panels.evidence(view, 76, 3).lines)


def test_the_verdict_is_said_once(picture):
    told = {"verdict": "not_identifiable", "line": "not identifiable with 4 draws; 5 would do", "draws": 4}
    first = shown(panels.evidence(picture({"evidence": told}), 76, 4).lines[:1])
    assert first.strip() == "▲ not identifiable  with 4 draws; 5 would do"


def test_each_halt_kind_says_its_wait(picture):
    kinds = {choice.kind: choice.wait for choice in halts.choices(picture().snapshot)}
    assert kinds == {"finish": "about 21m", "checkpoint": "about 20s", "now": "within 1 s"}
    assert {choice.wait for choice in halts.choices(None)} == {"nothing runs", "within 1 s"}


@pytest.mark.parametrize(
    ("by", "word"),
    [("ops (console)", False), ("ops@zeus", False), ("watcher", True), ("engine: disk budget", True)],
)
def test_only_a_halt_of_the_engine_itself_needs_the_word(by, word, picture):
    halt = {
        "kind": "now",
        "by": by,
        "reason": "r",
        "asked": "2026-11-23T13:58:10Z",
        "reached": None,
        "seq": 1,
    }
    shot = picture({"halt": halt, "mode": "halted"}).snapshot
    assert halts.needs_word(shot.halt) is word
    assert not halts.needs_word(None)


def test_leaving_never_claims_more_than_is_known(picture, tmp_path):
    said = pages.farewell(picture(), own_state=shell.default_state())
    assert said == "engine still running (pid 4121) — attach: mimicry attach   stop: mimicry stop"
    assert f"attach: mimicry attach --state {tmp_path}" in pages.farewell(picture(), own_state=tmp_path)
    lost = pages.farewell(picture(silence=9.0), own_state=tmp_path)
    assert "still running" not in lost
    assert "did not answer for 9s" in lost
    assert "no engine was reached" in pages.farewell(
        picture(snapshot=None, link=Link("lost")), own_state=tmp_path
    )


def test_a_pending_halt_says_that_it_waits(picture):
    halt = {
        "kind": "finish",
        "by": "ops (console)",
        "reason": "night",
        "asked": "2026-11-23T14:02:00Z",
        "reached": None,
        "seq": 1,
    }
    said = shown(banner.banner(picture({"halt": halt, "mode": "halting"}), 100))
    assert "HALTING 00:31" in said
    assert "no new work starts" in said


def test_an_empty_panel_says_what_fills_it_and_what_it_waits_for(picture):
    def said(view):
        return shown(panels.decisions(view, 60, 4).lines)

    assert "none yet: one is made when a step ends" in said(picture({"decisions": []}))
    assert "empty until  mimicry pipeline" in said(
        picture({"decisions": [], "pipeline": {"run": None, "steps": []}})
    )
    assert "waits for the engine" in said(picture(snapshot=None, link=Link()))
    assert "empty until" in said(picture(snapshot=None, link=Link("lost")))


def test_reasons_and_alerts_stand_in_full_where_there_is_room(picture):
    long = "operator: window 1024 > bound 768, held until somebody decides"
    each = picture().snapshot.requests[0].model_copy(update={"why": long})
    view = picture({"requests": [each.model_dump()]})
    assert long in shown(panels.requests(view, 74, 10).lines)
    assert long not in shown([text.cut(row, 74) for row in panels.requests(view, 74, 1).lines])
    rows = panels.alerts(picture(), 46, 10).lines
    assert all(text.length(row) <= 46 for row in rows)
    assert "(no answer for 10 s)" in " ".join(shown(rows).split())


def test_a_step_that_measures_nothing_shows_no_empty_numbers(picture):
    steps = [{**each.model_dump(), "best": None, "null": None} for each in picture().snapshot.pipeline.steps]
    assert "best" not in shown(run.pipeline(picture({"pipeline": {"run": "r", "steps": steps}}), 60, 3).lines)
