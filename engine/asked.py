"""What a run was asked and on which draws, by digest in its journal, so that neither file can change under a resume or a report."""

from __future__ import annotations

import json
from pathlib import Path

from engine.errors import BadInput
from engine.runs import SPEC
from state.chain import digest
from state.journal import Journal

ASKED = "analysis.asked"
HISTORY = "history.jsonl"


def note(directory: Path, draws: str, journal: Journal) -> None:
    """Record the digests of the run's order and of its draws."""
    journal.append(ASKED, {"order": _order(directory), "history": draws})


def must_hold(directory: Path, draws: str, journal: Journal) -> None:
    """Refuse an order or draws that are not those on record; BadInput names the file. What an older version recorded names none."""
    last = journal.last([ASKED])
    if last is not None:
        must_be(directory / SPEC, _order(directory), last.data["order"])
        must_be(directory / HISTORY, draws, last.data["history"])


def must_be(path: Path, found: str, named: str | None) -> None:
    """Refuse a file whose digest is not the one that the journal names."""
    if named not in (None, found):
        raise BadInput(
            f"{path}: was changed: its digest is {found[:12]}, the journal names {named[:12]}; put it back, or start a new run"
        )


def _order(directory: Path) -> str:
    """Return the digest of the order as it is written, without what `--resume` may give anew."""
    asked = json.loads((directory / SPEC).read_bytes())
    return digest(asked | {"workers": None, "space": asked["space"] | {"time_limit": None}})
