"""The row under the cursor in full, and its story, which the engine is asked for once the cursor rests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual import work
from textual.timer import Timer

from tui.feed import Refused
from tui.model import detail
from tui.model.text import BLANK, Line, line, span
from tui.model.trace import trace_lines
from tui.model.view import View
from tui.screens.rows.listed import Listed
from tui.widgets.page import Sheet

SETTLE = 0.15
"""Seconds for which the cursor rests before the row's story is asked for."""
STORIES: Mapping[str, str] = {
    "survivors": "_of_survivor",
    "steps": "_of_step",
    "decisions": "_of_decision",
    "llm_calls": "_of_call",
}
"""Lists whose rows have a story of their own; of all others the journal's records are told."""
OF_ANY_TIME = ("survivors", "steps", "decisions")
"""Those whose story is the same in a replay."""


class Story(Listed):
    """Paints the board beside or below the rows."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._rest: Timer | None = None

    def draw_detail(self, view: View) -> None:
        """Show the row in full, where there is room."""
        board = self.boards["detail"]
        if self.small or not board.display:
            return
        board.put(
            self._detail(board.cells, short=board.rows < 10), self._detail_title(), faded=view.trust != "live"
        )

    def _detail_title(self) -> str:
        shown = self.shown
        return f"{shown.name} {shown.key}" if shown.key else "the row under the cursor"

    def _detail(self, cells: int, *, short: bool = False) -> list[Line]:
        shown, row, told = self.shown, self.row, self.told or {}
        if shown.page is None or row is None:
            return [line(span("the row under the cursor stands here in full", "dim"))]
        if "decision" in told:
            return detail.decision_lines(told, cells)
        if "trace" in told:
            return trace_lines(told["trace"], cells)
        lines = detail.row_lines(shown.page, row, cells, short=short)
        if shown.trails is not None and not short:
            lines = [*shown.trails.lines(str(shown.key), shown.page, cells), *lines]
        if "of_step" in told:
            rests = [line(span(f"decision {told['rests']} rests on it", "head"))] if "rests" in told else []
            return [*lines, BLANK, *rests, *detail.decision_lines(told["of_step"], cells)]
        return [
            *lines,
            *(detail.story_lines(told["story"], "in the journal", cells) if "story" in told else []),
        ]

    def facts(self) -> list[Line]:
        """Return the row under the cursor as a dialog shows it."""
        return self._detail(70, short=True)[:8]

    def rest_then_ask(self) -> None:
        """Ask for the story once the cursor has rested on the row."""
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(SETTLE, self.ask_story)

    def ask_story(self) -> None:
        """Ask for the story of the row under the cursor."""
        shown = self.shown
        if shown.page is not None and shown.key is not None and self._view.link.state == "live":
            self.fetch_story(shown.name, shown.key)

    @work(group="story", exclusive=True, exit_on_error=True)
    async def fetch_story(self, name: str, key: str) -> None:
        """Ask the engine about one row: why a decision was made, what the journal says of anything else."""
        story = STORIES.get(name, "_of_row") if self.shown.at is None or name in OF_ANY_TIME else "_of_row"
        try:
            told = await getattr(self, story)(name, key)
        except Refused:
            return  # the row is gone; the next page says so
        self._told = (name, key, told)
        self.draw_detail(self._view)
        if isinstance(self.app.screen, Sheet):
            self.app.screen.show()

    async def _of_row(self, name: str, key: str) -> dict[str, Any]:
        """Return the journal's records of a row."""
        then = {} if self.shown.at is None else {"at": self.shown.at}
        return await self.room.ask("row", name=name, key=key, **then)

    async def _of_survivor(self, name: str, key: str) -> dict[str, Any]:
        """Return where a survivor came from and what became of it."""
        return {"trace": await self.room.ask("trace", survivor=key)}

    async def _of_decision(self, name: str, key: str) -> dict[str, Any]:
        """Return why a decision was made."""
        return await self.room.ask("explain", id=int(key))

    async def _of_call(self, name: str, key: str) -> dict[str, Any]:
        """Return the decision that rests on a call, where one does, else the journal's records of the call."""
        number = (await self.room.ask("llm_call", id=key))["decision"]
        if number is None:
            return await self._of_row(name, key)
        return {"rests": number, "of_step": await self.room.ask("explain", id=number)}

    async def _of_step(self, name: str, key: str) -> dict[str, Any]:
        """Return the last decision on a step, where one was made."""
        number = self.row.get("number") if self.row is not None else None
        return {} if number is None else {"of_step": await self.room.ask("explain", id=number)}
