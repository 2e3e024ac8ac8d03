"""Any list of the room: rows, and the row under the cursor in full. Which list is in front, and how it is painted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import inf
from typing import Any

from tui.model import listing
from tui.model.listing import Page
from tui.model.shown import Shown
from tui.model.text import Line, Span, line, span
from tui.model.view import View
from tui.model.words import duration
from tui.places import BY_ID, Place
from tui.screens.rows.above import Above
from tui.screens.rows.arranging import Arranging
from tui.screens.rows.filtering import Filtering
from tui.screens.rows.listed import as_of
from tui.screens.rows.opening import Opening

BRIEF = 9
"""Rows of a list that leaves its room to the row in full, where that stands below it."""
TERSE = 13
"""Letters of an act that the footer takes as the engine says it."""
ROOMY = 27
"""Rows of a terminal from which that makes the row in full larger."""


class Lists(Arranging, Filtering, Opening, Above):
    """The lists of all places."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._left: dict[str, str] = {}
        """The list that was in front when a place was left."""
        self.headed()

    # ── which list ──────────────────────────────────────────────────────────

    def _there(self) -> list[str]:
        """Return the lists of this place that the engine keeps; the first one where it keeps none."""
        known = self.room.tables
        return [name for name in self.place.tables if name in known] or [self.place.tables[0]]

    def enter(self, place: Place) -> None:
        """Bring the lists of a place to the front, the one that was there before at first."""
        if place is self.place:
            return
        self._left[self.place.id], self.place = self._now, place
        for name in place.tables:
            self._lists.setdefault(name, Shown(name))
        self.headed()
        self._bring(self._left.get(place.id, place.tables[0]))

    def show_table(self, name: str, where: str | None = None) -> None:
        """Bring a list to the front, with a filter where one is given."""
        self._bring(name)
        if where is not None:
            self.shown.filter, self.shown.page = where, None
        self.shown.asked = -inf
        self.repaint()

    def _bring(self, name: str) -> None:
        """Put a list in front, with its cursor and its first row where they were."""
        if self._draft is not None:
            self.close_filter()
        if not self.boards:
            self._now = name  # not mounted yet
        elif name != self._now:
            self.shown.first, self._now, self._told = self.rows.first, name, None
            self.rows.first = self.shown.first
            self._letters = {}
            self.rows.at = self.shown.line_of_key() or 0

    def do_next(self) -> None:
        """Bring the next list to the front."""
        self.do_table()

    def do_previous(self) -> None:
        """Bring the list before to the front."""
        self.do_table(-1)

    def do_table(self, step: int = 1) -> None:
        """Bring another list of this screen to the front."""
        there = self._there()
        if len(there) == 1:
            self.room.say("this screen has one list", "head")
            return
        self.show_table(there[(there.index(self._now) + step) % len(there)])

    def do_survivors(self) -> None:
        """Bring the survivors to the front, from there the trials."""
        there = "trials" if self._now == "survivors" else "survivors"
        self.room.go(BY_ID["pipeline"])
        self.show_table(there)

    # ── painting ────────────────────────────────────────────────────────────

    def paint_body(self, view: View) -> None:
        """Ask for rows when it is time, and show those that are here."""
        there = self._there()
        if self._now not in there:
            self._now = there[0]
        shown = self.shown
        if not view.frozen and view.link.state == "live" and self.due(view, shown):
            shown.at = as_of(view)
            self.ask_rows(shown)
        self._draw(view)

    def _draw(self, view: View) -> None:
        shown, page = self.shown, self.shown.page
        faded = view.trust != "live"
        self.draw_head(view, faded)
        self.draw_plot(faded)
        none = page is None or not page.rows
        brief = not none and not self.place.head and shown.plan.count <= BRIEF and self.size.height >= ROOMY
        self.update_classes({"-none": none, "-brief": brief}, animate=False)
        if page is None or none:
            fills = "" if view.past else self.place.fills
            said = listing.nothing(page, "" if shown.page and self._draft is not None else shown.error, fills,
                                   self.rows.cells, filtered=shown.filter, waiting=view.link.state != "live" or not self.room.tables)  # fmt: skip
            self.rows.roll(None, 0, lambda index, at: (), self._title(view), faded=faded)
            self.rows.put(said, None, faded=faded)
            shown.key = None
        else:
            shown.layout.fit(page, self.rows.cells)
            self.rows.roll(
                shown.layout.head(shown.sort),
                shown.plan.count,
                partial(self._line, shown, page),
                self._title(view),
                faded=faded,
            )
            shown.key = shown.key_at(self.rows.at)
            self.reach()
        self._draw_wrong(shown)
        self.draw_detail(view)

    def _line(self, shown: Shown, page: Page, index: int, at: bool) -> Line:
        group = shown.plan.group(index)
        if group is not None:
            return group.line
        row = page.row(shown.plan.row(index) or 0)
        letter = self._letter_of(index)
        if row is None:
            return line(span("  …", "dim"))
        today = self._view.snapshot.at[:10] if self._view.snapshot else ""
        made = shown.layout.row(row, today, marked=str(row.get(page.key)) in shown.marks, at=at)
        return made if not letter else (Span(letter, "chosen"), Span(" "), *made[1:])

    def _letter_of(self, index: int) -> str:
        return next((letter for letter, where in self._letters.items() if where == index), "")

    def _title(self, view: View) -> str:
        shown = self.shown
        named = listing.title(
            shown.page,
            self.room.tables.get(shown.name, self.place.title),
            filtered=shown.filter,
            sort=shown.sort,
            marks=len(shown.marks),
            group=shown.group,
        )
        if self._letters:
            return f"{named} · a letter jumps, Esc stays"
        there = self._there()
        at = there.index(self._now) if self._now in there else -1
        others = [*there[at + 1 :], *there[: max(0, at)]]
        named += f"   t: {', '.join(others)}" if others else ""
        old = 0.0 if view.past else self.room.clock() - shown.came  # the past does not change
        if shown.page is not None and (view.trust != "live" or view.frozen or old > 5 + 2 * view.refresh):
            return f"{named} {'‖' if view.frozen else '?'} {duration(old)} old"
        return named

    def _draw_wrong(self, shown: Shown) -> None:
        said = shown.error if shown.error and (self._draft is not None or shown.page is not None) else ""
        board = self.boards["wrong"]
        board.display = bool(said)
        board.put([line(" ", span(f"▲ {said}", "warn"))] if said else [])

    @property
    def offered(self) -> Mapping[str, str]:
        """Return what the engine offers to do to the row under the cursor, in its words where they are short, and what the place has."""
        words: dict[str, list[str]] = {}
        for act in self.shown.acts:
            words.setdefault(f"act_{act['key']}", []).append(act["word"])
        acts = {
            key: said[0] if len(said) == 1 and len(said[0]) <= TERSE else "" for key, said in words.items()
        }
        return {**super().offered, **acts, **({"act_O": ""} if self.advisor is not None else {})}
