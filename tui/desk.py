"""The console's desk: the feed, what is shown of it, and which screen is in front. What keys do with it stands in the modules above."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import App
from textual.message import Message
from textual.timer import Timer

from tui import themefile, themes
from tui.feed import Connect, Feed, Refused
from tui.model.notices import Notices
from tui.model.text import Span, span
from tui.model.view import View
from tui.palette import REFRESH
from tui.places import PLACES, Kind, Place, alone, of_table
from tui.screens.frame import Framed
from tui.screens.lists import Lists
from tui.screens.logs import Logs
from tui.screens.overview import Overview
from tui.screens.soak import Soak
from tui.widgets.pick import Pick

if TYPE_CHECKING:
    from tui.wire import Snapshot

SAID_FOR = 8.0
"""Seconds for which a reply stays in the footer row."""
KINDS: dict[Kind, type[Framed]] = {"overview": Overview, "list": Lists, "soak": Soak, "logs": Logs}


class Desk(App[None]):
    """Paints snapshots; decides nothing and sends nothing."""

    overview: Overview
    """The screen that is there from the start."""

    class News(Message):
        """The feed has something newer than what was taken."""

    def __init__(
        self,
        state: Path,
        *,
        readonly: bool = False,
        ascii_only: bool = False,
        theme: str = "",
        bell: bool = False,
        connect: Connect | None = None,
        recording: str = "",
        begin: str | None = None,
    ) -> None:
        super().__init__(ansi_color=True if theme == "mono" else None)
        self._own_themes = themefile.load(state)
        for each in themes.themes(self._own_themes.palettes):
            self.register_theme(each)
        self._theme_faults = list(self._own_themes.faults)
        self.theme = themes.internal(self._known_theme(theme))
        self.readonly = readonly
        self.ascii_only = ascii_only
        self.feed = Feed(
            state, readonly=readonly, tell=lambda: self.post_message(self.News()), connect=connect
        )
        self.farewell = ""
        """What is printed once the terminal is the shell's again."""
        self.crash = ""
        """The traceback of a failure of the console itself."""
        self._state = state
        self._refresh_every = REFRESH[0]
        self._shown: Snapshot | None = None
        self._shown_advanced = time.monotonic()
        self._frozen = False
        self._said: tuple[Span, float] | None = None
        self._painted = 0.0
        self._later: Timer | None = None
        self._place = self._before = PLACES[0]
        self._past: Snapshot | None = None
        """The earlier moment that is shown instead of the newest snapshot."""
        self._recording, self._begin = recording, begin
        """The recording that is shown, and the time at which it shall begin."""
        self._faults: tuple[str, ...] = ()
        """What is wrong with the keymap file."""
        self._mine = f"pid {os.getpid()})"
        """How the engine names this console among viewers."""
        self._notices = Notices(self._mine)
        self.bell_on = bell
        self.tables: Mapping[str, str] = {}
        """The engine's lists: name to title."""
        self._tables_of = 0

    # ── themes ──────────────────────────────────────────────────────────────

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give the roles a colour in themes that are not ours."""
        return themes.variables(themes.PALETTES[themes.DEFAULT])

    def _known_theme(self, asked: str) -> str:
        """Return the theme that was asked for, else the file's, else the default; say where one is not there."""
        if asked and asked not in self.theme_names:
            self._theme_faults.append(
                f"{themefile.unknown(asked, self._own_themes.palettes)}; {themes.DEFAULT} is used"
            )
            return themes.DEFAULT
        return asked or self._own_themes.chosen or themes.DEFAULT

    @property
    def theme_names(self) -> list[str]:
        """Return the names of all themes."""
        return [*themes.PALETTES, *self._own_themes.palettes]

    def use_theme(self, name: str) -> None:
        """Change the colours."""
        self.theme = themes.internal(name)

    # ── painting ────────────────────────────────────────────────────────────

    def view(self) -> View:
        """Return what the screen shall show now."""
        now = time.monotonic()
        return View(
            state=str(self._state),
            snapshot=self._past or self._shown,
            past=self._past is not None,
            mine=self._mine,
            link=replace(self.feed.link, retry_in=self.feed.retry_in),
            age=0.0 if self._past else now - self._shown_advanced,
            silence=now - self.feed.advanced,
            refresh=self._refresh_every,
            readonly=self.readonly,
            frozen=self._frozen,
            newest=self.feed.latest,
            recording=self._recording,
            place=self._place,
        )

    @property
    def active(self) -> Framed:
        """Return the screen in front, below what is open over it."""
        return next((each for each in reversed(self.screen_stack) if isinstance(each, Framed)), self.overview)

    @property
    def logs(self) -> Path:
        """Return the folder of the engine's log files."""
        return self._state / "logs"

    def clock(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def paint(self) -> None:
        """Paint the newest snapshot, unless the view is frozen."""
        if self._later is not None:
            self._later.stop()
            self._later = None
        self._painted = time.monotonic()
        if not self._frozen:
            self._shown, self._shown_advanced = self.feed.latest, self.feed.advanced
        self.active.paint(self.view(), self._message())

    def say(self, text: str, role: str = "") -> None:
        """Show one line in place of the keys for a few seconds."""
        self._said = (span(text, role), time.monotonic())
        self.active.paint(self.view(), self._message())

    def _message(self) -> Span | None:
        if self._said is not None and time.monotonic() - self._said[1] > SAID_FOR:
            self._said = None
        return self._said[0] if self._said else None

    # ── screens ─────────────────────────────────────────────────────────────

    def go(self, place: Place) -> None:
        """Bring a screen to the front; it is made when it is first asked for."""
        name = f"at-{place.kind}"
        if not self.is_screen_installed(name):
            self.install_screen(KINDS[place.kind](place, self, ascii_only=self.ascii_only), name)
        if not self._place.key.isdigit() or place.key.isdigit():
            self._before = self._before if not place.key.isdigit() else place
        else:
            self._before = self._place
        self._place = place
        screen = self.get_screen(name)
        if isinstance(screen, Lists):
            screen.enter(place)
        if self.active is not screen:
            self.switch_screen(name)
        else:
            self.paint()

    def go_table(self, name: str, where: str | None = None) -> None:
        """Bring a list to the front, wherever it is shown."""
        place = of_table(name) or alone(name, self.tables.get(name, name))
        self.go(place)
        screen = self.get_screen("at-list")
        assert isinstance(screen, Lists)
        screen.show_table(name, where)

    def go_row(self, name: str, column: str, key: str) -> None:
        """Bring one row of a list to the front: the list filtered by its name, Esc shows the others."""
        self.go_table(name, f"{column}={key}")

    def choose(self, title: str, choices: Sequence[tuple[str, str]], then: Callable[[int], object]) -> None:
        """Let one of few lines be chosen; Esc chooses nothing."""

        def chosen(at: int | None) -> None:
            if at is not None:
                then(at)

        self.push_screen(Pick(title, choices, ascii_only=self.ascii_only), chosen)

    # ── the engine ──────────────────────────────────────────────────────────

    @work(exclusive=True, group="feed", exit_on_error=True)
    async def follow(self) -> None:
        """Read the socket until the console ends."""
        await self.feed.run()

    async def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """Ask the engine something that only looks."""
        return await self.feed.ask(verb, **args)

    @work(group="tables", exclusive=True, exit_on_error=True)
    async def learn_tables(self) -> None:
        """Ask the engine which lists it keeps."""
        try:
            told = await self.feed.ask("tables")
        except Refused as error:
            self.say(f"the engine does not tell its lists: {error}", "warn")
        else:
            self.tables = {each["name"]: each["title"] for each in told["tables"]}

    def _fatal_error(self) -> None:
        # The toolkit would print pages of local variables, wire records among them.
        self.crash = traceback.format_exc()
        self._close_messages_no_wait()
