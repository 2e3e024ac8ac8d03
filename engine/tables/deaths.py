"""How workers on rigs ended, newest first: code, first cause, where in their life, last words, what the kernel said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.tables.log import Log
from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    pass

ATTEMPT = "rig.attempt"


def _row(data: dict[str, Any]) -> Row:
    words = ("worker", "pci", "number", "seconds", "code", "phase", "cause")
    last = (data["stderr"].strip().splitlines() or [None])[-1]
    return {word: data[word] for word in words} | {"stderr": last, "kernel": (data["kernel"] or [None])[-1]}


LOG = Log(ATTEMPT, lambda event: {"id": event.seq, "at": event.at, **_row(event.data)})
DEATHS = Table(
    "deaths",
    "Deaths",
    (
        Column("id", "ID", "number"),
        Column("at", "AT", "time"),
        Column("worker", "WORKER"),
        Column("pci", "PCI"),
        Column("number", "TRY", "number", help="which start of this worker it was"),
        Column("seconds", "LIVED", "number", "s"),
        Column(
            "code",
            "CODE",
            "number",
            help="exit code, negative for a signal; none where the link was lost first",
        ),
        Column("phase", "PHASE", "state", help="how far it had come"),
        Column("cause", "CAUSE", help="the first one known"),
        Column("stderr", "LAST WORDS", help="last line of its stderr; the record keeps 4 KiB"),
        Column("kernel", "KERNEL", help="last line of the kernel's log meanwhile; the record keeps 20"),
    ),
    LOG.newest,
    past=LOG.past,
    log=LOG,
    empty="no worker on a rig has ended yet",
)
