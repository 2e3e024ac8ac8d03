"""Colours: a few SVG snapshots, and the README's picture, which is made here so that it cannot go stale."""

from __future__ import annotations

import re

import pytest

from tui.export import screen_text
from tui.places import BY_ID
from tui.screens.lists import Lists

HALT = {
    "kind": "now", "by": "ops (console)", "reason": "thermal check rig-6600b",
    "asked": "2026-11-23T13:58:10Z", "reached": "2026-11-23T13:58:11Z", "seq": 48102,
}  # fmt: skip


def shot(name, size=(80, 24), place="", keys=(), changes=None, view=None, slow=True, **options):
    """One picture: which screen, what is pressed there, of which room, in which colours."""
    marks = (pytest.mark.slow,) if slow else ()
    return pytest.param(
        size, place, keys, changes or {}, view or {}, options, id=f"{name}-{size[0]}x{size[1]}", marks=marks
    )


@pytest.mark.parametrize(
    ("size", "place", "keys", "changes", "view", "options"),
    [
        shot("running", slow=False),
        shot(
            "halted-test", (160, 48), changes={"mode": "halted", "halt": HALT, "test_mode": True}, slow=False
        ),
        shot("stale-okabe", view={"age": 12.0, "silence": 12.0}, theme="okabe", slow=False),
        shot("mono", theme="mono", slow=False),
        shot("halt-dialog", keys=("H", "up"), slow=False),
        shot("light", theme="light"),
        shot("high-contrast", theme="high-contrast"),
        shot("ansi", theme="ansi"),
        shot("ascii", ascii_only=True, theme="mono"),
        shot("gpus", (160, 48), "gpus", ("g",)),
        shot("gpus-mono", place="gpus", theme="mono"),
        shot("requests", place="requests"),
        shot("decisions", (160, 48), "decisions"),
        shot("pipeline", place="pipeline"),
        shot("selfplay", (160, 48), "selfplay"),
        shot("llm", place="llm"),
        shot("soak", (160, 48), "soak"),
        shot("logs", place="logs"),
        shot("evidence", (160, 48), "evidence", ("t",)),
        shot("alerts", place="alerts", keys=("A",)),
        shot("smallest", (60, 15), view={"readonly": True}),
    ],
)
def test_colours(size, place, keys, changes, view, options, still, picture, snap_compare):
    """Takes about a second each; the slow ones 20 s in sum."""
    app = still(picture(changes, **view), **options)

    async def before(pilot):
        for _ in range(3):
            await pilot.pause()
        if place:
            app.go(BY_ID[place])
        for key in keys:
            await settle(app, pilot)
            await pilot.press(key)
        await settle(app, pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


async def settle(app, pilot):
    """Let what was asked for come, as the room's next snapshots would: the rows, then the story of the row in full."""
    text = ""
    for _ in range(100):
        app.shows += 1
        app.active.paint(app.view())
        await pilot.pause(0.05)
        before, text = text, screen_text(app)
        if text == before and "no data yet" not in text and told(app.active):
            return


def told(screen):
    """Tell whether the row in full has its story, where it is shown."""
    if not isinstance(screen, Lists) or screen.small or not screen.boards["detail"].display:
        return True
    return screen.shown.key is None or screen._told is not None


@pytest.mark.parametrize("place", ["overview", "decisions"])
async def test_readme_pictures_show_the_screens_as_they_are(place, still, picture, docs):
    app = still(picture())
    async with app.run_test(size=(100, 30)) as pilot:
        for _ in range(3):
            await pilot.pause()
        if place != "overview":
            app.go(BY_ID[place])
            await settle(app, pilot)
        drawn = re.sub(
            r"[ \t]+$", "", app.export_screenshot(title="mimicry", simplify=True), flags=re.MULTILINE
        )
    docs(f"{place}.svg", drawn)
