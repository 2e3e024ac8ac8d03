"""The console application: one feed in, one view out, every action of the key table."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import termios
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.message import Message
from textual.timer import Timer

from tui import keymap as keymaps
from tui import keys, themefile, themes
from tui.export import as_csv, save, screen_text
from tui.feed import Connect, Feed, Refused
from tui.model import halts, pages
from tui.model.beside import again_lines
from tui.model.logs import as_text as log_text
from tui.model.notices import Notices
from tui.model.text import Line, Span, line, span
from tui.model.view import View
from tui.palette import REFRESH, Commands
from tui.places import ALERTS, BY_ID, PLACES, Kind, Place, alone, of_table
from tui.screens.frame import Framed
from tui.screens.lists import Lists
from tui.screens.logs import Logs
from tui.screens.overview import Overview
from tui.screens.soak import Soak
from tui.widgets.dialog import (
    Confirm,
    HaltDialog,
    InjectDialog,
    Order,
    Page,
    Pick,
    RequestDialog,
    ResumeDialog,
)

if TYPE_CHECKING:
    from tui.wire import Alert, Reply, Snapshot

SAID_FOR = 8.0
"""Seconds for which a reply stays in the footer row."""


ALERT_ACTS: dict[str, Mapping[str, Any]] = {
    key: {
        "key": key,
        "verb": verb,
        "word": word,
        "arg": "id",
        "fixed": fixed,
        "reason": True,
        "number": False,
        "typed": False,
    }
    for key, verb, word, fixed in (
        ("A", "ack", "acknowledge", {}),
        ("M", "mute", "mute for an hour", {"minutes": 60}),
    )
}
"""What the keys for alerts do on every screen: to the newest alert that nobody has seen."""
SWITCHES: Mapping[bool, Mapping[str, Any]] = {
    off: {
        "key": "O",
        "verb": f"llm_{word}",
        "word": f"switch the advisor {word}",
        "arg": "",
        "fixed": {},
        "reason": True,
        "number": False,
        "typed": False,
    }
    for off, word in ((True, "on"), (False, "off"))
}
"""What O does on the advisor's screen, by whether it is off."""
SOAKS: Mapping[str, str] = {
    "a": "endurance: an engine of its own for hours, no leak, no lost handle",
    "b": "queue: back-to-back requests, each done once and in order",
    "c": "closed loop: synthetic draws keep coming, each handled once",
}
"""The soaks that can be started, and what each proves."""
SOAK_FORM: list[dict[str, Any]] = [
    {"name": name, "help": about, "needed": False, "default": usual}
    for name, about, usual in (
        ("hours", "how long", "a 2, b 0.5, c 1"),
        ("compress", "run H hours in H/N: shorter periods, weaker proof", "1"),
        ("faults", "none, all, or names: `mimicry soak faults` lists them", "none"),
        ("seed", "of draws, moments of halts, order of requests", "1"),
    )
]
KINDS: dict[Kind, type[Framed]] = {"overview": Overview, "list": Lists, "soak": Soak, "logs": Logs}


class Console(App[None]):
    """The operator's console. It decides nothing: it paints snapshots and sends commands."""

    CSS_PATH = Path(__file__).with_name("control.tcss")
    TITLE = "mimicry"
    COMMANDS = {Commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.key, key.action, key.word, id=key.id, show=False, priority=key.id == "suspend")
        for key in keys.KEYS
    ]

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
        self._notices = Notices()
        self.bell_on = bell
        self.tables: Mapping[str, str] = {}
        """The engine's lists: name to title."""
        self._tables_of = 0

    # ── life ────────────────────────────────────────────────────────────────

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

    @work(exclusive=True, group="feed", exit_on_error=True)
    async def follow(self) -> None:
        """Read the socket until the console ends."""
        await self.feed.run()

    def _fatal_error(self) -> None:
        # The toolkit would print pages of local variables, wire records among them.
        self.crash = traceback.format_exc()
        self._close_messages_no_wait()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.action_detach)
        # The terminal is gone: nothing is left to restore, the engine is not ours to touch.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    # ── painting ────────────────────────────────────────────────────────────

    def view(self) -> View:
        """Return what the screen shall show now."""
        now = time.monotonic()
        return View(
            state=str(self._state),
            snapshot=self._past or self._shown,
            past=self._past is not None,
            mine=f"pid {os.getpid()})",
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

    def on_console_news(self) -> None:
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

    def tick(self) -> None:
        """Once a second: let ages grow where they are shown, and leave when the terminal is gone."""
        if not self.is_headless and not self.is_web and _terminal_gone():
            os._exit(1)
        view = self.view()
        if view.trust != "live" or view.frozen or view.age >= 1.5 or self._said is not None:
            self.active.paint(view, self._message())

    def say(self, text: str, role: str = "") -> None:
        """Show one line in place of the keys for a few seconds."""
        self._said = (span(text, role), time.monotonic())
        self.active.paint(self.view(), self._message())

    def _message(self) -> Span | None:
        if self._said is not None and time.monotonic() - self._said[1] > SAID_FOR:
            self._said = None
        return self._said[0] if self._said else None

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

    def use_theme(self, name: str) -> None:
        """Change the colours."""
        self.theme = themes.internal(name)

    def action_copy(self) -> None:
        """Copy what the screen offers, else all of it, to the clipboard and to a file, for terminals without OSC 52."""
        text = self.active.copied() or screen_text(self)
        self.copy_to_clipboard(text)
        try:
            self.say(f"copied (OSC 52), also in {save(self._state, text)}", "ok")
        except OSError as error:
            self.say(f"copied (OSC 52); no file: {error.strerror} {error.filename}", "warn")

    def action_export(self) -> None:
        """Ask in which form to write what is shown."""
        offers = self._exports()
        self.push_screen(
            Pick("Export", [(word, does) for word, does, _ in offers], ascii_only=self.ascii_only),
            lambda at: None if at is None else self._chosen(*offers[at]),
        )

    def _chosen(self, form: str, does: str, make: Callable[[], object]) -> None:
        made = make()
        if isinstance(made, str):
            self._export(form, does, lambda: made)

    @work(group="export", exclusive=True, exit_on_error=True)
    async def _export_list(self, form: str, screen: Lists) -> None:
        """Write the whole list, page by page."""
        page = screen.shown.page
        assert page is not None
        names = [column.name for column in page.columns]
        try:
            rows = await screen.every_row()
        except Refused as error:
            self.say(f"not exported: {error}", "fail")
            return
        text = as_csv(names, rows) if form == "csv" else json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
        self._export(form, f"{len(rows):,} rows", lambda: text)

    def _exports(self) -> list[tuple[str, str, Callable[[], object]]]:
        active = self.active
        offers: list[tuple[str, str, Callable[[], object]]] = []
        if isinstance(active, Lists) and (page := active.shown.page) is not None:
            count = len(active.shown.marks) or (page.matched if not page.whole else len(page.rows))
            offers += [
                ("csv", f"{count:,} rows, every column", partial(self._export_list, "csv", active)),
                ("json", f"{count:,} rows, numbers as numbers", partial(self._export_list, "json", active)),
            ]
        if isinstance(active, Logs):
            taken = active.taken()
            offers.append(("log", f"{len(taken):,} entries that were read and pass", lambda: log_text(taken)))
        return [
            *offers,
            ("svg", "this screen as a picture", lambda: self.export_screenshot(title="mimicry")),
            ("txt", "this screen as text", lambda: screen_text(self)),
        ]

    def _export(self, form: str, does: str, make: Callable[[], str]) -> None:
        name = f"{self._place.id}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.{form}"
        try:
            self.say(f"exported {does}: {save(self._state, make(), name)}", "ok")
        except OSError as error:
            self.say(f"not exported: {error.strerror} {error.filename}", "fail")

    # ── screens ─────────────────────────────────────────────────────────────

    def action_go(self, place: str) -> None:
        """Bring a screen to the front by its id."""
        self.go(BY_ID[place])

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

    def action_here(self, what: str) -> None:
        """Do what the screen in front has under a key."""
        act = getattr(self.active, f"do_{what}", None)
        if act is None:
            self.say(f"{what.replace('_', ' ')}: not on this screen", "head")
        else:
            act()

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
        if self._past is not None and not self._recording:
            self._past = None
            self.paint()
        elif self._place is not self._before:
            self.go(self._before)

    def action_earlier(self) -> None:
        """Go one record back in the journal's time."""
        self.step_time(-1)

    def action_later(self) -> None:
        """Go one record on."""
        if self._past is None:
            self.say("this is now: [ goes back in time", "head")
        else:
            self.step_time(1)

    def take_control(self, reason: str) -> None:
        """Take control from another viewer, with a reason that all see."""
        if self.readonly:
            self.say("read-only console: attach without --readonly to act", "held")
        else:
            self.order(Order("control", {"reason": reason}))

    def go_back_to(self, text: str) -> None:
        """Show the room as it was at a time; an hour alone is one of the day that is shown."""
        shot = self.view().newest
        day = f"{shot.at[:10]}T" if shot is not None and ":" in text[:3] else ""
        self.step_time(at=f"{day}{text}")

    @work(group="past", exclusive=True, exit_on_error=True)
    async def step_time(self, step: int = -1, at: str | None = None) -> None:
        """Ask the engine for the room as it was one record further, or at a time."""
        here = self._past.seq if self._past is not None else None
        try:
            past = await self.feed.past(start=here, step=step, at=at)
        except Refused as error:
            self.say(f"no replay: {error}", "warn")
            return
        if step > 0 and here == past.seq:
            live = "" if self._recording else ": Esc shows the room as it is now"
            self.say(f"that is the newest record{live}", "head")
        elif here == past.seq:
            self.say(
                f"that is the first record of this {'recording' if self._recording else 'journal'}", "head"
            )
        self._past = past
        self.paint()

    def action_next(self) -> None:
        """Move the focus on."""
        self.active.do_next()

    def action_previous(self) -> None:
        """Move the focus back."""
        self.active.do_previous()

    def action_down(self) -> None:
        """Move down."""
        self.active.do_move("down")

    def action_up(self) -> None:
        """Move up."""
        self.active.do_move("up")

    def action_page_down(self) -> None:
        """Move a page down."""
        self.active.do_move("page_down")

    def action_page_up(self) -> None:
        """Move a page up."""
        self.active.do_move("page_up")

    def action_top(self) -> None:
        """Move to the first row."""
        self.active.do_move("top")

    def action_bottom(self) -> None:
        """Move to the last row."""
        self.active.do_move("bottom")

    def action_suspend(self) -> None:
        """Return to the shell; `fg` comes back."""
        self.action_suspend_process()

    # ── actions that act ────────────────────────────────────────────────────

    def action_halt(self, kind: str = "now") -> None:
        """Ask how to halt; the newest snapshot counts, also while the view is frozen."""
        if self._may_act("halt"):
            shot = self.view().newest
            dialog = HaltDialog(halts.choices(shot), halts.facts(shot), at=kind, ascii_only=self.ascii_only)
            self.push_screen(dialog, self.order)

    def action_checkpoint(self) -> None:
        """Ask how to halt, the next checkpoint highlighted."""
        self.action_halt("checkpoint")

    def action_finish(self) -> None:
        """Ask how to halt, the end of the step highlighted."""
        self.action_halt("finish")

    def action_skip(self) -> None:
        """Ask before the running step is skipped."""
        if not self._may_act("skip"):
            return
        shot = self.view().newest
        step = (
            next((each for each in shot.pipeline.steps if each.status == "running"), None) if shot else None
        )
        if step is None:
            self.say("nothing to skip: no step runs", "head")
            return
        facts = [
            line(span(f"step {step.id} {step.name}, {step.done or 0:,} of {step.total or 0:,} done")),
            line(
                span("it ends at its next piece; the run goes on with what an earlier run made of it", "dim")
            ),
        ]
        order, does = Order("skip", {"step": step.id}), f"skip step {step.id}"
        dialog = Confirm("Skip the step", facts, order, does=does, word="skip", ascii_only=self.ascii_only)
        self.push_screen(dialog, self.order)

    def action_inject(self) -> None:
        """Ask for a draw to give to the room, test mode only; on the Soak screen for a fault to fire at the soak."""
        if not self._may_act("inject"):
            return
        if isinstance(self.active, Soak) and self.active.soak is not None:
            self._offer_faults(self.active.soak["id"])
            return
        shot = self.view().newest
        if shot is None or not shot.test_mode:
            self.say("inject: only in test mode; real draws come from their sources alone", "held")
            return
        self.push_screen(InjectDialog(shot.evidence.draws, ascii_only=self.ascii_only), self.order)

    @work(group="forms", exclusive=True, exit_on_error=True)
    async def _offer_faults(self, soak: str) -> None:
        """Show the faults that can be fired, then ask for the reason."""
        try:
            faults = (await self.feed.ask("soak_faults"))["faults"]
        except Refused as error:
            self.say(f"no fault: {error}", "fail")
            return
        choices = [(each["fault"], each["does"]) for each in faults]
        self.push_screen(
            Pick(f"Fire a fault at {soak}", choices, ascii_only=self.ascii_only),
            lambda at: None if at is None else self._fire(soak, faults[at]),
        )

    def _fire(self, soak: str, fault: Mapping[str, Any]) -> None:
        facts = [line(span(fault["does"])), line(span("must hold after it: ", "dim"), fault["holds"])]
        facts += [line(span("needs ", "dim"), fault["needs"])] if fault["needs"] else []
        order = Order("soak_fire", {"fault": fault["fault"]})
        does = f"fire {fault['fault']} at {soak}"
        self.push_screen(
            Confirm("Fire a fault", facts, order, does=does, ascii_only=self.ascii_only), self.order
        )

    def action_soak(self) -> None:
        """Ask which soak to start; where one runs, whether to end it."""
        if self._may_act("soak"):
            self._offer_soak()

    @work(group="forms", exclusive=True, exit_on_error=True)
    async def _offer_soak(self) -> None:
        try:
            now = (await self.feed.ask("soak"))["soak"]
        except Refused as error:
            self.say(f"no soak: {error}", "fail")
            return
        if now is not None:
            facts = [
                line(span(f"{now['id']} runs since {now['t'] / 60:.0f} of {now['seconds'] / 60:.0f} min"))
            ]
            facts.append(line(span("its runner ends at once; mimicry soak --resume goes on with it", "dim")))
            order = Order("soak_stop", {})
            dialog = Confirm(
                "End the soak", facts, order, does=f"end {now['id']}", word="end", ascii_only=self.ascii_only
            )
            self.push_screen(dialog, self.order)
            return
        choices = [(letter, does) for letter, does in SOAKS.items()]
        self.push_screen(
            Pick("Start a soak", choices, ascii_only=self.ascii_only),
            lambda at: None if at is None else self._plan_soak(choices[at][0]),
        )

    def _plan_soak(self, letter: str) -> None:
        form = {"type": f"soak {letter}", "about": SOAKS[letter], "parameters": SOAK_FORM}
        made = partial(Order, "soak_start")
        dialog = RequestDialog(
            form, ascii_only=self.ascii_only, order=lambda given: made({"scenario": letter, **given})
        )
        self.push_screen(dialog, self.order)

    def action_request(self) -> None:
        """Ask which work to request."""
        if self._may_act("request"):
            self._offer_requests()

    @work(group="forms", exclusive=True, exit_on_error=True)
    async def _offer_requests(self) -> None:
        """Show the types of requests as the engine describes them, then the parameters of the chosen one."""
        try:
            forms = (await self.feed.ask("forms"))["forms"]
        except Refused as error:
            self.say(f"no request: {error}", "fail")
            return
        choices = [(form["type"], form["about"]) for form in forms]
        self.push_screen(
            Pick("Ask for work", choices, ascii_only=self.ascii_only),
            lambda at: None if at is None else self._fill_in(forms[at]),
        )

    def _fill_in(self, form: Mapping[str, Any]) -> None:
        self.push_screen(RequestDialog(form, ascii_only=self.ascii_only), self.order)

    def action_resume(self) -> None:
        """Ask before work goes on."""
        if not self._may_act("resume"):
            return
        shot = self.view().newest
        if shot is None or shot.halt is None:
            self.say("nothing to resume: the engine is not halted", "head")
            return
        facts, word = pages.resume_facts(shot, shot.halt), halts.needs_word(shot.halt)
        self.push_screen(ResumeDialog(facts, word=word, ascii_only=self.ascii_only), self.order)

    def action_act(self, key: str) -> None:
        """Ask before the engine does to a row what a key stands for."""
        if self._past is not None and not self._recording:
            self.say("this is a replay of the past: Esc goes back to now, then act", "held")
            return
        active = self.active
        acts = active.acts(key) if isinstance(active, Lists) else []
        if key == "O" and isinstance(active, Lists) and (told := active.advisor) is not None:
            said = [line(span(f"the advisor is {told['state']}  {told['why'] or ''}"))]
            self._confirm([SWITCHES[told["state"] == "off"]], "", said)
        elif acts and isinstance(active, Lists):
            self._confirm(acts, active.shown.key or "", active.facts())
        elif key in ALERT_ACTS and (alert := self._newest_alert()) is not None:
            facts = [line(span(f"{alert.at}  {alert.text}"))]
            self._confirm([ALERT_ACTS[key]], alert.id, facts)
        else:
            self.say(f"{key}: nothing here that it could act on", "head")

    def _newest_alert(self) -> Alert | None:
        shot = self.view().newest
        return next((alert for alert in shot.alerts if alert.id and not alert.acked), None) if shot else None

    def _confirm(self, acts: list[Mapping[str, Any]], row: str, facts: list[Line]) -> None:
        """Let one of several acts be chosen, then ask for the reason."""
        if not self._may_act(acts[0]["verb"]):
            return
        if len(acts) == 1:
            self._ask_about(acts[0], row, facts)
            return
        choices = [(act["word"], row) for act in acts]
        self.push_screen(
            Pick(f"What shall happen to {row}", choices, ascii_only=self.ascii_only),
            lambda at: None if at is None else self._ask_about(acts[at], row, facts),
        )

    def _ask_about(self, act: Mapping[str, Any], row: str, facts: list[Line]) -> None:
        named = {act["arg"]: int(row) if act["number"] else row} if act["arg"] else {}
        order = Order(act["verb"], {**named, **act["fixed"]})
        does = f"{act['word']} {row}".rstrip()
        dialog = Confirm(
            does.replace(" {}", "").capitalize(), facts, order, does=does, reason=act["reason"],
            word=act["verb"] if act["typed"] else "", asks=act.get("asks", ""), hint=act.get("hint", ""),
            ascii_only=self.ascii_only,
        )  # fmt: skip
        self.push_screen(dialog, self.order)

    def _may_act(self, verb: str) -> bool:
        if self._recording:
            self.say(f"a recording: nothing runs here, {verb} has nothing to act on", "held")
        elif self.readonly:
            self.say(f"read-only console: {verb} is off; attach without --readonly to act", "held")
        elif self.view().other and verb != "halt":
            self.say(f"{self.view().other} holds control; `:control REASON` takes it, seen by all", "held")
        elif self.view().link.state != "live":
            self.say(
                f"no engine answers, {verb} cannot be sent from here; from a shell: mimicry {verb}", "fail"
            )
        else:
            return True
        return False

    def order(self, order: Order | None) -> None:
        """Send what a dialog ordered; None means that nothing is sent."""
        if order is not None:
            self.send(order)

    @work(group="orders", exit_on_error=False)
    async def send(self, order: Order) -> None:
        """Send one order and show the answer in one line."""
        named = next(
            (
                order.args[name]
                for name in ("kind", "id", "type", "target", "candidate", "to")
                if name in order.args
            ),
            "",
        )
        what = f"{order.verb} {named}".strip()
        self.say(f"{what}: sent, waiting for the engine")
        try:
            reply = await self.feed.command(order.verb, **order.args)
            if reply.ok and "ticket" in reply.data:
                self.say(f"{what}: the model is asked, the answer opens here")
                await self._answered(reply.data)
                return
        except Refused as error:
            self.say(str(error), "fail")
        else:
            self.say(*_answer(what, reply))

    async def _answered(self, told: Mapping[str, Any]) -> None:
        """Wait for a question that was put again; show what was said then beside what is said now."""
        now: dict[str, Any] = {"done": False}
        while not now["done"]:
            reply = await self.feed.command("llm_answer", ticket=told["ticket"])
            if not reply.ok:
                raise Refused(reply.error or "llm_answer: refused")
            now = reply.data
        lines = partial(again_lines, told["before"], now)
        self.push_screen(Page("Asked again, dry: nothing follows from it", lines, ascii_only=self.ascii_only))


def _answer(what: str, reply: Reply) -> tuple[str, str]:
    if not reply.ok:
        return f"{what} refused: {reply.error or f'exit code {reply.exit_code}'}", "fail"
    by = reply.data.get("by")
    if reply.data.get("why") and reply.data.get("id"):
        return f"{what}: {reply.data['id']} {reply.data['why']}", "ok"
    return f"{what}: done" + (f", by {by}" if by else ""), "ok"


def _terminal_gone() -> bool:
    """Say whether the terminal was closed; a console without one must not live on."""
    try:
        termios.tcgetattr(0)
    except (termios.error, OSError):
        return True
    return False
