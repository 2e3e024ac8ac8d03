"""Golden text frames: what the operator reads, at every size and in every state."""

from __future__ import annotations

from typing import Any

import pytest

from tui.model.view import Link
from tui.places import ALERTS, PLACES
from tui.screens.lists import Lists

SIZES = [(60, 15), (80, 24), (120, 40), (160, 48)]
HALT = {
    "kind": "now",
    "by": "ops (console)",
    "reason": "thermal check rig-6600b",
    "asked": "2026-11-23T13:58:10Z",
    "reached": "2026-11-23T13:58:11Z",
    "seq": 48102,
}
HALTED = {"mode": "halted", "halt": HALT}
PENDING = {"mode": "halting", "halt": {**HALT, "kind": "finish", "by": "watcher", "reached": None}}
NOTHING: dict[str, Any] = {
    "fleet": [], "requests": [], "decisions": [], "alerts": [], "degraded": [], "requests_waiting": 0,
    "pipeline": {"run": None, "steps": []}, "throughput": {"unit": "Mh/s", "seconds": 30, "values": []},
    "evidence": {"draws": 0}, "mode": "idle",
}  # fmt: skip
LOST = {
    "link": Link(
        "lost", 3, 2.0, "no engine answers in /srv/room; start one with `mimicry --no-ui --state /srv/room`"
    ),
    "age": 41.0,
    "silence": 41.0,
}
STALE = {"age": 12.0, "silence": 12.0}
FROZEN = {"frozen": True, "age": 33.0}


def twelve_hosts() -> dict[str, Any]:
    """Return twelve machines with twelve devices, one of them lost."""
    numbers = {"kind": "gpu", "util": 0.9, "hot": 70, "rate": 99.5, "age": 11}
    hosts = [{"name": f"rig-{i:02d}", "devices": ["ok"] * 12, **numbers} for i in range(12)]
    hosts[-1]["devices"] = ["ok"] * 11 + ["fail"]
    return {"fleet": hosts}


DEGRADED = {
    "degraded": [
        "fleet: rig-6600b not heard for 3 m",
        "advice: none(timeout)",
        "webhook: refused, attempt 4",
    ],
    "test_mode": True,
}
WALKED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "running": ({}, {}),
    "halted": (HALTED, {}),
    "degraded": (DEGRADED, {}),
    "empty": (NOTHING, {}),
    "no-engine": ({}, {**LOST, "snapshot": None}),
}
"""States in which every screen is drawn at every size."""
OVERVIEWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "halting-test": ({**PENDING, "test_mode": True}, {}),
    "stale": ({}, STALE),
    "lost-halted": (HALTED, LOST),
    "frozen": ({}, FROZEN),
    "readonly": ({}, {"readonly": True}),
    "connecting": ({}, {"snapshot": None, "link": Link(), "silence": 0.4}),
    "hosts-12": (twelve_hosts(), {}),
}
"""Further states of the Overview."""
AT_ONCE = {((80, 24), name) for name in ("halted", "empty")} | {(size, "running") for size in SIZES}
"""What the default suite draws; the rest is slow only in sum."""


def named(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


async def walked(shown, picture, until, changes, view) -> str:
    """Return all screens in one text, each under its name."""
    parts = []
    for place in (*PLACES, ALERTS):
        shown.app.go(place)
        await shown.show(picture(changes, **view))
        if not view:
            await until(lambda: settled(shown.app.active))
        parts.append(f"═══ {place.id}\n{await shown.text()}")
    return "\n".join(parts)


def settled(screen) -> bool:
    """Tell whether a list shows its rows and, where a panel shows the chosen one in full, its story."""
    if not isinstance(screen, Lists):
        return not hasattr(screen, "_series") or bool(screen._series)
    shown = screen.shown
    rows = shown.page.rows if shown.page else []
    told = screen._told is not None or not screen.boards["detail"].display
    return bool(shown.error or shown.page) and (not rows or screen.small or told)


@pytest.mark.parametrize(
    ("size", "name"),
    [
        pytest.param(size, name, id=f"{name}-{named(size)}", marks=() if (size, name) in AT_ONCE else pytest.mark.slow)
        for name in WALKED for size in SIZES
    ],
)  # fmt: skip
async def test_every_screen(size, name, gallery, picture, golden, until):
    """Takes about a second; the slow ones 15 s in sum."""
    changes, view = WALKED[name]
    async with gallery(size, picture(changes, **view)) as shown:
        golden(f"{name}-{named(size)}", await walked(shown, picture, until, changes, view))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=named)
async def test_lists_behind_the_first(size, gallery, picture, golden, until):
    """The map of coverage, the steps, the survivors, groups of rows, jump letters."""
    async with gallery(size) as shown:
        parts = []
        for name, keys in (("coverage", ()), ("steps", ()), ("survivors", ()), ("gpus", ("g", "space"))):
            shown.app.go_table(name)
            await shown.show(picture())
            await until(lambda: settled(shown.app.active))
            for key in keys:
                await shown.press(key, "GPUs 26")
            parts.append(f"═══ {name}\n{await shown.text()}")
        golden(f"lists-{named(size)}", "\n".join(parts))


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (160, 48)], ids=named)
async def test_overviews(size, gallery, picture, golden):
    """Further states of the Overview one after the other in the same console, then the first one again."""
    async with gallery(size) as shown:
        parts = []
        for name in (*OVERVIEWS, "running"):
            changes, view = (OVERVIEWS | WALKED)[name]
            parts.append(f"═══ {name}\n{await shown.show(picture(changes, **view))}")
        golden(f"overviews-{named(size)}", "\n".join(parts))


async def test_pages(gallery, golden, picture):
    async with gallery((80, 24)) as shown:
        golden("help-80x24", await shown.press("question_mark", "Help   (Esc closes)"))
        await shown.press("escape", "Fleet")
        chosen: list[int] = []
        shown.app.choose("Many", [(f"n{i}", "what it does") for i in range(60)], chosen.append)
        assert "Enter n59   Esc back   60 of 60" in await shown.press("k", "▸ n59 what it does")
        await shown.press("enter", "Fleet")
        assert chosen == [59]
    async with gallery((80, 24), picture(readonly=True)) as shown:
        assert (await shown.press("question_mark", "(Esc closes)")).count("off (read-only)") > 2


async def test_ascii_frame_has_nothing_else(gallery, golden, picture):
    async with gallery((80, 24), ascii_only=True) as shown:
        text = await shown.show(picture({**PENDING, "test_mode": True, "degraded": ["磁碟 ≥ 90 %"]}))
        golden("ascii-80x24", text)
        for key, words in (
            ("H", "Halt the engine"),
            ("question_mark", "(Esc closes)"),
            ("colon", "halt  (H)"),
        ):
            text += await shown.press(key, words)
            await shown.press("escape", "+- 2 Fleet")
        await shown.press("0", "t: coverage")
        text += await shown.press("t", "Coverage map")  # its title is cut
    assert text.isascii()


async def test_no_size_is_refused(gallery, picture):
    async with gallery((80, 24), picture(HALTED)) as shown:
        for size in ((1, 1), (10, 3), (39, 9), (79, 23), (80, 23), (79, 24), (81, 25), (300, 100), (80, 24)):
            text = await shown.resize(*size)
            assert "HALT" in text or size == (1, 1)
            assert len(text.splitlines()) == size[1]
        assert "Fleet" in text


async def test_wide_characters_keep_the_columns(gallery, picture):
    async with gallery((80, 24), picture({"host": "測試主機", "degraded": ["磁碟 90 %"]})) as shown:
        rows = (await shown.text()).splitlines()
    assert "測試主機" in rows[0]
    assert rows[0].endswith("?help")


async def test_every_state_is_told_in_letters(gallery, picture):
    """No state needs a colour, at the smallest size as at the largest."""
    told = {
        "STALE": ({}, STALE),
        "NO ENGINE": ({}, LOST),
        "FROZEN": ({}, FROZEN),
        "HALT": (HALTED, {}),
        "TEST": ({"test_mode": True}, {}),
    }
    async with gallery((40, 10)) as shown:
        for size in ((40, 10), (160, 48)):
            await shown.resize(*size)
            live = await shown.show(picture())
            for word, (changes, view) in told.items():
                assert word not in live
                assert word in await shown.show(picture(changes, **view))


async def test_terminal_controls_in_a_record_are_not_obeyed(gallery, picture):
    reason = "x\x1b]52;c;aGk=\x07\x1b[2J\u202egnp\n\r\t[red]y"
    async with gallery((80, 24), picture({**HALTED, "halt": {**HALT, "reason": reason}, "pipeline": {
        "run": "[bold]\x1b[31m7", "steps": picture().snapshot.model_dump()["pipeline"]["steps"]}})) as shown:  # fmt: skip
        text = await shown.text()
    assert not set(text) & {"\x1b", "\x07", "\u202e", "\r", "\t"}
    assert "run [bold]" in text
