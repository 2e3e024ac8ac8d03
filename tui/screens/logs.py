"""All logs merged by time: least level, one source alone, find, follow. Reads files under the state directory, nothing else."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.widgets import Input

from tui.logs import NEWEST_FIRST, Merged
from tui.model import logs as model
from tui.model.logs import Entry
from tui.model.text import Line, line, span
from tui.model.view import View
from tui.screens.frame import Framed, steps
from tui.widgets.page import Sheet
from tui.widgets.roll import Roll

PAGE = 2_000
MOST = 200_000
"""Entries that are held; older ones stay in the files."""
EVERY = 0.5


class Logs(Framed):
    """Follows the newest line until one moves away from it."""

    AUTO_FOCUS = "#rows"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._merged: Merged | None = None
        self._all: list[Entry] = []
        self._seen: list[Entry] = []
        """What passes level and source."""
        self._level = 1
        self._source = ""
        self._words = ""
        self._hits = 0
        """How many of the entries that are here held the words when they were last looked for."""
        self._marks: set[Entry] = set()
        self._follow = True
        self._loading = False
        self._looked = -inf

    def body(self) -> ComposeResult:
        """Yield the rows."""
        yield Roll(id="rows", classes="panel", focus=True, ascii_only=self._ascii)

    def asking(self) -> ComposeResult:
        """Yield the line in which one types what to find."""
        field = Input(
            id="ask",
            placeholder="find (letter case ignored); . next, , previous",
            compact=True,
            max_length=200,
        )
        field.cursor_blink = False
        yield field

    @property
    def rows(self) -> Roll:
        """Return the board of rows."""
        board = self.boards["rows"]
        assert isinstance(board, Roll)
        return board

    # ── reading ─────────────────────────────────────────────────────────────

    def on_unmount(self) -> None:
        """Let the files go."""
        if self._merged is not None:
            self._merged.close()

    def paint_body(self, view: View) -> None:
        """Read what is new and show it."""
        if self._merged is None:
            self._merged = Merged(self.room.logs)
            self._all = self._merged.older(NEWEST_FIRST)
            self._choose()
        elif not view.frozen and self.room.clock() - self._looked >= EVERY and not self._loading:
            self._looked = self.room.clock()
            self._add(self._merged.newer())
        self._draw(view)

    def _passes(self, entry: Entry) -> bool:
        return entry.level >= model.STEPS[self._level][0] and (
            not self._source or entry.source == self._source
        )

    def _choose(self) -> None:
        self._seen = [entry for entry in self._all if self._passes(entry)]

    def _add(self, fresh: list[Entry]) -> None:
        self._all += fresh
        self._seen += [entry for entry in fresh if self._passes(entry)]
        if len(self._all) > MOST + PAGE:  # the oldest give way; the files still have them
            gone = len(self._all) - MOST
            self._marks.difference_update(self._all[:gone])
            del self._all[:gone]
            before = len(self._seen)
            self._choose()
            self.rows.at -= before - len(self._seen)

    @work(group="older", exclusive=True, exit_on_error=True)
    async def load_older(self, *, until: str = "") -> None:
        """Read further back, off the loop; with words, until they are found."""
        merged = self._merged
        if merged is None or self._loading:
            return
        self._loading = True
        try:
            while not merged.whole and len(self._all) < MOST:
                found = await asyncio.to_thread(merged.older, PAGE)
                passing = [entry for entry in found if self._passes(entry)]
                self._all[:0], self._seen[:0] = found, passing
                self.rows.at += len(passing)
                self.rows.first += len(passing)
                hit = next(
                    (i for i in range(len(passing) - 1, -1, -1) if until and passing[i].holds(until)), None
                )
                if hit is not None:
                    self._follow, self.rows.at = False, hit
                if hit is not None or (passing and not until):
                    break
                self._draw(self._view)
            else:
                self._told_end(until)
        finally:
            self._loading = False
        self._draw(self._view)

    def _told_end(self, until: str) -> None:
        if until:
            where = (
                "in any log"
                if self._merged is not None and self._merged.whole
                else f"in the newest {len(self._all):,} entries; older: grep {until!r} {self._merged and self._merged.folder}/*"
            )
            self.room.say(f"{until!r}: no earlier line {where}", "warn")

    # ── painting ────────────────────────────────────────────────────────────

    def _draw(self, view: View) -> None:
        if self._follow:
            self.rows.at = len(self._seen) - 1
        if not self._seen:
            self.rows.roll(None, 0, lambda index, at: (), self._title())
            self.rows.put(self._nothing(), None)
            return
        self.rows.roll(None, len(self._seen), self._line, self._title())

    def _line(self, index: int, at: bool) -> Line:
        entry = self._seen[index]
        return model.row(entry, self.rows.cells, at=at, words=self._words, marked=entry in self._marks)

    def _nothing(self) -> list[Line]:
        merged = self._merged
        if self._view.recording:
            return [
                line(
                    span(
                        "a recording holds the journal, not the log files; they stayed where it was made",
                        "dim",
                    )
                )
            ]
        if merged is not None and merged.fault:
            return [
                line(span(merged.fault, "warn")),
                line(span("logs appear with the engine: ", "dim"), span("mimicry --no-ui", "key")),
            ]
        if self._all:
            return [
                line(
                    span(
                        f"none of {len(self._all):,} entries passes; l sets the level, o the source, PgUp reads further back",
                        "dim",
                    )
                )
            ]
        return [line(span("no log entry yet; the engine writes one when it opens", "dim"))]

    def _title(self) -> str:
        level = model.STEPS[self._level][1]
        parts = [
            "Logs",
            f"level ≥ {level}" if self._level else "all levels",
            f"source {self._source}"
            if self._source
            else f"{len(self._merged.files) if self._merged else 0} files",
        ]
        parts += [f"find {self._words!r}, {self._hits:,} here"] if self._words else []
        parts += [f"{len(self._marks)} marked"] if self._marks else []
        live = self._view.past and not self._view.recording
        parts += ["not part of the replay: these are the logs of now"] if live else []
        parts += ["reading…"] if self._loading else []
        return " · ".join([*parts, "FOLLOW" if self._follow else "f follows"])

    # ── keys ────────────────────────────────────────────────────────────────

    def do_move(self, how: str) -> None:
        """Move; away from the newest line is away from following it."""
        self._follow = how == "bottom"
        self.rows.move(steps(how, self.rows.room, len(self._seen)))
        if self.rows.first < self.rows.room and how in ("up", "page_up", "top"):
            self.load_older()
        self._draw(self._view)

    def on_roll_moved(self, event: Roll.Moved) -> None:
        """Follow the mouse."""
        self._follow = False
        if event.opened:
            self.do_open()
        if self.rows.first < self.rows.room:
            self.load_older()
        self._draw(self._view)

    def do_follow(self) -> None:
        """Stay at the newest line, or stop."""
        self._follow = not self._follow
        self._draw(self._view)

    def do_level(self) -> None:
        """Show the next least level."""
        self._level = (self._level + 1) % len(model.STEPS)
        self._again()

    def do_source(self) -> None:
        """Show the next source alone, then all."""
        sources = ["", *sorted({entry.source for entry in self._all})]
        at = sources.index(self._source) if self._source in sources else 0
        self._source = sources[(at + 1) % len(sources)]
        self._again()

    def _again(self) -> None:
        here = self._seen[self.rows.at].at if 0 <= self.rows.at < len(self._seen) else 0.0
        self._choose()
        self.rows.at = next(
            (i for i, entry in enumerate(self._seen) if entry.at >= here), len(self._seen) - 1
        )
        if len(self._seen) < self.rows.room:
            self.load_older()
        self._draw(self._view)

    def do_open(self) -> None:
        """Show an entry with all its lines."""
        if self._seen:
            entry = self._seen[self.rows.at]
            self.app.push_screen(
                Sheet(
                    lambda: f"log of {entry.source}",
                    lambda cells: model.full(entry, cells),
                    ascii_only=self._ascii,
                )
            )

    def do_filter(self) -> None:
        """Open the line in which one types what to find."""
        asking = self.query_one("#ask", Input)
        asking.display, asking.value = True, self._words
        asking.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Find the words, from here back."""
        self._words = event.value.strip().casefold()
        self._close()
        if self._words:
            self.do_previous_hit(here=True)

    def do_back(self) -> bool:
        """Leave the line, or forget what was looked for."""
        asking = self.query_one("#ask", Input)
        if not asking.display and not self._words and not self._marks:
            return False
        if not asking.display and not self._words:
            self._marks.clear()
        if not asking.display:
            self._words = ""
        self._close()
        self._draw(self._view)
        return True

    def _close(self) -> None:
        self.query_one("#ask", Input).display = False
        self.rows.focus()

    def do_next_hit(self) -> None:
        """Go to the next line that holds the words."""
        self._hit(range(self.rows.at + 1, len(self._seen)))

    def do_previous_hit(self, *, here: bool = False) -> None:
        """Go to the line before that holds the words; reads further back where none is here."""
        if self._words and not self._hit(range(self.rows.at - (not here), -1, -1), quiet=True):
            self.load_older(until=self._words)

    def _hit(self, where: range, *, quiet: bool = False) -> bool:
        if not self._words:
            self.room.say("nothing to find yet: / asks for words", "head")
            return False
        self._hits = sum(entry.holds(self._words) for entry in self._seen)
        found = next((index for index in where if self._seen[index].holds(self._words)), None)
        if found is None:
            if not quiet:
                self.room.say(f"{self._words!r}: no later line", "warn")
            return False
        self._follow = False
        self.rows.at = found
        self._draw(self._view)
        return True

    def do_mark(self) -> None:
        """Mark or unmark the entry and go on to the next; away from the newest line is away from following it."""
        if self._seen:
            self._marks ^= {self._seen[self.rows.at]}
            self.do_move("down")

    def copied(self) -> str | None:
        """Return the marked entries, else the one under the cursor, with all their lines."""
        return (
            model.as_text(self.taken() if self._marks else self._seen[self.rows.at : self.rows.at + 1])
            or None
        )

    def taken(self) -> list[Entry]:
        """Return what an export takes: the marked entries, or all that were read and pass level and source."""
        return [entry for entry in self._seen if entry in self._marks] if self._marks else list(self._seen)
