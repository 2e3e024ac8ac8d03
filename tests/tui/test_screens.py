"""Golden text frames of every screen at three sizes: running by default, halted and empty in the slow suite."""

from __future__ import annotations

from typing import Any

import pytest

from tui.places import ALERTS, PLACES
from tui.screens.lists import Lists
from tui.screens.soak import Soak

SIZES = [(80, 24), (160, 48), (60, 15)]
HALT = {
    "kind": "now", "by": "ops (console)", "reason": "thermal check rig-6600b",
    "asked": "2026-11-23T13:58:10Z", "reached": "2026-11-23T13:58:11Z", "seq": 48102,
}  # fmt: skip
EMPTY: dict[str, Any] = {
    "fleet": [], "requests": [], "decisions": [], "alerts": [], "degraded": [], "requests_waiting": 0,
    "pipeline": {"run": None, "steps": []}, "throughput": {"unit": "Mh/s", "seconds": 30, "values": []},
    "evidence": {"draws": 0}, "mode": "idle",
}  # fmt: skip


async def walk(gallery, picture, golden, until, size, name, changes):
    async with gallery(size, picture(changes)) as shown:
        for place in (*PLACES[1:], ALERTS):
            shown.app.go(place)
            await shown.show(picture(changes))
            await until(lambda: settled(shown.app.active))
            golden(f"{place.id}-{name}-{size[0]}x{size[1]}", await shown.text())


def settled(screen) -> bool:
    """Tell whether a list shows its rows and, where a panel shows the chosen one in full, its story."""
    if not isinstance(screen, Lists):
        return not isinstance(screen, Soak) or bool(screen._series)
    shown = screen.shown
    rows = shown.page.rows if shown.page else []
    told = screen._told is not None or not screen.boards["detail"].display
    return bool(shown.error or shown.page) and (not rows or screen.small or told)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_screen(size, gallery, picture, golden, until):
    await walk(gallery, picture, golden, until, size, "running", {})


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("name", "changes"),
    [("halted", {"mode": "halted", "halt": HALT}), ("empty", EMPTY)],
    ids=["halted", "empty"],
)
async def test_every_screen_halted_and_empty(size, name, changes, gallery, picture, golden, until):
    """Takes 20 s."""
    await walk(gallery, picture, golden, until, size, name, changes)
