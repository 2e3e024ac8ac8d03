"""The command palette: every action of the key table, every list and every row of the engine, themes and refresh rates, by name."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape

from tui.feed import Refused
from tui.keys import acting
from tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

SHORTEST, REST = 2, 0.15
"""Letters from which rows are looked for, and the seconds for which the typing rests before."""
OBJECT = 0.9
"""Score of a row whose name fits: before actions that only resemble what is typed."""
REFRESH = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between paints that can be chosen."""


class Entry(NamedTuple):
    """One command: its name, what it does, and the call."""

    name: str
    help: str
    run: Callable[[], object]


@runtime_checkable
class Commanded(Protocol):
    """What the palette needs of the console; the console itself is above this module."""

    readonly: bool
    tables: Mapping[str, str]

    @property
    def theme_names(self) -> list[str]:
        """Return the names of all themes."""

    def run_action(self, action: str) -> Awaitable[bool]:
        """Run an action of the key table by its id."""

    def go_table(self, name: str, where: str | None = None) -> None:
        """Bring a list to the front, filtered."""

    def go_row(self, name: str, column: str, key: str) -> None:
        """Bring one row of a list to the front."""

    async def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """Ask the engine something that only looks; `Refused` carries one line."""

    def take_control(self, reason: str) -> None:
        """Take control from another viewer."""

    def go_back_to(self, text: str) -> None:
        """Show the room as it was at a time."""

    def use_theme(self, name: str) -> None:
        """Change the colours."""

    def use_refresh(self, seconds: float) -> None:
        """Change how often the screen is painted."""


def entries(app: Commanded) -> Iterator[Entry]:
    """Yield what the palette offers; a read-only console is offered nothing that acts."""
    for key in acting(app.readonly):
        if key.palette:
            yield Entry(f"{key.word}  ({key.label})", key.help, partial(app.run_action, key.action))
    for name, title in app.tables.items():
        yield Entry(
            f"list {name}", f"{title}; with a filter: {name} COLUMN>VALUE", partial(app.go_table, name)
        )
    for name in app.theme_names:
        yield Entry(f"theme {name}", "change the colours", partial(app.use_theme, name))
    for seconds in REFRESH:
        yield Entry(
            f"refresh {seconds:g} s", "how often the screen is painted", partial(app.use_refresh, seconds)
        )


class Commands(Provider):
    """Feeds the toolkit's palette from the table."""

    @property
    def _entries(self) -> Iterator[Entry]:
        if isinstance(self.app, Commanded):
            yield from entries(self.app)

    async def discover(self) -> Hits:
        """Offer everything before a letter is typed."""
        for entry in self._entries:
            yield DiscoveryHit(entry.name, entry.run, help=entry.help)

    async def search(self, query: str) -> Hits:
        """Offer what matches the letters typed."""
        matcher = self.matcher(query)
        for spoken in self._spoken(*query.strip().partition(" ")[::2]):
            yield spoken
        for entry in self._entries:
            if (score := matcher.match(entry.name)) > 0:
                yield Hit(score, matcher.highlight(entry.name), entry.run, help=entry.help)
        async for hit in self._objects(query.strip()):
            yield hit

    def _spoken(self, word: str, rest: str) -> Iterator[Hit]:
        """Offer what a word does with the words behind it: a list filtered, control taken, an earlier moment."""
        app = self.app
        if not rest or not isinstance(app, Commanded):
            return
        if word in app.tables:
            yield Hit(1.0, f"list {word} where {rest}", partial(app.go_table, word, rest), help="filtered")
        for name, said, does, about in (
            ("control", "take control:", app.take_control, "the other viewers then look"),
            ("at", "replay at", app.go_back_to, "UTC, as in 14:02 or 2026-11-26T14:02"),
        ):
            if word == name:
                yield Hit(1.0, f"{said} {rest}", partial(does, rest), help=about)

    async def _objects(self, text: str) -> Hits:
        """Offer single rows by name: a request, a GPU, a decision, a trial; the engine is asked once the typing rests."""
        named = any(letter.isdigit() for letter in text.partition(" ")[0])
        if not isinstance(self.app, Commanded) or len(text) < SHORTEST or not named:
            return  # a name holds a digit; the toolkit shows nothing before the slowest search has ended
        await asyncio.sleep(REST)  # the next letter cancels this search
        try:
            found = (await self.app.ask("lookup", text=text))["found"]
        except Refused:
            return  # the palette's other entries need no engine
        for place, each in enumerate(found):
            go = partial(self.app.go_row, each["list"], each["column"], each["key"])
            # never as markup: names come from the wire
            yield Hit(
                OBJECT - place / 1000,
                Content(clean(f"{each['list']} {each['key']}")),
                go,
                help=escape(clean(each["says"])),
            )
