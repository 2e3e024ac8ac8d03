"""What is kept of fuzzing: the book of runs that adds up, and the few inputs that together reach every line any of them reached."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.target import CORPUS, ROOMS, Target, bounded, judge

BOOK = Path(__file__).parent / "index.json"
SCHEMA = "fuzz_index/1"
LARGEST = 2048
"""Bytes of an input that is kept; what only a longer one reaches is not."""
ROOT = str(Path(__file__).parents[2])
Line = tuple[str, int]


@dataclass(frozen=True)
class Run:
    """One coverage-guided run of one target."""

    target: str
    version: str
    revision: str
    at: str
    cpu_minutes: float
    wall_minutes: float
    executions: int
    edges: int
    findings: int
    load: float
    """Load average over the last 15 minutes at its end."""


def runs() -> list[Run]:
    """Return every run of the book."""
    return [Run(**one) for one in json.loads(BOOK.read_text())["runs"]] if BOOK.exists() else []


def totals(book: Iterable[Run]) -> dict[str, dict[str, float]]:
    """Return CPU hours by target and version, and over all."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for run in book:
        for target in (run.target, "all"):
            found[target][run.version] += run.cpu_minutes / 60
            found[target]["all"] += run.cpu_minutes / 60
    return {
        target: {version: round(hours, 4) for version, hours in sorted(by.items())} for target, by in sorted(found.items())
    }  # fmt: skip


def enter(run: Run) -> None:
    """Add a run to the book."""
    book = [*runs(), run]
    record = {"schema": SCHEMA, "cpu_hours": totals(book), "runs": [asdict(one) for one in book]}
    BOOK.write_text(json.dumps(record, indent=1) + "\n")


def keep(target: Target, inputs: Iterable[bytes]) -> int:
    """Replace the committed corpus by a few inputs that together reach all lines which any input reaches; regressions stay."""
    folder = CORPUS / target.name
    folder.mkdir(parents=True, exist_ok=True)
    old = {path: path.read_bytes() for path in target.corpus()}
    regressions = {data for path, data in old.items() if path.name.startswith("regression-")}
    candidates = {data for data in (*inputs, *old.values()) if len(data) <= LARGEST} - regressions
    kept = cover({(target.reader(data).name, data): lines(target, data) for data in candidates})
    for path in old:
        if not path.name.startswith("regression-"):
            path.unlink()
    for data in kept:
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    return len(kept)


def cover(reached: Mapping[tuple[str, bytes], set[Line]]) -> list[bytes]:
    """Return inputs, each the one that adds most (the shortest of those), until none adds a line of its reader's."""
    left = {key: set(found) for key, found in reached.items()}
    kept: list[bytes] = []
    while left:
        reader, data = max(left, key=lambda key: (len(left[key]), -len(key[1]), key[1]))
        best = left.pop((reader, data))
        if not best:
            break
        kept.append(data)
        for key, found in left.items():
            if key[0] == reader:
                found -= best
    return kept


def lines(target: Target, data: bytes) -> set[Line]:
    """Return the lines of ours that an input reaches."""
    found: set[Line] = set()
    watched: dict[str, bool] = {}

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if name not in watched:
            watched[name] = any(name.startswith(f"{ROOT}/{room}/") for room in ROOMS)
        if not watched[name]:
            return None
        found.add((name, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with bounded(10.0):
            judge(target, data)
    finally:
        sys.settrace(before)
    return found
