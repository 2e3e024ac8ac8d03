"""Colours of one's own: what is right is used, a fault is told with its line, and the default is used visibly."""

from __future__ import annotations

import pytest

from tui.app import Console
from tui.export import screen_text
from tui.themefile import load
from tui.themes import PALETTES


def written(folder, text):
    (folder / "themes.toml").write_text(text)
    return load(folder)


def test_without_a_file_there_are_no_further_themes(tmp_path):
    assert load(tmp_path) == ({}, "", ())


def test_a_theme_takes_what_it_does_not_name_from_its_base(tmp_path):
    found = written(tmp_path, 'theme = "mine"\n[themes.mine]\nbase = "light"\nok = "#00ff87"\n')
    assert found.chosen == "mine"
    assert found.palettes["mine"][:3] == PALETTES["light"][:3]
    assert found.palettes["mine"][3] == "#00ff87"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[themes\n", "at line 1"),
        ("[themes.mine]\nok = 'green'\n", "line 2: ok = 'green': a colour is"),
        ("[themes.a]\nok='#000000'\n[themes.b]\nwarm = '#000000'\n", "line 4: no part 'warm'; the nearest is 'warn'"),
        ("[themes.mine]\nbase = 'drak'\n", "line 2: no theme 'drak'; the nearest is 'dark'"),
        ("[themes.dark]\nok = '#000000'\n", "line 1: 'dark' is no name for a theme"),
        ("theme = 'okab'\n", "line 1: no theme 'okab'; the nearest is 'okabe'"),
        ("colour = 1\n", "line 1: 'colour' is unknown"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line(text, says, tmp_path):
    assert says in written(tmp_path, text).faults[0]


async def test_a_broken_file_is_told_on_screen_and_in_help_and_dark_is_used(room, until):
    (room.state / "themes.toml").write_text("theme = 'mine'\n[themes.mine]\nok = 'green'\n")
    app = Console(room.state)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(lambda: "themes.toml line 3: ok = 'green'" in screen_text(app))
        assert app.theme == "control-dark"
        await pilot.press("question_mark")
        await until(lambda: "theme dark is used" in screen_text(app))


async def test_every_theme_of_the_file_is_offered_and_can_be_used(room, until):
    (room.state / "themes.toml").write_text(
        'theme = "mine"\n[themes.mine]\nbase = "ansi"\nok = "ansi_bright_green"\n'
    )
    app = Console(room.state, theme="")
    async with app.run_test(size=(80, 24)):
        await until(lambda: "● RUN" in screen_text(app))
        assert app.theme == "control-mine"
        for name in app.theme_names:
            app.use_theme(name)
