"""The keys that open something over the rows: the row in full, raw, the exchange behind it, two things side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from textual import work

from tui.feed import Refused
from tui.model import detail
from tui.model.beside import beside_lines, judged_lines, policy_lines, rows_pairs
from tui.model.text import Line, line
from tui.screens.rows.story import Story
from tui.widgets.page import Sheet

POLICIES = ("candidates", "policy")
"""Lists whose rows are policies."""
EXCHANGE = 1 << 20
"""Bytes of an exchange with the advisor that are shown."""


class Opening(Story):
    """Opens sheets; Esc closes them."""

    def do_open(self) -> None:
        """Show the row in full, with its story."""
        if self.shown.page is not None and self.shown.page.rows:
            self.ask_story()
            self._sheet(self._detail_title, self._detail)

    def do_raw(self) -> None:
        """Show the row as the engine sent it, with what it told about it."""
        if (row := self.row) is not None:
            told = {"told": self.told} if self.told else {}
            text = json.dumps({**row, **told}, indent=1, ensure_ascii=False)
            named = f"{self._now} {self.shown.key} as JSON"
            self._sheet(lambda: named, lambda cells: [line(each) for each in text.splitlines()])

    def do_prompt(self) -> None:
        """Show the whole exchange behind a call to the advisor: prompt, answers, timings; secrets were masked when it was written."""
        row, key = self.row, self.shown.key
        if self._now == "decisions" and key is not None:
            self.fetch_call(key)
        elif row is None or not row.get("file"):
            self.room.say("p: this row has no exchange with the advisor", "head")
        else:
            self._open_exchange(str(row["file"]))

    @work(group="beside", exclusive=True, exit_on_error=True)
    async def fetch_call(self, decision: str) -> None:
        """Ask for the call behind a decision and show its exchange."""
        try:
            call = (await self.room.ask("decision", id=decision))["call"]
        except Refused as error:
            self.room.say(str(error), "warn")
            return
        if call is None:
            self.room.say(f"p: the advisor was not asked about decision {decision}", "head")
        else:
            self._open_exchange(f"llm_calls/{call}.json")

    def _open_exchange(self, name: str) -> None:
        key, file = self.shown.key, self.room.logs.parent / name
        try:
            with file.open(encoding="utf-8", errors="replace") as source:
                text = source.read(EXCHANGE)
        except OSError as error:
            self.room.say(f"{error.strerror}: {file}", "warn")
            return
        self._sheet(lambda: f"{self._now} {key}", partial(detail.exchange_lines, text))

    def do_beside(self) -> None:
        """Show two things side by side: marked rows; a policy and the active one; the advice and the code's decision."""
        page, shown = self.shown.page, self.shown
        if page is None or shown.key is None:
            return
        marked = shown.marked()
        if shown.name in POLICIES and len(marked) in (0, 2):
            a, b = marked[::-1] if marked else ("active", shown.key)
            self._compare(f"{a} beside {b}", policy_lines, "policy_diff", a=a, b=b)
        elif shown.name == "decisions" and not marked:
            self._compare(f"decision {shown.key}", judged_lines, "decision", id=shown.key)
        elif shown.name == "llm_calls" and not marked:
            if "rests" in (told := self.told or {}):
                self._compare(f"decision {told['rests']}", judged_lines, "decision", id=told["rests"])
            else:
                self.room.say("d: no decision rests on this call", "head")
        elif len(marked) == 2:
            first, second = (page.row(found) for key in marked if (found := page.find(key)) is not None)
            assert first is not None
            assert second is not None
            lines = partial(beside_lines, marked[0], marked[1], rows_pairs(page, first, second))
            self._sheet(lambda: f"{shown.name}, two rows", lines)
        else:
            self.room.say("d: mark two rows with b, then d shows them side by side", "head")

    @work(group="beside", exclusive=True, exit_on_error=True)
    async def _compare(
        self, title: str, lines: Callable[[Mapping[str, Any], int], list[Line]], verb: str, **args: Any
    ) -> None:
        """Ask the engine for two things and show them side by side."""
        try:
            told = await self.room.ask(verb, **args)
        except Refused as error:
            self.room.say(str(error), "warn")
            return
        self._sheet(lambda: title, partial(lines, told))

    def _sheet(self, title: Callable[[], str], lines: Callable[[int], Sequence[Line]]) -> None:
        self.app.push_screen(Sheet(title, lines, ascii_only=self._ascii))
