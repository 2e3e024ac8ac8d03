"""What is taken out of the console: the clipboard, and files under exports/."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial

from textual import work

from tui.desk import Desk
from tui.export import save, screen_text
from tui.feed import Refused
from tui.model.logs import as_text as log_text
from tui.model.taken import as_csv
from tui.screens.lists import Lists
from tui.screens.logs import Logs


class Taking(Desk):
    """Copies and exports what the screen in front offers."""

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
        offers = self._offers()
        self.choose("Export", [(form, does) for form, does, _ in offers], lambda at: offers[at][2]())

    def _offers(self) -> list[tuple[str, str, Callable[[], object]]]:
        """Return the forms: name, what it holds, and the call that writes it."""
        active = self.active
        offers: list[tuple[str, str, Callable[[], object]]] = []
        if isinstance(active, Lists) and (page := active.shown.page) is not None:
            count = len(active.shown.marks) or (page.matched if not page.whole else len(page.rows))
            offers += [
                ("csv", f"{count:,} rows, every column", partial(self._export_list, "csv", active)),
                ("json", f"{count:,} rows, numbers as numbers", partial(self._export_list, "json", active)),
            ]
        texts: list[tuple[str, str, Callable[[], str]]] = [
            ("svg", "this screen as a picture", self._picture),
            ("txt", "this screen as text", lambda: screen_text(self)),
        ]
        if isinstance(active, Logs):
            taken = active.taken()
            said = f"{len(taken):,} entries that were read and pass"
            texts.insert(0, ("log", said, lambda: log_text(taken)))
        return [
            *offers,
            *((form, does, partial(self._export, form, does, make)) for form, does, make in texts),
        ]

    def _picture(self) -> str:
        return self.export_screenshot(title="mimicry")

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

    def _export(self, form: str, does: str, make: Callable[[], str]) -> None:
        name = f"{self._place.id}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.{form}"
        try:
            self.say(f"exported {does}: {save(self._state, make(), name)}", "ok")
        except OSError as error:
            self.say(f"not exported: {error.strerror} {error.filename}", "fail")
