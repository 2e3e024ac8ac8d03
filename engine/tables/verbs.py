"""What the socket answers about lists: a page of a table, one row with its story, the catalog, and series of readings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.status import host_name
from engine.tables.catalog import TABLES, table
from engine.tables.log import Curve
from engine.tables.lookup import lookup
from engine.tables.policy_diff import ACTIVE, policy_diff
from engine.tables.study import study
from engine.tables.survivors import ARTIFACTS
from engine.tables.table import Window
from engine.verb_arguments import only, whole
from engine.vitals.slope import theil_sen

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.protocol import Command
    from engine.server import Handler

MOST_ROWS = 1000
MOST_SKIP, SORTED_SKIP = 10_000_000, 4000
MEASURED = [name for name, each in TABLES.items() if each.log is not None and each.log.measured]
MOST_SERIES, MOST_POINTS = 16, 2000


def table_verbs(desk: Desk) -> Mapping[str, Handler]:
    """Return the handlers by verb."""

    curves: dict[str, Curve] = {}

    async def tables(command: Command, by: str) -> dict[str, Any]:
        only(command)
        return {"tables": [each.head for each in TABLES.values()]}

    async def page(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, name=None, filter="", sort="", limit=20, at=None, skip=0)
        for word in ("filter", "sort"):
            if not isinstance(asked[word], str):
                raise UsageError(f"table: {word} {asked[word]!r} is not text")
        limit = whole("limit", asked["limit"], MOST_ROWS)
        at = None if asked["at"] is None else whole("at", asked["at"], 2**62)
        skip = 0 if asked["skip"] == 0 else whole("skip", asked["skip"], MOST_SKIP)
        if skip > SORTED_SKIP and (asked["filter"].strip() or asked["sort"]):
            raise UsageError(
                f"table: skip {skip}: at most {SORTED_SKIP} rows into a filtered or sorted list; filter it further"
            )
        window = Window(asked["filter"], asked["sort"], limit, MOST_ROWS, at, skip)
        return await table(asked["name"]).wide_page(desk, window)

    async def curve(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, name=None, points=400, at=None)
        log = table(asked["name"]).log
        if log is None or not log.measured:
            raise UsageError(f"curve: {asked['name']!r} has none; lists with one: {', '.join(MEASURED)}")
        points = whole("points", asked["points"], MOST_POINTS)
        kept = curves.setdefault(asked["name"], Curve(log))
        more = True
        while more:  # the loop goes on between the parts of a long list
            more = kept.read_on(desk.journal)
            await asyncio.sleep(0)
        return kept.drawn(points, None if asked["at"] is None else whole("at", asked["at"], 2**62))

    async def row(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, name=None, key=None, at=None)
        at = None if asked["at"] is None else whole("at", asked["at"], 2**62)
        return table(asked["name"]).row(desk, str(asked["key"]), most=MOST_ROWS, at=at)

    async def series(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, names=[], seconds=30, count=60, until=None)
        seconds = whole("seconds", asked["seconds"], 86_400)
        count = whole("count", asked["count"], MOST_POINTS)
        known = desk.journal.samples.names()
        names, until = asked["names"], None
        if asked["until"] is not None:
            until = _moment(asked["until"])
        if (
            not isinstance(names, list)
            or len(names) > MOST_SERIES
            or any(name not in known for name in names)
        ):
            raise UsageError(
                f"series: names {names!r}: at most {MOST_SERIES} of {', '.join(known) or 'none yet'}"
            )
        return {
            "schema": "series/1",
            "names": known,
            "series": {name: _readings(desk, name, seconds, count, until) for name in names},
        }

    async def past(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, start=None, step=-1, at=None)
        if not isinstance(asked["at"], str | None):
            raise UsageError(f"past: at {asked['at']!r} is an ISO time")
        if asked["step"] not in (-1, 1) or not isinstance(asked["start"], int | None):
            raise UsageError(f"past: step {asked['step']!r} is -1 or 1, start an event's number")
        seq = desk.past.seek(asked["start"], asked["step"], asked["at"])
        shot = desk.past.snapshot(seq, host=host_name(), test_mode=desk.board.test_mode)
        return shot.model_dump(mode="json", by_alias=True)

    async def trace(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, survivor="1")
        from engine.pipeline.trace import trace as follow

        return await asyncio.to_thread(follow, desk.state / ARTIFACTS, str(asked["survivor"]))

    async def studied(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, at=None)
        at = None if asked["at"] is None else whole("at", asked["at"], 2**62)
        return await asyncio.to_thread(study, desk, at)

    async def scores(command: Command, by: str) -> dict[str, Any]:
        only(command)
        return await asyncio.to_thread(_scores, desk.state / ARTIFACTS)

    async def looked_up(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, text="")["text"]
        if not isinstance(asked, str):
            raise UsageError(f"lookup: text {asked!r} is not text")
        return await lookup(desk, asked)

    async def compared(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, a=ACTIVE, b=ACTIVE)
        return policy_diff(desk.acceptance, str(asked["a"]), str(asked["b"]))

    return {
        "policy_diff": compared, "past": past, "tables": tables, "table": page, "row": row, "series": series, "curve": curve, "trace": trace,
        "study": studied, "scores": scores, "lookup": looked_up,
    }  # fmt: skip


def _scores(directory: Path) -> dict[str, Any]:
    from engine.pipeline.score_spread import score_spread  # brings numpy: never on the loop

    return score_spread(directory)


def _moment(text: object) -> float:
    """Return an ISO time as seconds since 1970; UsageError for anything else."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError):
        raise UsageError(
            f"series: until {text!r:.60} is not an ISO time such as 2026-01-01T00:00:00Z"
        ) from None


def _readings(desk: Desk, name: str, seconds: int, count: int, until: float | None) -> dict[str, Any]:
    """Return one series as cells of `seconds`, with its slope per hour over the same window."""
    values = desk.journal.samples.grid(name, seconds=seconds, count=count, now=until)
    points = [(index * seconds, value) for index, value in enumerate(values) if value is not None]
    slope = theil_sen([at for at, _ in points], [value for _, value in points])
    return {
        "seconds": seconds,
        "values": values,
        "per_hour": slope and slope.per_hour,
        "lo": slope and slope.lo * 3600.0,
        "hi": slope and slope.hi * 3600.0,
        "flat": slope and slope.flat,
    }
