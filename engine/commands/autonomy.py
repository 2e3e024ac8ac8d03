"""Verbs: what the engine decided, why, and what waits. Each imports what it needs inside itself."""

from __future__ import annotations

import json

from engine.commands.listing import LISTING, listing
from engine.commands.options import JSON
from engine.commands.talk import call, show
from engine.commands.verb import Arguments, Verb


def decisions(arguments: Arguments) -> int:
    """List the watcher's decisions, newest first."""
    return listing(arguments, "decisions")


def explain(arguments: Arguments) -> int:
    """Print the whole chain behind one decision."""
    data = call(arguments, "explain", id=arguments.number)
    return show(arguments, data, lambda: json.dumps(data, indent=1, ensure_ascii=False))


def requests(arguments: Arguments) -> int:
    """List requests and why each waits or how it ended."""
    return listing(arguments, "requests")


VERBS: tuple[Verb, ...] = (
    Verb("decisions", decisions, "what the watcher decided, newest first", LISTING),
    Verb("explain", explain, "the whole chain behind decision N", [(("number",), {"type": int, "metavar": "N", "help": "decision id"}), JSON]),
    Verb("requests", requests, "the queue, and why each request waits", LISTING),
)  # fmt: skip
