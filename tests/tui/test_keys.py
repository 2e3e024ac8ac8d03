"""The key table: lower case looks, UPPER CASE acts, every key has an action, every page is made from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tui import keys
from tui.app import Console
from tui.desk import KINDS
from tui.model.chrome import footer
from tui.model.pages import help_lines
from tui.model.text import text_of
from tui.palette import entries
from tui.places import BY_ID


@pytest.mark.parametrize("key", keys.KEYS, ids=lambda key: key.id)
def test_every_key_has_an_action(key):
    assert callable(getattr(Console, f"action_{key.action.partition('(')[0]}"))
    for kind in () if key.does == "acts" else key.on:
        assert callable(getattr(KINDS[kind], f"do_{key.id}"))


@pytest.mark.parametrize("key", keys.KEYS, ids=lambda key: key.id)
def test_upper_case_acts_and_nothing_else_does(key):
    upper = len(key.key) == 1 and key.key.isupper()
    assert (key.does == "acts") == upper


def test_ids_and_keys_are_unique():
    ids = [key.id for key in keys.KEYS]
    pressed = [part for key in keys.KEYS for part in key.key.split(",")]
    assert len(ids) == len(set(ids))
    assert len(pressed) == len(set(pressed))


def test_help_footer_and_readme_show_the_same_table(picture):
    page, table = text_of(help_lines(False, 120)), keys.table()
    for key in keys.KEYS:
        assert key.shown in page
        assert key.help in table
    foot = [row.strip().split(" ", 1)[1] for row in text_of([footer(picture(), 400)]).split("  ")]
    assert foot == [key.word for key in keys.footer_keys()]


def test_palette_offers_actions_themes_and_rates_but_nothing_that_acts_to_a_readonly_console(tmp_path):
    full = [entry.name for entry in entries(Console(tmp_path))]
    looking = [entry.name for entry in entries(Console(tmp_path, readonly=True))]
    assert {"halt  (H)", "resume  (R)", "theme okabe", "refresh 2 s"} <= set(full)
    assert set(full) - set(looking) == {
        f"{key.word}  ({key.shown})" for key in keys.KEYS if key.does == "acts"
    }


def test_the_footer_leads_with_what_the_screen_offers_and_leaves_it_out_where_nobody_may_act(picture):
    offered = {"act_O": "", "act_X": "cancel"}
    view = picture(place=BY_ID["requests"])
    foot = text_of([footer(view, 80, None, offered)])
    assert foot.startswith(" H halt  R resume  O decide  X cancel  / filter  Enter open")
    assert "decide" not in text_of([footer(view, 80, None)])
    for looking in (replace(view, readonly=True), replace(view, past=True)):
        assert "decide" not in text_of([footer(looking, 300, None, offered)])
