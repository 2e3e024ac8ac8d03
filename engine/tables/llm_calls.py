"""The advisor's calls as a table: what was asked, who answered, how long it took, what it cost, and why an earlier source did not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk

KIND = "llm.call"


def _rows(desk: Desk, most: int) -> list[Row]:
    return [
        {"id": event.data["id"], "at": event.at, "question": event.data["question"], "kind": event.data.get("kind"), "about": event.data["about"] or None,
         "by": event.data["by"], "source": event.data["source"], "seconds": event.data["seconds"],
         "prompt": event.data["prompt_tokens"], "tokens": event.data["tokens"], "speed": event.data["tokens_per_second"],
         "tries": event.data["attempts"], "usd": event.data["usd"] or None, "cut": len(event.data["cut"]) or None,
         "outcome": event.data["outcome"][:160], "why": event.data["why"] or None, "file": event.data["file"]}
        for event in desk.journal.newest([KIND], most)
    ]  # fmt: skip


LLM_CALLS = Table(
    "llm_calls",
    "Advisor calls",
    (
        Column("id", "ID"),
        Column("at", "AT", "time"),
        Column("question", "QUESTION"),
        Column("kind", "KIND", help="kind of the context"),
        Column("about", "ABOUT", help="the request, run or trigger that it concerns"),
        Column("by", "BY"),
        Column("source", "SOURCE", "state", help="llm = the local model, claude, none = nobody answered"),
        Column("seconds", "TOOK", "number", unit="s"),
        Column("prompt", "PROMPT", "number", unit="tokens"),
        Column("tokens", "ANSWER", "number", unit="tokens"),
        Column("speed", "SPEED", "number", unit="tokens/s"),
        Column("tries", "TRIES", "number", help="raw answers heard, valid or not"),
        Column("usd", "USD", "number"),
        Column("cut", "CUT", "number", help="parts of the context that were cut"),
        Column("outcome", "OUTCOME"),
        Column("why", "WHY", help="what a source that did not answer said"),
        Column("file", "FILE", help="the whole exchange, under the state directory"),
    ),
    _rows,
    empty="no question was asked yet; the watcher asks after every step, `mimicry llm ask` by hand",
)
