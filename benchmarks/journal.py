"""A journal of a year of draws and ten million records: made, then start-up and queries measured beside an empty room's.

python benchmarks/journal.py make DIR [--events N] [--draws N]     write one (ten million records: minutes, 6 GB)
python benchmarks/journal.py measure DIR [--limit-ms 50]           start the daemon on it, ask everything, print a table
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.client import call
from engine.errors import MimicryError, Unreachable
from engine.feedback.diagnostics import Health
from engine.history.store import Arrival, DrawStore
from engine.watcher.decision import Case, decide
from engine.watcher.evaluation import EvidenceRow
from engine.watcher.record import record_decision
from engine.watcher.retry import Budget
from state.chain import canonical
from state.journal import JOURNAL_NAME, LINK_KEYS, Journal

DRAWS, EVENTS = 525_600, 10_000_000
"""A draw a minute for a year, and about nineteen records a draw."""
BATCH = 20_000
ASKED = 9
BOOT = "0f0e0d0c-0b0a-4908-8706-050403020100"
PROJECTED = {
    "requests": 21, "decisions": 16, "runs": 13, "chunks": 7, "bill": 4, "pools": 5, "judgements": 7,
}  # fmt: skip
"""Columns of the tables that records are projected into."""


class Maker:
    """Writes records in the journal's own format, chained, many a transaction; only the way of writing is not the daemon's."""

    def __init__(self, directory: Path, started: datetime, minutes: float) -> None:
        with Journal.open(directory) as journal:
            self.seq, self.head = journal.seq, journal.head
        self.db = sqlite3.connect(directory / JOURNAL_NAME, isolation_level=None)
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute("PRAGMA cache_size = -500000")
        self._events: list[tuple[Any, ...]] = []
        self._links: list[tuple[str, int, str]] = []
        self._rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in PROJECTED}
        self._started, self._step = started, timedelta(minutes=minutes)
        self.at = ""
        self.draw = -1

    def next_draw(self) -> None:
        """Go to the time of the next draw."""
        self.draw += 1
        self.at = (
            (self._started + self.draw * self._step).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )

    def event(self, kind: str, data: dict[str, Any]) -> int:
        """Chain one record; the text that is hashed is the canonical one, put together by hand for speed."""
        self.seq += 1
        text, mono = canonical(data), float(self.seq)
        record = f'{{"at":"{self.at}","boot":"{BOOT}","data":{text},"kind":"{kind}","mono":{mono!r},"seq":{self.seq}}}'
        own = hashlib.sha256((self.head + record).encode("ascii")).hexdigest()
        self._events.append((self.seq, self.at, BOOT, mono, kind, text, self.head, own))
        self._links += [(str(data[key]), self.seq, key) for key in LINK_KEYS if data.get(key) is not None]
        self.head = own
        return self.seq

    def row(self, table: str, *values: Any) -> None:
        """Project a row."""
        self._rows[table].append(values)

    def flush(self, *, force: bool = False) -> None:
        """Write what has gathered, once there is enough of it."""
        if len(self._events) < BATCH and not force:
            return
        self.db.execute("BEGIN")
        self.db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._events)
        self.db.executemany("INSERT OR IGNORE INTO links VALUES (?, ?, ?)", self._links)
        for table, columns in PROJECTED.items():
            marks = ", ".join("?" * columns)
            self.db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", self._rows[table])
            self._rows[table].clear()
        self.db.execute("UPDATE tip SET seq = ?, hash = ?", (self.seq, self.head))
        self.db.execute("COMMIT")
        self._events.clear()
        self._links.clear()


def make(directory: Path, events: int, draws: int) -> None:
    """Write the journal and the draws."""
    started = datetime.now(UTC) - timedelta(days=365)
    _draws(directory, draws, started)
    maker = Maker(directory, started, 365 * 1440 / draws)
    began = time.monotonic()
    work = _work(maker)
    for number in range(draws):
        maker.next_draw()
        _draw(maker, number)
        while maker.seq < events * (number + 1) // draws:
            next(work)
        maker.flush()
        if number % (draws // 20 or 1) == 0:
            print(f"{maker.seq:>12,} records  {time.monotonic() - began:7.1f} s", flush=True)
    health = Health()
    maker.event(
        "learning.health",
        {
            **health.summary(),
            "epoch": 0,
            "since": 0,
            "trigger": None,
            "health": health.model_dump(mode="json"),
            "watch": None,
        },
    )
    maker.db.execute(
        "INSERT OR REPLACE INTO cursors VALUES ('feedback.draws', ?, ?)", (json.dumps(draws), maker.seq)
    )
    maker.flush(force=True)
    _samples(maker.db)
    maker.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    maker.db.close()
    finish(directory)
    size = sum(path.stat().st_size for path in directory.glob(f"{JOURNAL_NAME}*")) / 1e9
    print(f"{maker.seq:,} records, {draws:,} draws, {size:.2f} GB, {time.monotonic() - began:.0f} s")


def _draws(directory: Path, draws: int, started: datetime) -> None:
    store = DrawStore.open(directory / "history")
    if not len(store):
        for first in range(0, draws, 50_000):
            store.append(
                Arrival((n * 2_654_435_761) % 1000, started + timedelta(minutes=n))
                for n in range(first, min(draws, first + 50_000))
            )
    store.close()


def _draw(maker: Maker, number: int) -> None:
    """Write what the live loop records for every draw."""
    pool = {
        "schema": "prediction_pool/1", "for_draw": number, "range": [0, 999], "uniform": False, "basis": "evidence",
        "heads": [[(number * k) % 1000, 0.05] for k in range(1, 21)], "sha256": f"{number:064x}",
    }  # fmt: skip
    seq = maker.event("pool.committed", {"for_draw": number, "sha256": pool["sha256"], "pool": pool})
    maker.row("pools", number, seq, maker.at, pool["sha256"], canonical(pool))
    maker.event("draws.arrived", {"first": number, "last": number, "source": "bench"})
    score = {
        "log": -6.9,
        "brier": 0.99,
        "rank": number % 1000,
        "hit": number % 50 == 0,
        "chance": 0.02,
        "pool": 20,
    }
    own = maker.event(
        "draw.judged",
        {
            "for_draw": number,
            "value": number % 1000,
            "forecast": True,
            "score": score,
            "pool": pool["sha256"],
            "pool_seq": seq,
        },
    )
    maker.row("judgements", number, number % 1000, 1, seq, canonical(score), maker.at, own)
    maker.event("cursor.set", {"name": "feedback.draws", "value": number + 1})
    maker.event(
        "learning.health",
        {
            "draws": number,
            "hits": number // 50,
            "log_score": -6.9,
            "trigger": None,
            "epoch": 0,
            "since": 0,
            "note": "x" * 300,
        },
    )


def _work(maker: Maker) -> Iterator[None]:
    """Write what requests leave behind, one record at a time: moves, runs, bills, chunks, trials, steps, decisions, alerts."""
    for n in itertools.count(1):
        request, run, sweep = f"r-{n}", f"run-{n:04d}", f"sweep-{n}"
        at, kind = maker.at, "pipeline_rerun"
        maker.event(
            "request.queued",
            {
                "request": request,
                "kind": kind,
                "origin": "history",
                "args": {},
                "why": "queued",
                "priority": 50,
                "key": f"k{n}",
                "cause": None,
                "needs": [],
            },
        )
        yield
        for state in ("claimed", "running"):
            maker.event(
                f"request.{state}",
                {"request": request, "from": "queued", "why": state, "run": run, "result": None},
            )
            yield
        first = maker.event(
            "run.running",
            {"run": run, "kind": kind, "spec": {"draws": maker.draw}, "request": request, "cause": request},
        )
        yield
        for chunk in range(400):
            key = f"{run}:{sweep}:{chunk}"
            own = maker.event(
                "bill.charged",
                {"key": key, "hypotheses": str(1 << 20), "detail": {"family": "lcg48/java", "run": run}},
            )
            maker.row("bill", key, str(1 << 20), "{}", own)
            yield
            meta = {"tested": 1 << 20, "seconds": 0.4, "worker": "cpu-0", "canary": "found"}
            own = maker.event(
                "chunk.done",
                {"sweep": sweep, "index": chunk, "digest": f"{own:064x}", "meta": meta, "bytes": 64},
            )
            maker.row("chunks", sweep, chunk, '{"lo":0}', f"{own:064x}", canonical(meta), b"x" * 64, own)
            yield
            if chunk % 8 == 0:
                maker.event(
                    "trial.asked",
                    {
                        "run": run,
                        "study": "step1",
                        "step": "1",
                        "trial": chunk // 8,
                        "params": {f"p{k}": 0.5 for k in range(10)},
                    },
                )
                yield
                maker.event(
                    "trial.finished",
                    {
                        "run": run,
                        "study": "step1",
                        "step": "1",
                        "trial": chunk // 8,
                        "state": "complete",
                        "value": 1.5,
                        "reports": [0.1] * 6,
                        "seconds": 0.4,
                    },
                )
                yield
        for step in ("1", "2.5", "3", "4", "5", "6"):
            maker.event("run.step", {"run": run, "step": step, "status": "done", "detail": {"seconds": 1.0}})
            yield
            maker.event(
                "step.finished",
                {
                    "run": run,
                    "step": step,
                    "parameters": {f"p{k}": k for k in range(40)},
                    "artifacts": {},
                    "findings": [],
                },
            )
            yield
            number = 6 * (n - 1) + ("1", "2.5", "3", "4", "5", "6").index(step) + 1
            evidence = [
                {"metric": f"m{k}", "op": ">=", "value": 1.0, "limit": 0.5, "ok": True, "note": ""}
                for k in range(5)
            ]
            told = {
                "decision": f"d-{number}",
                "step": step,
                "action": "PROCEED",
                "run": run,
                "request": request,
                "cause": request,
                "evidence": evidence,
            }
            own = maker.event("decision", told)
            maker.row(
                "decisions",
                number,
                at,
                step,
                "PROCEED",
                None,
                "all evidence holds",
                "m0",
                "evidence",
                "code",
                '"none(not configured)"',
                canonical(evidence),
                "[]",
                run,
                request,
                request,
                own,
            )
            yield
            maker.event(
                "decision.case",
                {"decision": f"d-{number}", "latency_ms": 1.0, "case": {"padding": "y" * 1200}},
            )
            yield
        if n % 3 == 0:
            maker.event(
                "alert.raised",
                {
                    "key": f"lag:engine{n % 50}",
                    "level": "warn",
                    "text": "late",
                    "value": 600.0,
                    "limit": 500.0,
                },
            )
            yield
            maker.event(
                "alert.cleared",
                {"key": f"lag:engine{n % 50}", "text": "late no more", "value": 100.0, "limit": 250.0},
            )
            yield
        maker.event(
            "fingerprint.recorded",
            {
                "fingerprint": f"{n:064x}",
                "data": f"{n % 1000:064x}",
                "families": ["all"],
                "mappings": ["native"],
                "parameters": {},
                "outcome": "no_evidence",
                "run": run,
            },
        )
        yield
        last = maker.event(
            "run.done", {"run": run, "from": "running", "why": "done", "result": {"verdict": "no_evidence"}}
        )
        maker.row(
            "runs",
            n,
            run,
            kind,
            "done",
            "done",
            '{"draws":60}',
            "{}",
            "{}",
            request,
            request,
            at,
            maker.at,
            last,
        )
        yield
        own = maker.event(
            "request.done", {"request": request, "from": "running", "why": "done", "run": run, "result": {}}
        )
        maker.row(
            "requests",
            n,
            kind,
            "history",
            "{}",
            "done",
            50,
            "done",
            f"k{n}",
            None,
            run,
            "{}",
            1,
            at,
            maker.at,
            None,
            None,
            None,
            None,
            None,
            own,
            "[]",
        )
        assert first < own
        yield


def finish(directory: Path) -> None:
    """Add the newest records as the program itself writes them: what lists and `explain` read in full."""
    evidence = EvidenceRow(metric="bits", value=31.5, op=">=", limit=19.93)
    budget = Budget(step_used=0, step_limit=2, total_used=0, total_limit=6)
    with Journal.open(directory) as journal, journal.transaction() as tx:
        row = journal.requests.enqueue("pipeline_rerun", {}, origin="bench", key=f"last-{journal.seq}")
        run = journal.runs.open("pipeline_rerun", {"draws": DRAWS}, request=row.id, cause=row.id)
        for number in range(2000):
            told = {
                "study": "last",
                "run": run.id,
                "step": "1",
                "trial": number % 1000,
                "params": {f"p{k}": 0.5 for k in range(10)},
            }
            state = {"state": "complete", "value": 1.5, "reports": [0.1] * 6, "seconds": 0.4}
            tx.event(
                "trial.finished" if number >= 1000 else "trial.asked",
                told | (state if number >= 1000 else {}),
            )
        for step in ("1", "2.5", "3", "4", "5", "6"):
            case = Case(
                step=step,
                run=run.id,
                request=row.id,
                evidence=(evidence,) * 5,
                required=("bits",),
                budget=budget,
            )
            record_decision(journal, decide(case))
            journal.runs.step(run.id, step, "done", seconds=1.0)
        journal.runs.move(run.id, "done", "done", result={"verdict": "no_evidence"})
        journal.requests.cancel(row.id, "done")


def _samples(db: sqlite3.Connection) -> None:
    """Fill the readings to what retention keeps."""
    names = [
        f"engine.{name}"
        for name in ("rss_mb", "pss_mb", "handles", "threads", "tasks", "loop_lag_ms", "wal_mb", "cpu")
    ] + ["compute.rate", "loop.stalls"]
    now, rows = time.time(), 200_000
    steps = rows // len(names)
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO samples (name, at, value) VALUES (?, ?, ?)",
        ((name, now - 5.0 * (steps - step), 50.0 + step % 7) for step in range(steps) for name in names),
    )
    db.execute("COMMIT")


# -- measuring --------------------------------------------------------------------------------------------------------


class Daemon:
    """A daemon over a state directory; `seconds` from its start to its first answer."""

    def __init__(self, state: Path) -> None:
        self.state = state
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "--state", str(state), "--no-ui"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while True:
            try:
                call(state, "snapshot")
                break
            except Unreachable:
                if self.process.poll() is not None:
                    raise SystemExit(f"the daemon ended: {self.process.communicate()[1]}") from None
                time.sleep(0.005)
        self.seconds, self.cpu = time.monotonic() - began, self.used()

    def used(self) -> float:
        """Return the processor seconds that it has used: what load does not change."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Return its resident memory in MB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:")) / 1024

    def ask(self, verb: str, **args: Any) -> tuple[float, float, str]:
        """Return the median milliseconds of nine answers, the processor's of one, and a refusal."""
        times, why, used = [], "", self.used()
        for _ in range(ASKED):
            began = time.monotonic()
            try:
                reply = call(self.state, verb, **args)
                why = "" if reply.ok else str(reply.error)
            except MimicryError as error:
                why = str(error)
            times.append((time.monotonic() - began) * 1e3)
        return statistics.median(times), (self.used() - used) / ASKED * 1e3, why

    def end(self) -> None:
        """Stop it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def measure(directory: Path, limit: float) -> int:
    """Print start-up and queries on the big journal beside an empty room's; return 1 where one is above its limit."""
    with tempfile.TemporaryDirectory() as empty:
        room = Daemon(Path(empty))
        bare = {name: room.ask(verb, **args)[0] for name, verb, args in _questions(Path(empty))}
        bare_start, bare_cpu, bare_memory = room.seconds, room.cpu, room.memory()
        room.end()
    starts, used = [], 0.0
    for number in range(3):
        room = Daemon(directory)
        starts.append(room.seconds)
        used = room.cpu
        if number < 2:
            room.end()
    start = statistics.median(starts)
    while not call(directory, "snapshot").data["evidence"]["draws"]:
        time.sleep(0.2)  # the draws are read beside the first answers; what follows is measured without that
    print(f"load {os.getloadavg()[0]:.1f}; milliseconds: wall, of the processor, wall of an empty room")
    print(
        _line(
            "start-up until the first answer",
            start * 1e3,
            used * 1e3,
            bare_start * 1e3,
            start > 2,
            f"empty {bare_cpu * 1e3:.0f} of the processor",
        )
    )
    slow = int(start > 2)
    for name, verb, args in _questions(directory):
        took, cpu, why = room.ask(verb, **args)
        slow += took > limit
        print(_line(name, took, cpu, bare.get(name), took > limit, why[:60]), flush=True)
    print(f"{'resident memory':<34} {room.memory():9.1f} MB, empty {bare_memory:.1f} MB")
    room.end()
    return int(slow > 0)


def _line(name: str, took: float, cpu: float, bare: float | None, above: bool, note: str) -> str:
    empty = "      -" if bare is None else f"{bare:7.1f}"
    return f"{name:<34} {took:9.1f} {cpu:8.1f} {empty}  {'ABOVE ' if above else ''}{note}".rstrip()


def _questions(directory: Path) -> list[tuple[str, str, dict[str, Any]]]:
    with Journal.read_only(directory) as journal:
        middle, decisions = max(1, journal.seq // 2), journal.decisions.list(limit=1)
        runs = journal.runs.newest(1)
    tables = ["requests", "decisions", "approvals", "policies", "policy_changes", "fingerprints", "untried", "schedule", "sources", "predictions", "triggers", "episodes", "arms", "candidates", "policy", "runs", "trials", "llm_calls", "deaths", "coverage", "workers", "attempts", "alerts"]  # fmt: skip
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("snapshot", "snapshot", {}),
        ("tables", "tables", {}),
        ("series names", "series", {}),
    ]
    asked += [("series of 2 h", "series", {"names": ["engine.rss_mb"], "seconds": 60, "count": 120})]
    asked += [(f"table {name}", "table", {"name": name, "limit": 200}) for name in tables]
    asked += [
        ("as it was, at half time", "past", {"start": middle}),
        ("alerts as they were", "table", {"name": "alerts", "at": middle, "limit": 50}),
    ]
    if decisions and runs:
        asked += [("explain the last decision", "explain", {"id": decisions[0].id})]
        asked += [("a row with its story", "row", {"name": "runs", "key": runs[0].id})]
    return asked


def main() -> int:
    """Make or measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["make", "measure"])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--limit-ms", type=float, default=50.0)
    given = parser.parse_args()
    if given.action == "make":
        make(given.directory, given.events, given.draws)
        return 0
    return measure(given.directory, given.limit_ms)


if __name__ == "__main__":
    sys.exit(main())
