"""The advisor's calls as a table: what was asked, who answered, how long it took, what it cost, and why an earlier source did not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tables.log import Log
from engine.tables.table import Act, Column, Row, Table

if TYPE_CHECKING:
    from state.chain import Event

KIND = "llm.call"


def _row(event: Event) -> Row:
    data = event.data
    return {
        "id": data["id"], "at": event.at, "question": data["question"], "kind": data.get("kind"), "about": data["about"] or None,
        "by": data["by"], "source": data["source"], "seconds": data["seconds"],
        "prompt": data["prompt_tokens"], "tokens": data["tokens"], "speed": data["tokens_per_second"],
        "tries": data["attempts"], "usd": data["usd"] or None, "cut": len(data["cut"]) or None,
        "outcome": data["outcome"][:160], "why": data["why"] or None, "file": data["file"],
    }  # fmt: skip


LOG = Log(KIND, _row, measured="seconds")
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
    LOG.newest,
    past=LOG.past,
    log=LOG,
    acts=(Act("T", "llm_again", "ask again, dry,", reason=False),),
    empty="no question was asked yet; the watcher asks after every step, `mimicry llm ask` by hand",
)
