"""Helpers of the console's tests: the stand-in daemon, still pictures, golden frames, a terminal that can be read.

Goldens are rewritten with `MIMICRY_UPDATE_FRAMES=1 pytest tests/tui` (frames/*.txt, docs/overview.svg) and
`pytest tests/tui --snapshot-update` (colours, __snapshots__/). Look at what changed before committing it.
"""

from __future__ import annotations

import asyncio
import difflib
import importlib.util
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.pilot import Pilot

from tui.app import Console
from tui.export import screen_text
from tui.feed import Refused
from tui.model.view import Link, View

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FRAMES = HERE / "frames"
UPDATE = bool(os.environ.get("MIMICRY_UPDATE_FRAMES"))


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tui_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


stand_in = _load("stand_in")
_terminal = _load("terminal")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what changes pictures."""
    for name in ("NO_COLOR", "TEXTUAL_THEME", "SSH_TTY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def recorded() -> Callable[..., Any]:
    """Return the recorded snapshot, with fields replaced."""
    return stand_in.recorded


@pytest.fixture
def terminal() -> Callable[..., Any]:
    """Start the real console on a pseudo terminal."""
    return _terminal.Terminal


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Any]:
    """A stand-in daemon that serves the recorded snapshot on `room.state`."""
    served = stand_in.StandIn(tmp_path, stand_in.recorded(), period=0.1)
    served.state = tmp_path
    await served.start()
    yield served
    await served.stop()


class Still(Console):
    """A console that shows the views it is given: no socket, no clock."""

    def __init__(self, canned: View, **options: Any) -> None:
        self.canned = canned
        self.shows = 0
        super().__init__(Path(canned.state), readonly=canned.readonly, **options)
        self.tables = {table.name: table.title for table in stand_in.TABLES}

    def view(self) -> View:
        return replace(self.canned, place=self._place)

    def follow(self) -> None:  # type: ignore[override]
        """Do not look for an engine."""

    @property
    def logs(self) -> Path:
        return HERE / "logs"

    def clock(self) -> float:
        return 10.0 * self.shows

    async def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """Answer from the recorded room."""
        room = stand_in.StandIn(Path("/nowhere"), self.canned.snapshot)
        reply = room.looked(stand_in.Command(id="1", client="test", verb=verb, args=args))
        if not reply.ok:
            raise Refused(reply.error or "")
        return dict(reply.data)

    def tick(self) -> None:
        """Let no age grow."""


def _picture(changes: dict[str, Any] | None = None, **view: Any) -> View:
    shot = stand_in.recorded(**(changes or {}))
    base = View(state="/srv/room", snapshot=shot, newest=shot, link=Link("live"))
    return replace(base, **view)


@pytest.fixture
def picture() -> Callable[..., View]:
    """Make a view: the recorded snapshot, changed by the first argument, in a live view changed by the rest."""
    return _picture


class Gallery:
    """One console at one size that shows view after view, as a long session does."""

    def __init__(self, app: Still, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def show(self, view: View) -> str:
        """Paint a view and return the screen as text."""
        self.app.canned = view
        self.app.shows += 1
        self.app.active.paint(self.app.view())
        return await self.text()

    async def resize(self, width: int, height: int) -> str:
        """Change the terminal's size and return the screen as text."""
        await self.pilot.resize_terminal(width, height)
        return await self.text()

    async def press(self, key: str, shows: str) -> str:
        """Press a key and return the screen as text, once it shows some words."""
        await self.pilot.press(key)
        end = time.monotonic() + 10
        # a screen that opens paints its banner a moment after its body
        while shows not in (drawn := screen_text(self.app)) or not drawn.partition("\n")[0].strip():
            assert time.monotonic() < end, f"{key} never showed {shows!r}:\n{screen_text(self.app)}"
            self.app.active.paint(self.app.view())  # as the room's next snapshot would
            await self.pilot.pause()
        return await self.text()

    async def text(self) -> str:
        """Return the screen as text, once it stands still."""
        before, now = "", screen_text(self.app)
        while before != now:
            await self.pilot.pause()
            before, now = now, screen_text(self.app)
        return now


@pytest.fixture
def gallery() -> Callable[..., AbstractAsyncContextManager[Gallery]]:
    """Open a console on a canned view at a size."""

    @asynccontextmanager
    async def opened(
        size: tuple[int, int], view: View | None = None, **options: Any
    ) -> AsyncIterator[Gallery]:
        app = Still(view or _picture(), **options)
        async with app.run_test(size=size) as pilot:
            shown = Gallery(app, pilot)
            await shown.show(app.canned)  # a busy machine may not have painted the first view yet
            yield shown

    return opened


@pytest.fixture
def still() -> Callable[..., Still]:
    """Make a console that shows one view."""
    return Still


@pytest.fixture
def docs() -> Callable[[str, str], None]:
    """Compare a drawing with the one in docs/, or rewrite that one when told to."""

    def compare(name: str, drawn: str) -> None:
        file = ROOT / "docs" / name
        if UPDATE:
            file.parent.mkdir(exist_ok=True)
            file.write_text(drawn)
        assert file.exists(), f"docs/{name} is missing: MIMICRY_UPDATE_FRAMES=1 draws it"
        same = file.read_text() == drawn
        assert same, f"docs/{name} shows another screen: MIMICRY_UPDATE_FRAMES=1 draws it again"

    return compare


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare text with a file under frames/, or rewrite the file when told to."""

    def compare(name: str, text: str) -> None:
        file = FRAMES / f"{name}.txt"
        if UPDATE:
            file.write_text(text)
        wanted = file.read_text() if file.exists() else ""
        delta = "\n".join(
            difflib.unified_diff(wanted.splitlines(), text.splitlines(), "golden", "now", lineterm="")
        )
        assert text == wanted, f"frames/{name}.txt differs (MIMICRY_UPDATE_FRAMES=1 rewrites it):\n{delta}"

    return compare


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Wait until something is true, at most some seconds."""

    async def wait(true: Callable[[], object], seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, "did not come true in time"
            await asyncio.sleep(0.02)

    return wait
