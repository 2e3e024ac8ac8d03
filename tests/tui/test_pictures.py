"""Colours: a few SVG snapshots, and the README's picture, which is made here so that it cannot go stale."""

from __future__ import annotations

import re

import pytest

HALT = {
    "kind": "now", "by": "ops (console)", "reason": "thermal check rig-6600b",
    "asked": "2026-11-23T13:58:10Z", "reached": "2026-11-23T13:58:11Z", "seq": 48102,
}  # fmt: skip


@pytest.mark.parametrize(
    ("size", "changes", "view", "options"),
    [
        pytest.param((80, 24), {}, {}, {}, id="running-80x24"),
        pytest.param(
            (160, 48), {"mode": "halted", "halt": HALT, "test_mode": True}, {}, {}, id="halted-test-160x48"
        ),
        pytest.param(
            (80, 24), {}, {"age": 12.0, "silence": 12.0}, {"theme": "okabe"}, id="stale-okabe-80x24"
        ),
        pytest.param((80, 24), {}, {}, {"theme": "mono"}, id="mono-80x24"),
    ],
)
def test_colours(size, changes, view, options, still, picture, snap_compare):
    assert snap_compare(still(picture(changes, **view), **options), terminal_size=size)


async def test_readme_picture_shows_the_screen_as_it_is(still, picture, docs):
    app = still(picture())
    async with app.run_test(size=(100, 30)) as pilot:
        for _ in range(3):
            await pilot.pause()
        drawn = re.sub(
            r"[ \t]+$", "", app.export_screenshot(title="mimicry", simplify=True), flags=re.MULTILINE
        )
    docs("overview.svg", drawn)
