"""The keys that move through the rows and arrange them: sort, group, mark, jump; and which rows are taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual import events

from tui.screens.frame import steps
from tui.screens.rows.paging import Paging
from tui.widgets.roll import Roll

LETTERS = "asdfghjklqwertyuiopzxcvbnmASDFGHJKLQWERTYUIOPZXCVBNM"
"""Jump letters, those under the fingers first."""


class Arranging(Paging):
    """Changes how the list in front is shown."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._letters: dict[str, int] = {}
        """Jump letters and the lines that they lead to, while they are shown."""

    def do_move(self, how: str) -> None:
        """Move the cursor."""
        step = steps(how, self.rows.room, self.rows.count)
        if self.rows.move(step):
            self.moved(step)

    def moved(self, step: int = 1) -> None:
        self.rows.move(self.shown.plan.settle(self.rows.at, step) - self.rows.at)
        self.shown.key = self.shown.key_at(self.rows.at)
        self.reach()
        self.draw_detail(self._view)
        self.rest_then_ask()

    def do_jump(self) -> None:
        """Put a letter before every row in sight; the next key goes there."""
        plan = self.shown.plan
        seen = range(self.rows.first, min(plan.count, self.rows.first + self.rows.room))
        self._letters = dict(zip(LETTERS, (at for at in seen if plan.row(at) is not None), strict=False))
        self.repaint()

    def _jumped(self, key: str) -> None:
        where, self._letters = self._letters.get(key), {}
        if where is not None:
            self.rows.move(where - self.rows.at)
            self.moved()
        self.repaint()

    def do_group(self) -> None:
        """Group the rows by the next column that has few values, then by none."""
        if self.shown.next_group():
            self.settle(self.shown)
            self.repaint()
        else:
            self.room.say(
                "nothing to group by here: no column has few values, or the list is too long", "head"
            )

    def do_sort(self) -> None:
        """Turn the sorting of the column: falling, rising, as the engine sends it."""
        if self.shown.page is not None:
            self._sort_by(self.shown.turned())

    def do_sort_next(self, step: int = 1) -> None:
        """Sort by the next column in sight."""
        if self.shown.layout.chosen:
            self._sort_by(self.shown.sorted_by_next(step))

    def do_sort_previous(self) -> None:
        """Sort by the column before."""
        self.do_sort_next(-1)

    def sort_by(self, name: str) -> None:
        """Sort by the column whose title was clicked, again: the other way round, then as the engine sends it."""
        self._sort_by(self.shown.sorted_by(name))

    def _sort_by(self, sort: str) -> None:
        self.shown.sort = sort
        self.ask_rows(self.shown)
        self.repaint()

    def do_mark(self) -> None:
        """Mark or unmark the row and go on to the next."""
        shown = self.shown
        if shown.key is not None:
            shown.marks ^= {shown.key}
            self.do_move("down")
            self.repaint()

    def copied(self) -> str | None:
        """Return the marked rows as text with tabs."""
        return self.shown.copied()

    def acts(self, key: str) -> list[Mapping[str, Any]]:
        """Return what a key does to the row under the cursor, as the engine offers it."""
        return [act for act in self.shown.acts if act["key"] == key]

    def why_not(self, key: str) -> str:
        """Return why a key does nothing to the row under the cursor that it does to others."""
        page, row = self.shown.page, self.row
        act = next((act for act in page.acts if act["key"] == key), None) if page is not None else None
        if act is None or row is None:
            return "nothing here that it could act on"
        said = ", ".join(f"{name} {row.get(name)}" for name in act.get("when", {}))
        return f"not with {said}: {act['word'].replace(' {}', '')} {self.shown.key}"

    def on_roll_moved(self, event: Roll.Moved) -> None:
        """Follow the mouse."""
        self.moved()
        if event.opened:
            self.do_open()

    def on_key(self, event: events.Key) -> None:
        """Take a jump letter; let the arrows move the rows while a filter is typed."""
        if self._letters:
            event.stop()
            event.prevent_default()
            self._jumped(event.key)
        elif self._draft is not None and event.key in ("up", "down"):
            event.stop()
            self.do_move(event.key)
