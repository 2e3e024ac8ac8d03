"""The study that runs or ran last: how its trials ended, the best one, what each parameter moved, and what was kept when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.evidence.importance import importance
from engine.tables.trials import ASKED, FINISHED

if TYPE_CHECKING:
    from engine.desk import Desk
    from state.chain import Event

SCHEMA = "study/1"
MOST = 1000
"""Trials that are looked at, the newest."""
KEPT = {"chunk.done": "chunk", FINISHED: "trial", "step.finished": "step", "selfplay.episode": "episode"}
"""Events after which a halt or a crash loses nothing that was before them."""


def study(desk: Desk, at: int | None = None) -> dict[str, Any]:
    """Return `study/1`, as of event `at`; every number is None or empty while there is no trial."""
    newest = desk.journal.newest((ASKED, FINISHED), 1, upto=at)
    told: dict[str, Any] = {
        "schema": SCHEMA, "run": None, "step": None, "complete": 0, "pruned": 0, "running": 0, "cut": False,
        "best": None, "importance": [], "checkpoint": checkpoint(desk, at),
    }  # fmt: skip
    return told | (_of(desk, newest[0], at) if newest else {})


def _of(desk: Desk, last: Event, at: int | None) -> dict[str, Any]:
    key = last.data["study"]
    read = desk.journal.newest((FINISHED,), MOST, upto=at)
    ended = [event.data for event in read if event.data["study"] == key]
    done = {data["trial"] for data in ended}
    asked = {
        event.data["trial"]
        for event in desk.journal.newest((ASKED,), len(ended) + 100, upto=at)
        if event.data["study"] == key
    }
    whole = [data for data in ended if data["state"] == "complete"]
    best = max(ended, key=lambda data: (data["value"], -data["trial"]), default=None)
    shares = importance([data["params"] for data in whole], [data["value"] for data in whole])
    return {
        "run": last.data["run"],
        "step": last.data["step"],
        "complete": len(whole),
        "pruned": len(ended) - len(whole),
        "running": len(asked - done),
        "cut": len(ended) == MOST,
        "best": best and {name: best[name] for name in ("trial", "value", "params")},
        "importance": [{"name": name, "share": round(share, 4)} for name, share in shares.items()],
    }


def checkpoint(desk: Desk, at: int | None = None) -> dict[str, Any] | None:
    """Return the newest piece of work that is kept: what it is, its event and when; None before the first."""
    found = desk.journal.newest(tuple(KEPT), 1, upto=at)
    if not found:
        return None
    return {"what": KEPT[found[0].kind], "seq": found[0].seq, "at": found[0].at}
