"""A soak's report, made from its records alone: the same records give the same bytes, and the last record holds their digest."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from engine.errors import BadInput
from engine.soak import kinds
from engine.soak.gate import Verdict
from engine.soak.gates import work
from engine.soak.gates.growth import ANON, CHILDREN, COUNTS, MEMORY, TRAINERS, steady
from engine.soak.gates.table import judge
from engine.soak.ground import PAGE, RAW, REPORT, Ground
from engine.soak.pages import page
from engine.soak.readings import series
from engine.soak.records import Records
from engine.soak.trend import trend
from state import storage
from state.chain import digest
from state.errors import StateError
from state.files import write_atomic
from state.journal import JOURNAL_NAME, Journal
from state.migrations import versions
from state.versions import refusal

SCHEMA = "soak_report/1"
WATCHED = (*MEMORY, *ANON, *COUNTS, *CHILDREN, *TRAINERS)


def facts(records: Records, verdict: Verdict) -> dict[str, Any]:
    """Return the report as plain JSON."""
    begun, plan = records.begun, records.plan
    ended = records.of(kinds.ENDED)
    told = {
        "schema": SCHEMA,
        "id": begun["id"],
        "scenario": plan.scenario,
        "plan": plan.described(),
        "machine": begun["machine"],
        "version": begun["version"],
        "begun": records.of(kinds.BEGUN)[0].at,
        "ended": ended[-1].at if ended else None,
        "why": ended[-1].data["why"] if ended else "still running, or killed",
        "seconds": records.soak[-1].data.get("t", 0.0) if records.soak else 0.0,
        "passed": verdict.passed and bool(ended) and ended[-1].data["why"] == "done",
        "failed": list(verdict.failed),
        "short": list(verdict.short),
        "gates": [gate.plain() for gate in verdict.gates],
        "work": work.counts(records),
        "truth": begun["truth"],
        "probes": probes(records),
        "trends": trends(records),
        "halts": [_kept(event.data, ("t", "during", "seconds", "busy")) for event in records.of(kinds.HALT)],
        "faults": _faults(records),
        "deaths": [event.data for event in records.of(kinds.DAEMON) if event.data["what"] == "died"],
        "anchors": {
            "soak": {"seq": records.soak[-1].seq, "head": records.soak[-1].hash},
            "room": {"seq": records.room[-1].seq, "head": records.room[-1].hash} if records.room else None,
        },
    }
    return {**told, "content_sha256": digest(told)}


def _kept(data: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: data.get(name) for name in names}


def _faults(records: Records) -> list[dict[str, Any]]:
    did = {event.data["n"]: event.data for event in records.of(kinds.FAULT)}
    return [
        {**_kept(event.data, ("n", "name", "t", "seconds", "holds", "findings", "skipped")), "did": did.get(event.data["n"], {}).get("did"),
         "must": did.get(event.data["n"], {}).get("must")}
        for event in records.of(kinds.RECOVERED)
    ]  # fmt: skip


def probes(records: Records) -> dict[str, dict[str, float]]:
    """Return for every probe what it read first and last, its lowest, middle and highest reading, and how many there are."""
    return {
        name: {"first": points[0][1], "last": points[-1][1], "lowest": min(values), "median": median(values),
               "highest": max(values), "readings": len(points)}
        for name, points in series(records).items()
        if (values := [value for _, value in points]) and not name.endswith(".pid")
    }  # fmt: skip


def trends(records: Records) -> dict[str, dict[str, float]]:
    """Return the slope per hour of every probe with a limit, as far as there is one."""
    found = {}
    for limit in WATCHED:
        times, values = steady(records, limit)
        one = trend(times, values, of=limit.of)
        if one is not None:
            found[limit.probe] = {**vars(one), "limit": limit.most}
    return found


def publish(ground: Ground) -> tuple[dict[str, Any], bool]:
    """Judge a soak, write report.json, report.html and the raw readings, and anchor them in its journal; return the report and whether it passed."""
    told, records = made(ground)
    write_atomic(ground.path / REPORT, (json.dumps(told, indent=1) + "\n").encode())
    write_atomic(ground.path / PAGE, page(told, records).encode())
    write_atomic(ground.path / RAW, raw(records))
    with Journal.open(ground.path) as journal:
        last = journal.last([kinds.VERDICT])
        if last is None or last.data["report"] != told["content_sha256"]:
            verdict = {
                "passed": told["passed"],
                "failed": told["failed"],
                "short": told["short"],
                "report": told["content_sha256"],
            }
            journal.append(
                kinds.VERDICT, verdict | {"room": told["anchors"]["room"], "soak": told["anchors"]["soak"]}
            )
    return told, bool(told["passed"])


def made(ground: Ground) -> tuple[dict[str, Any], Records]:
    """Return a soak's report as its records give it now, and the records."""
    try:
        for directory in (ground.path, ground.room):
            _brought_up(directory)
        records = Records.load(ground.path, ground.room)
    except StateError as error:
        raise BadInput(f"{ground.path}: its records cannot be read: {error}") from error
    return facts(records, judge(records)), records


def _brought_up(directory: Path) -> None:
    """Bring the journal of an earlier version up to this one, as a start of the engine would; the chain stays as it is."""
    if storage.version(directory / JOURNAL_NAME) < max(versions()):
        Journal.open(directory).close()


def on_record(ground: Ground) -> str | None:
    """Return the digest of the report that the soak's journal holds."""
    with Journal.read_only(ground.path) as journal:
        last = journal.last([kinds.VERDICT])
    return None if last is None else str(last.data["report"])


def raw(records: Records) -> bytes:
    """Return all readings as gzipped CSV: t, probe columns; a reading that could not be taken is empty. No time stamp in it."""
    names = list(series(records))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["t", "steady", *names])
    for event in records.of(kinds.READING):
        values = event.data["values"]
        rows.writerow(
            [event.data["t"], int(event.data["steady"]), *(_short(values.get(name)) for name in names)]
        )
    return gzip.compress(text.getvalue().encode(), mtime=0)


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def load(path: Path) -> dict[str, Any]:
    """Read a report.json, wherever it lies; BadInput where it is none, or was changed."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: cannot be read as a report: {error}") from error
    if not isinstance(told, dict) or "schema" not in told:
        raise BadInput(f"{path}: is not a {SCHEMA}; `mimicry soak report ID` writes one")
    if (why := refusal(told["schema"], SCHEMA, older="`mimicry soak report ID` writes it again")) is not None:
        raise BadInput(f"{path}: {why}")
    rest = {key: value for key, value in told.items() if key != "content_sha256"}
    if digest(rest) != told.get("content_sha256"):
        raise BadInput(
            f"{path}: was changed after it was written: its content does not give its content_sha256"
        )
    return told
