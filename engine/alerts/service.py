"""Looks at the room every two seconds and records what changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from engine.alerts.book import Book
from engine.alerts.rules import Monitor, Rule, Sight

EVERY = 2.0


async def watch(
    book: Book, rules: tuple[Rule, ...], sight: Callable[[], Sight], *, every: float = EVERY
) -> None:
    """Step the rules forever; what stood before this start is not raised again."""
    names = {rule.name for rule in rules}
    monitor = Monitor(rules, {key for key in book.firing() if key.partition(":")[0] in names})
    while True:
        await asyncio.sleep(every)
        for change in monitor.step(time.monotonic(), sight()):
            book.change(change.raised, change.key, change.level, change.text, change.value, change.limit)
