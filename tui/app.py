"""The console application: its life, the keys that look, and the parts that act, put together."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import termios
import time
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.command import CommandPalette

from tui import keymap as keymaps
from tui import keys
from tui.desk import Desk
from tui.model import pages
from tui.palette import REFRESH, Commands
from tui.places import ALERTS, BY_ID
from tui.replay import Replay
from tui.screens.lists import Lists
from tui.screens.overview import Overview
from tui.soaking import Soaking
from tui.taking import Taking
from tui.widgets.page import Page


class Console(Soaking, Replay, Taking):
    """The operator's console. It decides nothing: it paints snapshots and sends commands."""

    CSS_PATH = Path(__file__).with_name("control.tcss")
    TITLE = "mimicry"
    COMMANDS = {Commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.key, key.action, key.word, id=key.id, show=False, priority=key.id == "suspend")
        for key in keys.KEYS
    ]

    # ── life ────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        """Show the frame first, then look for the engine."""
        self.set_class(self.ascii_only, "ascii")
        keymap = keymaps.load(self._state)
        keys.use(keymap.moved)
        self.set_keymap(dict(keymap.moved))
        self._faults = (*keymap.faults, *self._theme_faults)
        self.overview = Overview(self._place, self, ascii_only=self.ascii_only)
        self.install_screen(self.overview, "at-overview")
        self.push_screen("at-overview")
        self.set_interval(1.0, self.tick)
        self.call_after_refresh(self.follow)
        if not self.is_headless:
            self._catch_signals()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.action_detach)
        # The terminal is gone: nothing is left to restore, the engine is not ours to touch.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    @on(Desk.News)
    def take_news(self) -> None:
        """Take the newest snapshot; paint now, or when the chosen interval has passed."""
        if self._shown is None and self._faults:
            self.say(
                f"{len(self._faults)} faults: {self._faults[0]}"
                if len(self._faults) > 1
                else self._faults[0],
                "warn",
            )
        if self._shown is None:
            gc.freeze()  # everything is imported: a full collection would walk it again and again, 0.1 s each
        shot = self.feed.take()
        if shot is not None and not self._recording:
            for notice in self._notices.take(shot):
                self.notify(notice.text, title=notice.title, severity=notice.severity, markup=False)
                if notice.rings and self.bell_on:
                    self.bell()
        if self.feed.session != self._tables_of:
            self._tables_of = self.feed.session
            self.learn_tables()
            if self._recording:
                self.step_time(at=self._begin or (shot.at if shot is not None else None))
        wait = self._painted + self._refresh_every - 0.1 - time.monotonic()
        if wait <= 0 or self.feed.link.state != "live" or self._shown is None:
            self.paint()
        elif self._later is None:
            self._later = self.set_timer(wait, self.paint)

    def tick(self) -> None:
        """Once a second: let ages grow where they are shown, and leave when the terminal is gone."""
        if not self.is_headless and not self.is_web and _terminal_gone():
            os._exit(1)
        view = self.view()
        if view.trust != "live" or view.frozen or view.age >= 1.5 or self._said is not None:
            self.active.paint(view, self._message())

    # ── actions that look ───────────────────────────────────────────────────

    def action_detach(self) -> None:
        """Leave; the engine goes on."""
        self.farewell = pages.farewell(self.view(), own_state=self._state)
        self.exit()

    async def action_quit(self) -> None:
        """Leave by the toolkit's own key as by ours."""
        self.action_detach()

    def action_help_quit(self) -> None:
        """Say what ctrl+c does not do here."""
        self.say("q detaches, the engine goes on;  H halts the engine", "head")

    def action_help(self) -> None:
        """Open the page of keys and signs, those of this screen first."""
        lines = partial(pages.help_lines, self.readonly, kind=self._place.kind, faults=self._faults)
        self.push_screen(Page("Help", lines, ascii_only=self.ascii_only))

    def action_alerts(self) -> None:
        """Open the list of alerts."""
        self.go(ALERTS)

    def action_palette(self) -> None:
        """Open the command palette, once."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="find an action, a theme, a refresh rate"))

    def action_command_palette(self) -> None:
        """Open the palette by the toolkit's own key as by ours."""
        self.action_palette()

    def action_freeze(self) -> None:
        """Hold the view, or go back to live."""
        self._frozen = not self._frozen
        self.paint()

    def action_slower(self) -> None:
        """Paint less often."""
        self.use_refresh(next((each for each in REFRESH if each > self._refresh_every), REFRESH[-1]))

    def action_faster(self) -> None:
        """Paint more often."""
        self.use_refresh(next((each for each in reversed(REFRESH) if each < self._refresh_every), REFRESH[0]))

    def use_refresh(self, seconds: float) -> None:
        """Set the interval between paints."""
        self._refresh_every = seconds
        self.paint()
        self.say(f"painted every {seconds:g}s", "head")

    def action_suspend(self) -> None:
        """Return to the shell; `fg` comes back."""
        self.action_suspend_process()

    # ── screens ─────────────────────────────────────────────────────────────

    def action_go(self, place: str) -> None:
        """Bring a screen to the front by its id."""
        self.go(BY_ID[place])

    def action_here(self, what: str) -> None:
        """Do what the screen in front has under a key."""
        act = getattr(self.active, f"do_{what}", None)
        if act is None:
            self.say(f"{what.replace('_', ' ')}: not on this screen", "head")
        else:
            act()

    def action_sort_by(self, column: str) -> None:
        """Sort the list in front by a column, as a click on its title asks."""
        if isinstance(self.active, Lists):
            self.active.sort_by(column)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave a key that several kinds of screens use to the one that is in front."""
        key = keys.SHARED.get(str(parameters[0]) if action == "here" and parameters else action)
        return key is None or not key.on or self._place.kind in key.on

    def action_open(self) -> None:
        """Open the row or the panel."""
        self.active.do_open()

    async def action_back(self) -> None:
        """Close what is open, or go back to the screen before."""
        if self.active.do_back():
            return
        if not self.leave_past() and self._place is not self._before:
            self.go(self._before)

    def action_next(self) -> None:
        """Move the focus on."""
        self.active.do_next()

    def action_previous(self) -> None:
        """Move the focus back."""
        self.active.do_previous()

    def action_move(self, how: str) -> None:
        """Move: down, up, page_down, page_up, top, bottom."""
        self.active.do_move(how)


def _terminal_gone() -> bool:
    """Say whether the terminal was closed; a console without one must not live on."""
    try:
        termios.tcgetattr(0)
    except (termios.error, OSError):
        return True
    return False
