"""What stands above the rows: the panel of the place, for which the engine is asked where the snapshot lacks it, and the plot of the list."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from textual import work

from tui.feed import Refused
from tui.model.advisor import advisor
from tui.model.coverage import coverage_map
from tui.model.panel import Painter, Panel
from tui.model.panels import evidence, fleet
from tui.model.plot import PRUNED, cloud, marked, measured, scores_plot, spans_plot
from tui.model.run import pipeline
from tui.model.study import study_lines
from tui.model.view import View
from tui.screens.rows.listed import Listed, as_of

HEADED = ("gpus", "pipeline", "evidence", "llm")
"""Places with a panel of the Overview above their lists."""
HEADS: Mapping[str, Painter] = {"fleet": fleet, "pipeline": pipeline, "evidence": evidence}
HEAD_VERBS: Mapping[str, str] = {"advisor": "llm_status", "pipeline": "study"}
"""Panels for which the engine is asked, and the verb."""
HEAD_EVERY = 5.0


class Above(Listed):
    """Paints the boards over the rows."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._facts: dict[str, dict[str, Any]] = {}
        """What the engine told for the panel, by verb."""
        self._facts_asked: dict[str, tuple[float, int | None]] = {}
        """When that was asked for, and as of which event."""

    def headed(self) -> None:
        """Let the stylesheet know which panel stands above."""
        self.update_classes({f"-{name}": name == self.place.id for name in HEADED}, animate=False)

    def draw_head(self, view: View, faded: bool) -> None:
        """Show the panel of the place, where it has one."""
        board, head = self.boards["head"], self.place.head
        if not head:
            return
        told = self._head_facts(view, head)
        if head == "advisor":
            panel = advisor(told, board.cells)
        else:
            now = view.snapshot.at if view.snapshot is not None else ""
            more = study_lines(told, now, board.cells, board.rows) if head == "pipeline" else []
            panel = HEADS[head](view, board.cells, board.rows - len(more))
            panel = Panel(panel.title, [*panel.lines[: max(0, board.rows - len(more))], *more])
        board.put(panel.lines, self.aged(view, panel.title), faded=faded)

    def _head_facts(self, view: View, head: str) -> dict[str, Any] | None:
        """Return what the engine told for the panel above, and ask again when it is time."""
        verb, at = HEAD_VERBS.get(head, ""), as_of(view)
        if not verb or (view.past and head == "advisor"):
            return None
        asked, then = self._facts_asked.get(verb, (-inf, None))
        due = then != at or (not view.past and self.room.clock() - asked >= HEAD_EVERY)
        if view.link.state == "live" and not view.frozen and due:
            self._facts_asked[verb] = self.room.clock(), at
            self.fetch_facts(verb, at)
        return self._facts.get(verb)

    @work(group="head", exclusive=True, exit_on_error=True)
    async def fetch_facts(self, verb: str, at: int | None) -> None:
        """Ask the engine for what the panel above shows."""
        then: dict[str, Any] = {} if at is None else {"at": at}
        try:
            self._facts[verb] = await self.room.ask(verb, **then)
        except Refused as error:
            self._facts.pop(verb, None)
            if verb == "llm_status":
                self._facts[verb] = {"state": "none", "why": str(error)}
        self.repaint()

    @property
    def advisor(self) -> Mapping[str, Any] | None:
        """Return the report of an advisor that can be switched; None elsewhere, or where there is none."""
        told = self._facts.get("llm_status") if self.place.head == "advisor" else None
        return told if told is not None and "answers" in told else None

    def draw_plot(self, faded: bool) -> None:
        """Plot the column that measures, where the list has one and there is room."""
        board = self.boards["cloud"]
        drawn = self._plot(board.cells, board.rows)
        if board.has_class("-some") != (drawn is not None):
            board.set_class(drawn is not None, "-some")
            self.set_class(drawn is not None, "-plotted")
        if drawn is not None and board.display:
            board.put(drawn.lines, drawn.title, faded=faded)

    def _plot(self, cells: int, rows: int) -> Panel | None:
        """Return the plot of the list in front; None where it has none."""
        shown, page = self.shown, self.shown.page
        if page is None or shown.filter or shown.sort:
            return None
        if page.name == "coverage":
            return coverage_map(page, cells, rows)
        if shown.curve is not None:
            return (scores_plot if page.name == "survivors" else spans_plot)(shown.curve, cells, rows)
        name, values = measured(page)
        if len(values) < 2:
            return None
        marks = marked(page)
        pruned = f"; {PRUNED} pruned" if any(marks) else ""
        said = f"{name} of {len(values):,}, oldest first; the line is the highest so far{pruned}"
        return Panel(said, cloud(values, cells, rows, marks))
