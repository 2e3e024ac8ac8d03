"""A stand-in daemon: serves recorded snapshots on a unix socket in the real protocol, for tests and measurements."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from engine.dispatch.forms import described
from engine.errors import UsageError
from engine.protocol import LINE_LIMIT, LOOKS, SOCKET_NAME, Command, Hello, Record, Reply, Snapshot
from engine.tables import alerts, decisions, requests
from engine.tables.approvals import APPROVALS
from engine.tables.candidates import CANDIDATES, POLICY
from engine.tables.coverage import COVERAGE
from engine.tables.episodes import EPISODES
from engine.tables.llm_calls import LLM_CALLS
from engine.tables.predictions import PREDICTIONS
from engine.tables.rigs import SET_ASIDE
from engine.tables.soaks import SOAKS
from engine.tables.steps import STEPS
from engine.tables.survivors import SURVIVORS
from engine.tables.table import Column, Row, Table, Window
from state.chain import Event

MOST = 200_000
RECORDED = Path(__file__).with_name("room.json")


def recorded(**changes: Any) -> Snapshot:
    """Return the recorded snapshot, with top-level fields replaced."""
    data = json.loads(RECORDED.read_text())
    return Snapshot.model_validate({**data, **changes})


SOAK = {
    "schema": "soak_status/1", "id": "c-20261123-130000", "scenario": "c", "phase": "runs", "pid": 4242, "t": 2471.0,
    "seconds": 3600.0, "warm_up": 900.0, "asked": 11, "draws": 554, "halts": 19, "halt_worst": 0.41, "faults": 3,
    "faults_planned": 5, "deaths": 2, "findings": 0, "values": {},
}  # fmt: skip

FIRED: list[dict[str, Any]] = [
    {"n": 3, "name": "cut_ssh", "t": 2100.0, "seconds": 1.2, "holds": True, "findings": [], "skipped": None, "by": "ops"},
    {"n": 1, "name": "full_disk", "t": 1500.0, "seconds": 30.0, "holds": False, "findings": ["not back after 30 s"], "skipped": None, "by": None},
    {"n": 0, "name": "kill_worker", "t": 1000.0, "seconds": 1.9, "holds": True, "findings": [], "skipped": None, "by": None},
]  # fmt: skip


def compared(a: str, b: str) -> dict[str, Any]:
    """Return two soaks side by side, as the engine compares them."""
    probe = {"probe": "engine.pss_mb", "a": 100.0, "b": 112.0}
    return {
        "schema": "soak_compare/1", "a": {"id": a}, "b": {"id": b}, "same_machine": True, "same_plan": False,
        "gates": [{"gate": "growth", "a": "pass", "b": "fail", "differs": True}],
        "work_per_hour": [{"what": "chunks", "a": 812.0, "b": 790.5}], "probes": [probe], "trends": [{**probe, "differs": True}],
    }  # fmt: skip


class StandIn:
    """One listening socket; every subscriber gets `snapshot` every `period` seconds, commands are recorded."""

    def __init__(self, state: Path, snapshot: Snapshot, *, period: float = 0.05) -> None:
        self.snapshot = snapshot
        self.period = period
        self.commands: list[Command] = []
        self.looks: list[str] = []
        """What was asked that only looks: verbs, and the names of lists."""
        self.answer: Callable[[Command], Reply] = lambda command: Reply(id=command.id, ok=True)
        self.reply_delay = 0.0
        self.protocol = (1, 1)
        self.silent = False
        """True: connections stay open and nothing is sent, as from a stopped daemon."""
        self.on_tick: Callable[[Snapshot], Snapshot] = later
        self.devices = 26
        self.moving = 0
        """Devices whose numbers change with every snapshot."""
        self.ticks = 0
        self.soaking = True
        """A soak runs here, while the room works."""
        self.tables: dict[str, Table] = {table.name: table for table in TABLES}
        self._path = state / SOCKET_NAME
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; a left-over socket file is replaced, as the daemon does."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=LINE_LIMIT)

    async def stop(self) -> None:
        """Drop every viewer and stop listening."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        pushing: asyncio.Task[None] | None = None
        try:
            _send(writer, Hello(build="stand-in", protocol=self.protocol))
            async for text in reader:
                kind = json.loads(text)["type"]
                if kind != "command":
                    continue
                command = Command.model_validate_json(text)
                if command.verb == "subscribe" and pushing is None:
                    pushing = asyncio.create_task(self._push(writer))
                await self._reply(writer, command)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            if pushing is not None:
                pushing.cancel()
            with contextlib.suppress(OSError):
                writer.close()

    async def _reply(self, writer: asyncio.StreamWriter, command: Command) -> None:
        self.looks = [*self.looks[-200:], str(command.args.get("name", command.verb))]
        if command.verb in LOOKS - {"subscribe"}:
            _send(writer, self.looked(command))
            return
        if command.verb != "subscribe":
            self.commands.append(command)
            await asyncio.sleep(self.reply_delay)
        _send(writer, self.answer(command))

    def looked(self, command: Command) -> Reply:
        """Answer what only looks, with the engine's own tables and filters over recorded rows."""
        try:
            return Reply(id=command.id, ok=True, data=self._looked(command.verb, command.args))
        except UsageError as error:
            return Reply(id=command.id, ok=False, error=str(error), exit_code=2)

    def _looked(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        if verb == "snapshot":
            return self.snapshot.model_dump(mode="json", by_alias=True)
        if verb == "tables":
            return {"tables": [table.head for table in self.tables.values()]}
        if verb == "past":
            return self.earlier(**args)
        if verb == "series":
            return readings(**args)
        if verb == "forms":
            return described()
        if verb == "decision":
            made = explained(self.snapshot, int(args["id"]))["decision"]
            return {
                "decision": made,
                "same": True,
                "replayed": {**made, "code_action": made["action"], "case": None},
                "call": None,
            }
        if verb == "policy_diff":
            parts = ("filter", "weight", "mask", "window")
            rows = [{"part": each, "a": None, "b": "columns x" if each == "mask" else None} for each in parts]
            return {"a": f"{args['a']}, then", "b": f"{args['b']}, now", "same": False, "rows": rows}
        if verb == "soak":
            runs = self.snapshot.mode == "run" and self.soaking
            return {"schema": "soak/1", "soak": SOAK if runs else None, "faults": FIRED if runs else []}
        if verb == "soak_faults":
            return {
                "faults": [
                    {
                        "fault": "kill_worker",
                        "needs": "",
                        "does": "kill a worker",
                        "holds": "its piece is done once",
                    }
                ]
            }
        if verb == "soak_compare":
            return compared(args["a"], args["b"])
        if verb == "llm_status":
            return advised()
        if verb == "llm_call":
            rests = args["id"] == "c-0"
            return {
                "schema": "llm_call_of/1",
                "call": {},
                "request": "r-219",
                "decision": self.snapshot.decisions[0].id if rests and self.snapshot.decisions else None,
            }
        if verb == "trace":
            return traced()
        if verb == "study":
            return studied(self.snapshot)
        if verb == "scores":
            return scored()
        if verb == "curve":
            return curved(self.devices, args["points"])
        if verb == "explain":
            return explained(self.snapshot, args["id"])
        if verb == "lookup":
            return self.named(args["text"])
        table = self.tables.get(args["name"])
        if table is None:
            raise UsageError(f"no table {args['name']!r}")
        desk = cast("Any", self)
        if verb == "row":
            return table.row(desk, args["key"], most=MOST)
        skip, at = args.get("skip", 0), args.get("at")
        return table.page(desk, Window(args["filter"], args["sort"], args["limit"], MOST, at, skip))

    def named(self, text: str) -> dict[str, Any]:
        """Return the recorded rows whose name is the text."""
        found = [
            {
                "list": table.name,
                "column": table.key,
                "key": str(row[table.key]),
                "says": f"[red]{row.get('why') or ''}",
            }
            for table in self.tables.values()
            for row in table.rows(cast("Any", self), MOST)
            if text in str(row[table.key])
        ]
        return {"schema": "lookup/1", "found": found[:20], "matched": len(found)}

    def earlier(self, start: int | None, step: int, at: str | None) -> dict[str, Any]:
        """Return the room one record from `start`: two requests fewer."""
        seq = min(self.snapshot.seq, (self.snapshot.seq if start is None else start) + step)
        changes: dict[str, Any] = {
            "seq": seq,
            "at": "2026-11-23T13:30:00Z",
            "requests": self.snapshot.requests[2:],
            "fleet": [],
        }
        return self.snapshot.model_copy(update=changes).model_dump(mode="json", by_alias=True)

    @property
    def journal(self) -> StandIn:
        """Stand in for the desk's journal, too."""
        return self

    def story(self, subject: str, *, limit: int = 100) -> list[Event]:
        """Return two records about a subject."""
        at = "2026-11-23T13:58:10Z"
        return [
            Event(101, at, "request.queued", {"request": subject, "why": "asked by chapter13"}, "", "", "", 1.0),
            Event(102, at, "request.running", {"request": subject, "why": "a device is free"}, "", "", "", 2.0),
        ]  # fmt: skip

    async def _push(self, writer: asyncio.StreamWriter) -> None:
        while True:
            if not self.silent:
                _send(writer, self.snapshot)
                self.snapshot = self.on_tick(self.snapshot)
                self.ticks += 1
            await asyncio.sleep(self.period)


def gpu_rows(room: Any, most: int) -> list[Row]:
    """Return as many devices as the room is told to have; one is lost, one is hot."""
    rows: list[Row] = []
    for i in range(room.devices):
        moved = getattr(room, "ticks", 0) * 5 if i < getattr(room, "moving", 0) else 0
        lost, hot = i == 5, 96 if i == 17 else 60 + i * 7 % 20
        rows.append({
            "gpu": f"rig-{'abc'[i % 3]}/{i // 3}", "state": "lost" if lost else "throttling" if hot > 95 else "running",
            "host": f"rig-{'abc'[i % 3]}", "model": "RX 6600", "util": None if lost else 90 + (i + moved) % 9, "hot": None if lost else hot,
            "power": None if lost else 96.5 + (i + moved) % 7, "rate": None if lost else 14.5 + i % 5 / 10, "job": None if lost else f"c#{8800 + i}", "age": 240.0 if lost else 1.5,
            "why": "no answer for 4 min" if lost else f"hotspot {hot} > 95 for 30 s" if hot > 95 else "chunk of run 0412",
        })  # fmt: skip
    return rows[:most]


GPUS = Table("gpus", "GPUs", (
    Column("gpu", "GPU"), Column("state", "STATE", "state"), Column("host", "HOST"), Column("model", "MODEL"),
    Column("util", "UTIL", "number", "%"), Column("hot", "HOT", "number", "°C"), Column("power", "POWER", "number", "W"),
    Column("rate", "RATE", "number", "Mh/s"), Column("job", "JOB"), Column("age", "AGE", "number", "s"), Column("why", "WHY"),
), gpu_rows, acts=SET_ASIDE, empty="no device yet; `mimicry doctor` says why", key="gpu")  # fmt: skip


def request_rows(room: Any, most: int) -> list[Row]:
    """Return the queue of the snapshot."""
    open_ = ("queued", "claimed", "running")
    return [
        {
            "attempts": 1,
            "run": None,
            "eta": 640 + 900 * i if each.state in open_ else None,
            **each.model_dump(),
        }
        for i, each in enumerate(room.snapshot.requests)
    ]


def decision_rows(room: Any, most: int) -> list[Row]:
    """Return the decisions of the snapshot."""
    return [
        {"confidence": 0.95, "rule": "W6 all limits met", "run": "run-0412", **each.model_dump()}
        for each in room.snapshot.decisions
    ]


def trial_rows(room: Any, most: int) -> list[Row]:
    """Return trials whose best rises slowly."""
    return [
        {
            "id": i,
            "state": "pruned" if i % 7 == 3 else "done",
            "value": None if i % 7 == 3 else round(0.4 + 0.2 * i / 60 + 0.08 * math.sin(i * 2.4), 4),
            "depth": 3 + i % 6,
        }
        for i in range(60, 0, -1)
    ]


TRIALS = Table("trials", "Trials", (
    Column("id", "TRIAL", "number"), Column("state", "STATE", "state"), Column("value", "VALUE", "number"), Column("depth", "DEPTH", "number"),
), trial_rows, empty="no trial yet; `mimicry pipeline` runs steps that search")  # fmt: skip


def alert_rows(room: Any, most: int) -> list[Row]:
    """Return the alerts of the snapshot."""
    return [
        {**each.model_dump(), "state": "acked" if each.acked else "firing", "rule": "hotspot"}
        for each in room.snapshot.alerts
    ]


ALERTS = replace(alerts.ALERTS, rows=alert_rows)
REQUESTS = replace(
    requests.REQUESTS, rows=request_rows, past=lambda room, at, most: request_rows(room, most)[2:]
)
DECISIONS = replace(decisions.DECISIONS, rows=decision_rows)


def episode_rows(room: Any, most: int) -> list[Row]:
    """Return episodes whose reward rises; one was refused."""
    return [
        {"id": 900 + i, "run": "run-0410", "number": i, "arm": ("window", "mask", "weight")[i % 3], "policy": f"mask {i % 5}",
         "model": "catboost", "block": 3, "reward": None if i == 4 else round(0.02 * i + 0.1 * math.sin(i), 3), "fitness": 1.4 + 0.01 * i,
         "baseline": 1.4, "decoy": 1.38, "seconds": 11.5, "refused": "its decoy wins as much" if i == 4 else None, "at": "2026-11-23T13:10:00Z"}
        for i in range(24, 0, -1)
    ]  # fmt: skip


def call_rows(room: Any, most: int) -> list[Row]:
    """Return calls to the advisor, one of them unanswered."""
    return [
        {"id": f"c-{i}", "at": f"2026-11-23T13:{50 - i:02d}:02Z", "question": "agent_decision", "kind": "2.5", "about": "run-0412", "by": "loop",
         "source": "none" if i == 2 else "llm", "seconds": 5.0 if i == 2 else 2.1 + 0.1 * i, "prompt": 1812, "tokens": None if i == 2 else 206,
         "speed": None if i == 2 else 38.2, "tries": 1, "usd": None, "cut": None, "outcome": "none(timeout)" if i == 2 else "PROCEED",
         "why": "no answer in 5 s" if i == 2 else None, "file": f"llm/c-{i}.json"}
        for i in range(6)
    ]  # fmt: skip


def prediction_rows(room: Any, most: int) -> list[Row]:
    """Return judged pools on null data: they earn nothing."""
    return [
        {"id": 1460 - i, "committed": "2026-11-23T13:00:00Z", "seq": 47_000 - i, "sha256": "9f2c01ab33e1", "basis": "uniform",
         "state": "waits" if i == 0 else "missed", "named": 0, "chance": 1.0, "stated": 1.0, "value": None if i == 0 else 417 + i, "bits": None if i == 0 else 0.0}
        for i in range(12)
    ]  # fmt: skip


def coverage_rows(room: Any, most: int) -> list[Row]:
    """Return excluded parts of three families."""
    cells = [("lcg48/java", "java_bounded", 1.0), ("lcg48/java", "mod", 0.98), ("mt19937/init_genrand", "mulshift", 0.96),
             ("mt19937/init_genrand", "mod", 0.7), ("xorshift128/plus", "float(53)", 0.4)]  # fmt: skip
    return [
        {"seq": 40 + i, "family": family, "mapping": mapping, "seeds": "0x0:0xffffffff", "starts": "0:9", "gaps": "constant 0:3",
         "power": power, "planted": 200, "survivors": 3, "noise": 0.05, "range": "0:999", "draws": "3fe1", "run": "run-0412"}
        for i, (family, mapping, power) in enumerate(cells)
    ]  # fmt: skip


def step_rows(room: Any, most: int) -> list[Row]:
    """Return the six steps of the run."""
    return [
        {"step": step.id, "name": step.name, "state": step.status, "done": step.done, "total": step.total, "seconds": None, "best": step.best,
         "null": step.null, "action": "PROCEED" if step.status == "done" else None, "number": 1187 if step.status == "done" else None,
         "holds": "3 of 3" if step.status == "done" else None, "gates": "power, survivors, 2 retries", "reads": "optimal_window_config.json",
         "writes": "optimal_scorer_config.json", "run": "run-0412", "note": step.note or None}
        for step in room.snapshot.pipeline.steps
    ]  # fmt: skip


def survivor_rows(room: Any, most: int) -> list[Row]:
    """Return two survivors."""
    return [
        {"rank": rank, "digest": digest, "score": score, "bits": found, "confirmed": confirmed, "null": null, "family": "lcg48/java",
         "mapping": "java_bounded", "origin": "0xd520", "start": 0, "gap": "constant 3", "line": "lcg48/java java_bounded seed 0xd520 start 0 gap 3"}
        for rank, digest, score, found, confirmed, null in ((1, "35d15dad9b35498d", 26.2, 14.1, "9/12", 0), (2, "7a01ffeed0011223", 11.0, 9.8, "4/12", 3))
    ]  # fmt: skip


def approval_rows(room: Any, most: int) -> list[Row]:
    """Return two open questions."""
    return [
        {"id": f"a-{n}", "at": "2026-11-23T13:50:11Z", "kind": "parameter", "about": "r-218", "state": "open", "expires": "2026-11-26T13:50:11Z",
         "by": None, "diff": "window_size 256 -> 1024", "evidence": "bound 768", "why": "window 1024 > bound 768"}
        for n in (4, 3)
    ]  # fmt: skip


def candidate_rows(room: Any, most: int) -> list[Row]:
    """Return a candidate that is being judged."""
    return [{"id": "cand-7", "state": "open", "policy": "mask 3", "model": "catboost", "arm": "mask", "wins": 12, "losses": 4, "bits": 6.1,
             "required": 19.9, "reason": "more draws needed", "run": "run-0410"}]  # fmt: skip


def policy_rows(room: Any, most: int) -> list[Row]:
    """Return the active policy and the one before."""
    return [
        {
            "id": 2,
            "state": "active",
            "policy": "mask 3",
            "how": "promoted",
            "candidate": "cand-5",
            "by": "acceptance",
            "why": "19.9 bits",
        },
        {"id": 1, "state": "retired", "policy": "all", "how": "first", "by": "room", "why": "start"},
    ]


def traced() -> dict[str, Any]:
    """Return the story of a survivor as far as step 3."""
    match = {"matched": 9, "scored": 12, "expected": 0.012}
    return {
        "schema": "trace/1", "survivor": "35d15dad9b35498d8f44bd58ea42b47f", "alignment": {}, "line": "lcg48/java java_bounded seed 0xd520 start 0 gap 3",
        "found": {"origin": "trial", "trial": 31, "sweep": 2, "window": [100, 164], "matches": {"forward": {**match, "matched": 40, "scored": 64}, "backward": match, "confirm": match},
                  "evidence_bits": 14.1, "required_bits": 19.93, "null_rank": 0, "of_trial": {"trial": 31, "hits": 3, "null_hits": 4, "expected_false": 2.4}, "kept": 120, "searched": [0, 900]},
        "scored": {"score": 26.2, "rank": 1, "of": 120, "decoys": 47, "features": {"a": 1.0}, "blocks": [{**match, "draws": [900, 1000]}], "pushes": {"stretch.lasting": 10.7, "distance.tenth": -4.6}},
        "model": None, "pool": None, "foretells": {"values": [432, 837, 461], "note": ""}, "missing": ["best_model.meta.json", "prediction_pool.json"],
    }  # fmt: skip


def made(table: Table, rows: Callable[[Any, int], list[Row]]) -> Table:
    """Return one of the engine's lists over recorded rows."""
    return replace(table, rows=rows, past=None, log=None)


def soak_rows(room: Any, most: int) -> list[Row]:
    """Return two soaks that ended."""
    return [
        {
            "id": name,
            "scenario": name[0],
            "state": state,
            "minutes": 60.0,
            "failed": None,
            "faults": 3,
            "slowest": 1.9,
        }
        for name, state in (("c-20261122-090000", "passed"), ("a-20261121-090000", "failed"))
    ]


TABLES = (
    GPUS, REQUESTS, DECISIONS, TRIALS, ALERTS, made(EPISODES, episode_rows), made(LLM_CALLS, call_rows), made(PREDICTIONS, prediction_rows),
    made(COVERAGE, coverage_rows), made(STEPS, step_rows), made(SURVIVORS, survivor_rows),
    made(APPROVALS, approval_rows), made(CANDIDATES, candidate_rows), made(POLICY, policy_rows), made(SOAKS, soak_rows),
)  # fmt: skip


def advised() -> dict[str, Any]:
    """Return the report of an advisor that is up."""
    return {
        "schema": "llm_status/1", "state": "ready", "why": "", "model": "deepseek-r1-14b q4", "context": 8192, "chars_per_token": 3.4,
        "pid": 4200, "start_seconds": 21.0, "restarts": 1, "next_restart_s": 0.0, "grammars": {"agent_decision": "ok", "step_evaluation": "ok"},
        "waiting": 0, "queue": 8, "tokens_per_second": 38.2, "valid": 405, "invalid": 7,
        "answers": {"llm": 405, "claude": 0, "none": 7}, "agreement": {"agreed": 371, "followed": 9, "stricter": 25, "silent": 7}, "cloud": None, "cost": None, "degraded": [],
    }  # fmt: skip


def curved(count: int, points: int) -> dict[str, Any]:
    """Return a rising curve in spans."""
    spans = min(points, count)
    middle = [0.4 + 0.2 * i / spans for i in range(spans)]
    return {
        "schema": "curve/1", "measured": "value", "count": count, "least": [m - 0.05 for m in middle],
        "greatest": [m + 0.05 for m in middle], "best": [m + 0.05 for m in middle], "marked": [0.5 * (i % 9 == 4) for i in range(spans)],
    }  # fmt: skip


def studied(snapshot: Snapshot) -> dict[str, Any]:
    """Return the study behind the trials, as the engine tells it; a room without a run has none."""
    none: dict[str, Any] = {"schema": "study/1", "run": None, "step": None, "complete": 0, "pruned": 0, "running": 0, "cut": False, "best": None, "importance": [], "checkpoint": None}  # fmt: skip
    if not snapshot.pipeline.steps:
        return none
    shares = (("depth", 0.41), ("learning_rate", 0.24), ("feature_share", 0.17), ("l2", 0.0))
    return none | {
        "run": "run-0412", "step": "2.5", "complete": 51, "pruned": 9, "running": 1, "best": {"trial": 31, "value": 0.6132, "params": {"depth": 7, "learning_rate": 0.0031}},
        "importance": [{"name": name, "share": share} for name, share in shares], "checkpoint": {"what": "trial", "seq": 48_001, "at": "2026-11-23T14:02:10Z"},
    }  # fmt: skip


def scored() -> dict[str, Any]:
    """Return the scores of survivors and of their null twins; the best survivors stand apart."""
    null = [round(30 * math.exp(-((i - 10) ** 2) / 18)) for i in range(40)]
    real = [round(22 * math.exp(-((i - 11) ** 2) / 30)) + (2 if i in (36, 39) else 0) for i in range(40)]
    return {"schema": "scores/1", "lo": -3.2, "hi": 26.2, "survivors": real, "null": null, "of": {"survivors": sum(real), "null": sum(null)}, "above": 4}  # fmt: skip


def explained(snapshot: Snapshot, number: int) -> dict[str, Any]:
    """Return a decision as the engine explains it."""
    made = next(each.model_dump() for each in snapshot.decisions if each.id == number)
    made |= {
        "confidence": 0.95, "primary_signal": "spread", "rule": "W6 all limits met", "run": "run-0412", "request": "r-219", "cause": "r-219", "seq": 48_000,
        "evidence": [{"metric": "trials", "value": 61, "limit": 100, "ok": False}, {"metric": "best_bits", "value": 14.1, "limit": None, "ok": True}],
        "changes": [{"name": "trials", "before": 100, "after": 140, "who": "watcher", "why": "spread"}],
    }  # fmt: skip
    event = {
        "seq": 47_990,
        "at": "2026-11-23T13:00:00Z",
        "kind": "request.queued",
        "data": {"request": "r-219", "why": "by watcher"},
    }
    return {
        "decision": made,
        "caused_by": [event],
        "caused": [],
        "replayed_action": made["action"],
        "case": None,
    }


def readings(
    names: list[str] | None = None, seconds: int = 30, count: int = 60, until: str | None = None
) -> dict[str, Any]:
    """Return series with a hole in the middle."""
    known = [
        "compute.rate",
        "engine.cpu",
        "engine.handles",
        "engine.loop_lag_ms",
        "engine.pss_mb",
        "engine.rss_mb",
        "engine.tasks",
        "engine.threads",
        "engine.wal_mb",
    ]
    values = [None if 30 <= i < 36 else 100 + 10 * math.sin(i / 9) for i in range(count)]
    one = {"seconds": seconds, "values": values, "per_hour": 0.1, "lo": -0.2, "hi": 0.4, "flat": True}
    return {"schema": "series/1", "names": known, "series": {name: one for name in names or []}}


def _send(writer: asyncio.StreamWriter, record: Record) -> None:
    writer.write(record.model_dump_json(by_alias=True).encode() + b"\n")


def later(snapshot: Snapshot, seconds: float = 0.5) -> Snapshot:
    """Return the same snapshot a moment later: only its clock moves."""
    from datetime import datetime

    at = datetime.fromisoformat(snapshot.at) + timedelta(seconds=seconds)
    return snapshot.model_copy(update={"at": at.isoformat().replace("+00:00", "Z")})


def busy(snapshot: Snapshot, dice: random.Random) -> Snapshot:
    """Return what a working room sends next: rates, ages, progress, memory and the clock all move."""
    hosts = [
        host.model_copy(
            update={
                "util": round(min(1.0, max(0.0, (host.util or 0.9) + dice.uniform(-0.02, 0.02))), 2),
                "rate": round((host.rate or 50.0) * dice.uniform(0.98, 1.02), 1),
                "age": (host.age + 0.5) % 15,
            }
        )
        for host in snapshot.fleet
    ]
    engine = snapshot.engine
    memory = [*engine.memory.values[1:], round(112 + dice.uniform(-2, 2), 1)]
    engine = engine.model_copy(
        update={
            "pss_mb": memory[-1],
            "loop_lag_ms": round(dice.uniform(1, 4), 1),
            "memory": engine.memory.model_copy(update={"values": memory}),
            "uptime": engine.uptime + 0.5,
        }
    )
    series = snapshot.throughput
    throughput = series.model_copy(update={"values": [*series.values[1:], round(dice.uniform(300, 420), 1)]})
    steps = [
        step.model_copy(update={"done": ((step.done or 0) + 1) % 100, "eta": dice.uniform(600, 1300)})
        if step.status == "running"
        else step
        for step in snapshot.pipeline.steps
    ]
    changes: dict[str, Any] = {
        "seq": snapshot.seq + 1,
        "fleet": hosts,
        "engine": engine,
        "throughput": throughput,
        "pipeline": snapshot.pipeline.model_copy(update={"steps": steps}),
    }
    return later(snapshot.model_copy(update=changes))


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--hz", type=float, default=2.0)
    parser.add_argument(
        "--changes", default="{}", help="JSON object that replaces fields of the recorded snapshot"
    )
    parser.add_argument("--devices", type=int, default=26)
    parser.add_argument(
        "--moving", type=int, default=0, help="devices whose numbers change with every snapshot"
    )
    options = parser.parse_args()
    room = StandIn(options.state, recorded(**json.loads(options.changes)), period=1 / options.hz)
    room.devices, room.moving = options.devices, options.moving
    dice = random.Random(1)
    room.on_tick = lambda snapshot: busy(snapshot, dice)
    await room.start()
    print("listening", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
