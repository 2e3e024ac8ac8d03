"""The console in a browser: a tab shows the room; without the key, or from another site, nothing is served."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

aiohttp = pytest.importorskip("aiohttp")
pytest.importorskip("textual_serve")

from tui.web import allowed  # noqa: E402

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("host", "origin", "may"),
    [
        ("127.0.0.1:8000", None, True),
        ("localhost:8000", "http://localhost:8000", True),
        ("evil.example:8000", None, False),
        ("127.0.0.1:8000", "http://evil.example", False),
        ("127.0.0.1:9000", None, False),
    ],
)
def test_only_loopback_names_and_our_own_pages_are_served(host, origin, may):
    assert allowed(host, origin, 8000) == may


@asynccontextmanager
async def served(room):
    """Serve the console of a room over HTTP; gives the address and the printed key."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tui.web", "--state", str(room.state), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:  # noqa: ASYNC220
        try:
            told = await asyncio.to_thread(process.stderr.readline)
            yield f"http://127.0.0.1:{port}", re.search(r"key=(\S+)", told).group(1)
        finally:
            process.terminate()


async def test_a_tab_shows_the_room_and_strangers_get_nothing(room):
    async with served(room) as (base, key):
        async with aiohttp.ClientSession() as stranger:
            for _ in range(100):
                try:
                    async with stranger.get(f"{base}/") as answer:
                        assert answer.status == 403
                    break
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.1)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get(f"{base}/?key={key}") as answer:
                assert answer.status == 200
            seen = b""
            async with session.ws_connect(f"{base}/ws?width=80&height=24") as tab:
                while b"RUN" not in seen:
                    message = await tab.receive(timeout=30)
                    seen += message.data if isinstance(message.data, bytes) else b""
            assert b"MIMICRY" in seen


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
async def test_a_browser_shows_the_room_and_its_keys_reach_the_console(room, until, tmp_path):
    """Takes 25 s: a headless Chromium opens the page, a key brings another screen, both are seen in pictures."""
    from tests.tui.browser import Page

    assert CHROMIUM is not None
    async with (
        served(room) as (base, key),
        Page.opened(CHROMIUM, f"{base}/?key={key}", tmp_path) as page,
    ):
        await until(lambda: "tables" in room.looks, 60)
        await asyncio.sleep(2)  # the page draws what the console wrote
        first = await page.picture(tmp_path / "overview.png")
        await page.press("2")
        await until(lambda: "gpus" in room.looks, 60)
        await asyncio.sleep(2)
        second = await page.picture(tmp_path / "gpus.png")
    assert min(first, second) > 10_000
    assert (tmp_path / "overview.png").read_bytes() != (tmp_path / "gpus.png").read_bytes()
