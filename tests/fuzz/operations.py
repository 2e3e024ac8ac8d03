"""What operators hand over and scrapers send: fault plans, soak reports and their status, requests for metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.observe.endpoint import Endpoint
from engine.soak.hand import status
from engine.soak.plan import _read
from engine.soak.report import SCHEMA, load
from state.chain import digest
from tests.fuzz import scratch
from tests.fuzz.target import Reader, Target

PLAN = b'[[fault]]\nname = "kill_worker"\nat = 0.5\n'
REPORT = json.dumps({"schema": SCHEMA, "soak": "a", "gates": []}).encode()
STATUS = b'{"schema": "soak_status/1", "soak": "a", "state": "running"}'
GET = b"GET /metrics HTTP/1.1\r\nHost: localhost:9464\r\nAccept: application/openmetrics-text; version=1.0.0\r\n\r\n"


def plan(data: bytes) -> object:
    return _read(scratch.file("plan.toml", data))


def report(data: bytes) -> object:
    return load(scratch.file("report.json", data))


def sealed(data: bytes) -> object:
    """Read a report whose digest is right for what it says."""
    try:
        told = json.loads(data)
        told["content_sha256"] = digest(
            {key: value for key, value in told.items() if key != "content_sha256"}
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return report(json.dumps(told).encode())


def running(data: bytes) -> object:
    from engine.soak.ground import STATUS, Ground

    scratch.file(STATUS, data)
    return status(Ground(scratch.folder()))


def scrape(data: bytes) -> object:
    """Answer a request's head as the endpoint does; the readings themselves are not ours to mutate."""
    endpoint: Any = Endpoint("127.0.0.1:9464", Path("state"), lambda: None)  # type: ignore[arg-type,return-value]
    endpoint._body = lambda encode, kind: b"up 1"
    answer = endpoint._respond(data + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 "), "no answer of HTTP"
    head = answer.partition(b"\r\n\r\n")[0]
    assert b"\n" not in head.replace(b"\r\n", b""), "a request put a line of its own into the answer"
    return answer


TARGET = Target(
    "operations",
    "fault plans, soak reports and status, requests for metrics",
    (
        Reader("plan", plan, (PLAN, b"fault = 3")),
        Reader("report", report, (REPORT,)),
        Reader("sealed report", sealed, (REPORT,)),
        Reader("status", running, (STATUS,), ()),
        Reader(
            "metrics", scrape, (GET, b"POST / HTTP/1.1", b"GET /metrics HTTP/1.0\r\nHost: evil.example"), ()
        ),
    ),
)
