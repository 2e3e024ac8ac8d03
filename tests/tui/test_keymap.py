"""The keymap file: moves keys everywhere at once; whatever is wrong is told with its line, and the default stays."""

from __future__ import annotations

import pytest

from tui import keys
from tui.app import Console
from tui.export import screen_text
from tui.keymap import load
from tui.widgets.halting import HaltDialog


@pytest.fixture(autouse=True)
def restored():
    yield
    keys.use({})


def written(folder, text):
    (folder / "keymap.toml").write_text(text)
    return load(folder)


def test_without_a_file_nothing_moves(tmp_path):
    assert load(tmp_path) == ({}, ())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[keys\n", "at line 1"),
        ("[keys]\nfreeze = 'n'\nhlt = 'f9'\n", "line 3: no action 'hlt'; the nearest is 'halt'"),
        ("[keys]\nhalt = 'h'\n", "line 2: halt acts: its key is UPPER CASE"),
        ("[keys]\nfreeze = 'Z'\n", "line 2: freeze only looks"),
        ("[keys]\nfreeze = 'q'\n", "'q' is the key of detach"),
        ("[keys]\nfreeze = 5\n", "a key is text"),
        ("[colours]\nx = 1\n", "'colours' is no section"),
    ],
)
def test_a_fault_is_told_with_its_line(text, says, tmp_path):
    found = written(tmp_path, text)
    assert says in found.faults[0]
    assert "default" in found.faults[0] or "section" in found.faults[0]


def test_what_is_right_in_a_file_with_a_fault_is_used(tmp_path):
    assert written(tmp_path, "[keys]\nfreeze = 'n'\nhlt = 'f9'\n").moved == {"freeze": "n"}


async def test_a_moved_key_works_and_is_shown_everywhere(room, until):
    (room.state / "keymap.toml").write_text("[keys]\nhalt = 'f9'\ndetach = 'x'\nnonsense = 'y'\n")
    app = Console(room.state)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(lambda: "no action 'nonsense'" in screen_text(app))
        app._said = None
        app.paint()
        await until(lambda: "f9 halt" in screen_text(app))
        await pilot.press("H")
        assert app.screen is app.overview
        await pilot.press("f9")
        assert isinstance(app.screen, HaltDialog)
        await pilot.press("escape", "question_mark")
        await until(lambda: "no action 'nonsense'" in screen_text(app))
