"""The trials of the studies as a table: what each tried, what it earned beside its null twins, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.tables.log import Log
from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk

ASKED, FINISHED = "trial.asked", "trial.finished"
MOST_TEXT = 200
NEWEST = 200
"""Events among which trials that run are looked for."""


def _running(desk: Desk, upto: int | None) -> list[Row]:
    """Return the trials that were asked and have not ended: among the newest, for no study leaves one behind for long."""
    ended: set[tuple[str, int]] = set()
    rows: list[Row] = []
    for event in desk.journal.newest((ASKED, FINISHED), NEWEST, upto=upto):
        key = (event.data["study"], event.data["trial"])
        if event.kind == FINISHED:
            ended.add(key)
        elif key not in ended:
            rows.append(_row(event.data, event.at))
    return rows


def _row(told: Mapping[str, Any], at: str) -> Row:
    """Return a trial's row; one that was asked and has not ended has no value yet."""
    detail = told.get("detail", {})
    return {
        "id": f"{told['run']} {told['step']}/{told['trial']}", "at": at, "run": told["run"], "step": told["step"],
        "trial": told["trial"], "state": told.get("state", "asked"), "value": told.get("value"),
        "best": detail.get("best"), "null": max(detail["null_best"]) if "null_best" in detail else None,
        "threshold": detail.get("threshold"), "hits": detail.get("hits"), "expected": detail.get("expected_false"),
        "seconds": told.get("seconds"), "params": params(told["params"]),
    }  # fmt: skip


def params(told: Mapping[str, Any]) -> str:
    """Return parameters as one line."""
    shown = (
        f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in told.items()
    )
    return " ".join(shown)[:MOST_TEXT]


LOG = Log(
    FINISHED, lambda event: _row(event.data, event.at), _running, measured="value", marked=("state", "pruned")
)
TRIALS = Table(
    "trials",
    "Trials",
    (
        Column("id", "ID"),
        Column("at", "AT", "time"),
        Column("run", "RUN"),
        Column("step", "STEP"),
        Column("trial", "TRIAL", "number"),
        Column("state", "STATE", "state", help="asked, complete, or pruned by the median of those before"),
        Column("value", "BITS", "number", "bits", "evidence over the null twins, the number of trials paid"),
        Column("best", "BEST", "number", help="most matches in the window"),
        Column("null", "NULL", "number", help="most matches that a null twin reached in the same pass"),
        Column("threshold", "THRESHOLD", "number", help="matches that a survivor needs"),
        Column("hits", "HITS", "number", help="survivors; their number is no evidence"),
        Column("expected", "BY CHANCE", "number", help="survivors that chance leaves"),
        Column("seconds", "TOOK", "number", "s"),
        Column("params", "PARAMETERS"),
    ),
    LOG.newest,
    past=LOG.past,
    log=LOG,
    empty="no trial yet; steps 1 and 2.5 make them, `mimicry pipeline` asks for steps",
)
