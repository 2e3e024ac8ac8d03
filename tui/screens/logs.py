"""All logs merged by time: least level, one source alone, find, follow. Reads files under the state directory, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.widgets import Input

from tui.logs import NEWEST_FIRST, Merged
from tui.model import held
from tui.model import logs as model
from tui.model.logs import Entry
from tui.model.text import Line, line, span
from tui.model.view import View
from tui.screens.frame import Framed, steps
from tui.widgets.page import Sheet
from tui.widgets.roll import Roll
from tui.widgets.typing import typing_line

EVERY = 0.5


class Logs(Framed):
    """Follows the newest line until one moves away from it."""

    AUTO_FOCUS = "#rows"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._merged: Merged | None = None
        self._held = held.Held()
        self._follow = True
        self._loading = False
        self._looked = -inf

    def body(self) -> ComposeResult:
        """Yield the rows."""
        yield Roll(id="rows", classes="panel", focus=True, ascii_only=self._ascii)

    def asking(self) -> ComposeResult:
        """Yield the line in which one types what to find."""
        yield typing_line("ask", "find (letter case ignored); . next, , previous")

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
            self._held.add(self._merged.older(NEWEST_FIRST))
        elif not view.frozen and self.room.clock() - self._looked >= EVERY and not self._loading:
            self._looked = self.room.clock()
            self.rows.at -= self._held.add(self._merged.newer())
        self._draw(view)

    @work(group="older", exclusive=True, exit_on_error=True)
    async def load_older(self, *, until: str = "") -> None:
        """Read further back, off the loop; with words, until they are found."""
        merged = self._merged
        if merged is None or self._loading:
            return
        self._loading = True
        try:
            while not merged.whole and not self._held.full:
                passing = self._held.add_older(await asyncio.to_thread(merged.older, held.PAGE))
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
                if until:
                    self._say_end(merged, until)
        finally:
            self._loading = False
        self._draw(self._view)

    def _say_end(self, merged: Merged, words: str) -> None:
        where = "in any log"
        if not merged.whole:
            here = f"in the newest {len(self._held.every):,} entries"
            where = f"{here}; older: grep {words!r} {merged.folder}/*"
        self.room.say(f"{words!r}: no earlier line {where}", "warn")

    # ── painting ────────────────────────────────────────────────────────────

    def _draw(self, view: View) -> None:
        count = len(self._held.seen)
        if self._follow:
            self.rows.at = count - 1
        self.rows.roll(None, count, self._line, self._title())
        if not count:
            self.rows.put(self._nothing(), None)

    def _line(self, index: int, at: bool) -> Line:
        entry = self._held.seen[index]
        marked = entry in self._held.marks
        return model.row(entry, self.rows.cells, at=at, words=self._held.words, marked=marked)

    def _nothing(self) -> list[Line]:
        fault = self._merged.fault if self._merged is not None else ""
        if self._view.recording:
            said = "a recording holds the journal, not the log files; they stayed where it was made"
        elif fault:
            fills = line(span("logs appear with the engine: ", "dim"), span("mimicry --no-ui", "key"))
            return [line(span(fault, "warn")), fills]
        elif self._held.every:
            said = f"none of {len(self._held.every):,} entries passes; l sets the level, o the source, PgUp reads further back"
        else:
            said = "no log entry yet; the engine writes one when it opens"
        return [line(span(said, "dim"))]

    def _title(self) -> str:
        parts = ["Logs", *self._held.told(len(self._merged.files) if self._merged else 0)]
        live = self._view.past and not self._view.recording
        parts += ["not part of the replay: these are the logs of now"] if live else []
        parts += ["reading…"] if self._loading else []
        return " · ".join([*parts, "FOLLOW" if self._follow else "f follows"])

    # ── keys that move ──────────────────────────────────────────────────────

    def do_move(self, how: str) -> None:
        """Move; away from the newest line is away from following it."""
        self._follow = how == "bottom"
        self.rows.move(steps(how, self.rows.room, len(self._held.seen)))
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

    def do_open(self) -> None:
        """Show an entry with all its lines."""
        if (entry := self._here) is not None:
            self.app.push_screen(
                Sheet(
                    lambda: f"log of {entry.source}",
                    lambda cells: model.full(entry, cells),
                    ascii_only=self._ascii,
                )
            )

    @property
    def _here(self) -> Entry | None:
        """Return the entry under the cursor."""
        seen = self._held.seen
        return seen[self.rows.at] if 0 <= self.rows.at < len(seen) else None

    # ── keys that choose ────────────────────────────────────────────────────

    def do_level(self) -> None:
        """Show the next least level."""
        self._narrowed(self._held.next_level)

    def do_source(self) -> None:
        """Show the next source alone, then all."""
        self._narrowed(self._held.next_source)

    def _narrowed(self, narrow: Callable[[], None]) -> None:
        """Show other entries, the cursor at the time where it was."""
        here = self._here
        narrow()
        self.rows.at = self._held.since(here.at if here is not None else 0.0)
        if len(self._held.seen) < self.rows.room:
            self.load_older()
        self._draw(self._view)

    def do_filter(self) -> None:
        """Open the line in which one types what to find."""
        asking = self.query_one("#ask", Input)
        asking.display, asking.value = True, self._held.words
        asking.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Find the words, from here back."""
        self._held.words = event.value.strip().casefold()
        self._close()
        if self._held.words:
            self.do_previous_hit(here=True)

    def do_back(self) -> bool:
        """Leave the line, else forget what was looked for, else drop the marks."""
        if not self.query_one("#ask", Input).display:
            if self._held.words:
                self._held.words = ""
            elif self._held.marks:
                self._held.marks.clear()
            else:
                return False
        self._close()
        self._draw(self._view)
        return True

    def _close(self) -> None:
        self.query_one("#ask", Input).display = False
        self.rows.focus()

    def do_next_hit(self) -> None:
        """Go to the next line that holds the words."""
        if self._hit(range(self.rows.at + 1, len(self._held.seen))) is None and self._held.words:
            self.room.say(f"{self._held.words!r}: no later line", "warn")

    def do_previous_hit(self, *, here: bool = False) -> None:
        """Go to the line before that holds the words; reads further back where none is here."""
        if self._hit(range(self.rows.at - (not here), -1, -1)) is None and self._held.words:
            self.load_older(until=self._held.words)

    def _hit(self, where: range) -> int | None:
        if not self._held.words:
            self.room.say("nothing to find yet: / asks for words", "head")
            return None
        found = self._held.find(where)
        if found is not None:
            self._follow, self.rows.at = False, found
            self._draw(self._view)
        return found

    # ── what is taken ───────────────────────────────────────────────────────

    def do_mark(self) -> None:
        """Mark or unmark the entry and go on to the next; away from the newest line is away from following it."""
        if (entry := self._here) is not None:
            self._held.marks ^= {entry}
            self.do_move("down")

    def copied(self) -> str | None:
        """Return the marked entries, else the one under the cursor, with all their lines."""
        if self._held.marks:
            return model.as_text(self.taken()) or None
        return model.as_text([self._here]) if self._here is not None else None

    def taken(self) -> list[Entry]:
        """Return what an export takes: the marked entries, or all that were read and pass level and source."""
        return self._held.taken()
