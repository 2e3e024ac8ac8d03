"""The line in which a filter is typed, tried at every letter; the engine says whether it can be read."""

from __future__ import annotations

from textual import work
from textual.widgets import Input

from tui.feed import Refused
from tui.model.listing import Page
from tui.screens.rows.paging import Paging


class Filtering(Paging):
    """Opens, tries, keeps and clears the filter of the list in front."""

    def do_filter(self) -> None:
        """Open the line in which the filter is typed."""
        asking = self.query_one("#ask", Input)
        asking.display = True
        self._draft = asking.value = self.shown.filter
        asking.focus()

    def do_back(self) -> bool:
        """Leave the line, or clear the filter, or drop the marks."""
        shown = self.shown
        if self._draft is not None:
            self.close_filter()
        elif shown.marks:
            shown.marks.clear()
        elif shown.filter:
            shown.filter = ""
        else:
            return False
        shown.error = ""
        self.ask_rows(shown)
        self.repaint()
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        """Try the filter while it is typed."""
        if self._draft is not None and event.value != self._draft:
            self._draft = event.value
            self.ask_rows(self.shown)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter; the engine says whether it can be read."""
        self._keep(event.value.strip())

    @work(group="page", exclusive=True, exit_on_error=True)
    async def _keep(self, where: str) -> None:
        shown = self.shown
        try:
            data = await self._page(shown, where)
        except Refused as error:
            shown.error = str(error)
        else:
            shown.filter = where
            self._take(shown, Page.read(data))
            self.close_filter()
        self.repaint()

    def close_filter(self) -> None:
        """Close the line without keeping what was typed."""
        self._draft = None
        self.query_one("#ask", Input).display = False
        self.rows.focus()
