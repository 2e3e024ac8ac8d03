"""What an engine is doing while it is killed, and how it is told afterwards that nothing of it was lost or done twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.client import call
from engine.errors import MimicryError
from engine.feedback.acceptance import Acceptance
from engine.history.store import Arrival, DrawStore
from engine.parameters import REGISTRY, Parameters
from engine.selfplay.candidate import Candidate
from engine.selfplay.rules import Mask, Policy
from hip_cuda_kernels import host
from state.artifacts import ArtifactStore
from state.errors import StateError
from state.journal import Journal

ROOT = Path(__file__).parents[2]
ROOM = """
test_mode = true
[synthetic_injection]
enabled = true
[compute]
workers = 1
[history]
range = "{span}"
[search]
families = ["lcg48/java"]
mappings = ["java_bounded"]
seeds = "0:{seeds}"
starts = "0:3"
gaps = "0:3"
"""
ALONE = {
    "approvals": {"requests": [{"type": "*", "origin": "history"}, {"type": "*", "origin": "chapter 13"}]}
}
"""Nothing that the room asks for by itself runs: its searches and loops belong to the other workloads."""
LEAST = {
    "pipeline.window_trials": 8, "pipeline.window_seeds": 1 << 12, "pipeline.scorer_trials": 8, "pipeline.twins": 12,
    "pipeline.min_candidates": 24, "pipeline.rungs": 1, "pipeline.decoy_histories": 3, "pipeline.feature_rows": 32,
}  # fmt: skip
"""The smallest pipeline that the registry allows: many durable moments, little arithmetic between them."""
DRAWS, SEED = 60, 4711
NULL_SEEDS = (1 << 23) - 1
WRITTEN = {
    "1": ("optimal_window_config.json", "bidirectional_survivors.npz"),
    "3": ("optimal_window_config.json", "bidirectional_survivors.npz", "optimal_scorer_config.json", "survivors_with_scores.npz"),
    "6": ("reinforcement_engine_config.json", "best_model.meta.json", "prediction_pool.json"),
}  # fmt: skip
FIRST_S = 600.0
ALWAYS = (
    "any moment", "transaction: log written", "transaction: log synced", "checkpoint", "end: log removed", "any durable call",
)  # fmt: skip


@dataclass
class Base:
    """State directories that workloads begin with, each made once by an engine that nobody kills."""

    folder: Path
    hashes: dict[str, dict[str, str]] = field(default_factory=dict)

    def drawn(self, state: Path, *, alone: bool, null: bool = False) -> None:
        """Make a state directory with a planted history (or one of chance, and a large space) and the smallest pipeline."""
        seeds = NULL_SEEDS if null else (1 << 16) - 1
        state.mkdir(parents=True)
        (state / "room.toml").write_text(ROOM.format(span="0:999", seeds=seeds))
        if alone:
            (state / "watcher_policies.json").write_text(json.dumps(ALONE))
        chance = random.Random(SEED)
        planted = host.values("lcg48/java", "java_bounded", SEED, 0, 999, DRAWS, start=2, gap=1)
        values = [chance.randrange(1000) for _ in range(DRAWS)] if null else planted
        store = DrawStore.open(state / "history")
        store.append([Arrival(int(value)) for value in values])
        store.close()
        with Journal.open(state) as journal:
            parameters = Parameters(journal.parameters, REGISTRY)
            for name, value in LEAST.items():
                parameters.change(name, value, by="operator", why="the smallest pipeline")

    def after(self, last: str) -> Path:
        """Return a state directory whose pipeline has run through a step (1: over chance), and note what that wrote."""
        state = self.folder / f"after-{last}"
        if not state.exists():
            self.drawn(state, alone=True, null=last == "1")
            command = [sys.executable, "-P", "-m", "engine.cli", "--state", str(state), "--no-ui"]
            with (self.folder / f"after-{last}.log").open("ab") as log:
                engine = subprocess.Popen(
                    command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log
                )
            deadline = time.monotonic() + FIRST_S
            while not _ask(state, {"type": "pipeline_rerun", "end_step": last}, "base"):
                assert time.monotonic() < deadline
                time.sleep(0.2)
            while not ended(state):
                assert time.monotonic() < deadline, "the first pipeline does not end"
                time.sleep(0.3)
            engine.send_signal(signal.SIGTERM)
            assert engine.wait(60) == 0
        self.hashes[last] = content(state, WRITTEN[last])
        assert self.hashes[last], "the first pipeline wrote nothing"
        return state


def content(state: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Return the content hashes of artifacts, without time, host and run."""
    store = ArtifactStore(state / "artifacts")
    return {name: store.lineage(name).content_sha256 for name in names if store.exists(name)}


def rows_of(state: Path) -> list[Any]:
    """Return the requests on record; none while the journal cannot be read."""
    try:
        with Journal.read_only(state) as journal:
            return list(journal.requests.list(limit=1_000_000))
    except (StateError, OSError):
        return []


def ended(state: Path) -> bool:
    """Say whether nothing is claimed or running, and nothing waits but what waits for a person."""
    rows = rows_of(state)
    return bool(rows) and all(row.terminal or row.origin in ("history", "chapter 13") for row in rows)


def _ask(state: Path, request: dict[str, Any], key: str) -> str | None:
    with contextlib.suppress(MimicryError, OSError):
        reply = call(state, "submit", within=5.0, request=request, key=key)
        if reply.ok:
            return str(reply.data["id"])
    return None


@dataclass
class Workload:
    """Asks for one kind of work; what was acknowledged is remembered, what was not is asked for again under its key."""

    rng: random.Random
    base: Base
    acknowledged: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, dict[str, Any]] = field(default_factory=dict)
    name = ""
    patience = 300.0
    longest = (0.2, 5.0)
    reach = 8.0
    """Seconds until an engine must have come to the place where it is to die; then it is killed where it is."""
    places: tuple[str, ...] = ALWAYS

    def prepare(self, state: Path) -> None:
        """Make the state directory."""
        raise NotImplementedError

    def ask(self, state: Path) -> None:
        """Ask for something, once."""
        raise NotImplementedError

    def life(self, rng: random.Random) -> float:
        """Return how long the next engine may live, start included."""
        return rng.uniform(*self.longest)

    def submit(self, state: Path, key: str, request: dict[str, Any]) -> None:
        """Submit under a key; remember the answer if it comes."""
        self.wanted[key] = request
        found = _ask(state, request, key)
        if found is not None:
            self.acknowledged[key] = found

    def settled(self, state: Path) -> bool:
        """Say whether everything wanted has its end; ask again for what was not acknowledged."""
        for key in self.wanted.keys() - self.acknowledged.keys():
            self.submit(state, key, self.wanted[key])
        return not self.wanted.keys() - self.acknowledged.keys() and ended(state)

    def verify(self, state: Path) -> list[str]:
        """Return what was lost or doubled, once settled."""
        rows = {row.key: row for row in rows_of(state)}
        return [f"lost: {key} is not on record" for key in self.wanted if f"given:{key}" not in rows]

    def count(self, state: Path) -> dict[str, int]:
        """Return what the record holds, for the table."""
        try:
            with Journal.read_only(state) as journal:
                kinds = Counter(event.kind for event in journal.events())
        except StateError:
            return {}
        names = {
            "chunk.done": "chunks", "decision": "decisions", "draw.judged": "draws judged", "pool.committed": "pools",
            "policy.promoted": "promotions", "policy.rolled_back": "rollbacks",
        }  # fmt: skip
        found = {name: kinds[kind] for kind, name in names.items() if kinds[kind]}
        ends = sum(
            count
            for kind, count in kinds.items()
            if kind in ("request.done", "request.rejected", "request.failed")
        )
        return found | {"requests": ends, "draws": _draws(state)}


def _draws(state: Path) -> int:
    path = state / "history" / "draws.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


class Queue(Workload):
    """Files and commands come in through every door: whole, half, broken."""

    name, places = "queue", (*ALWAYS, "inbox and archive", "draws")

    def prepare(self, state: Path) -> None:
        """Begin empty."""
        state.mkdir(parents=True)
        (state / "room.toml").write_text(ROOM.format(span="0:9999", seeds=16383))
        (state / "watcher_policies.json").write_text(json.dumps(ALONE))
        self.inbox = state / "watcher_requests"
        self.inbox.mkdir()
        self.files: dict[str, int | None] = {}
        self.given = 0

    def ask(self, state: Path) -> None:
        """Ask through one of the doors."""
        how = self.rng.choice(("whole", "whole", "half", "broken", "socket", "socket"))
        self.given += 1
        request = {"type": "inject_draw", "value": self.given}
        if how == "socket":
            self.submit(state, f"draw-{self.given}", request)
            return
        name, text = f"f{self.given:05d}.json", json.dumps(request)
        if how == "half":
            (self.inbox / name).write_text(text[:9])
            time.sleep(0.02)
        self.files[name] = None if how == "broken" else self.given
        (self.inbox / name).write_text('{"type": "inject_drwa"}' if how == "broken" else text)

    def settled(self, state: Path) -> bool:
        """Every file is archived with its answer, too."""
        answers = list((self.inbox / "archive").glob("*.result.json"))
        return super().settled(state) and len(answers) >= len(self.files)

    def verify(self, state: Path) -> list[str]:
        """Each draw that was asked for is stored once; each file is archived once."""
        found = super().verify(state)
        lines = (state / "history" / "draws.jsonl").read_text().splitlines()
        stored = Counter(json.loads(line)["value"] for line in lines)
        asked = Counter(value for value in self.files.values() if value is not None)
        asked += Counter(request["value"] for request in self.wanted.values())
        found += [f"lost: draw {value}" for value in (asked - stored)] + [
            f"doubled: draw {value}" for value in (stored - asked)
        ]
        archived = [
            path.name for path in (self.inbox / "archive").iterdir() if not path.name.endswith(".result.json")
        ]
        names = Counter(name.split("-", 2)[2] for name in archived)
        found += [f"{name}: archived {names[name]} times" for name in self.files if names[name] != 1]
        return found + [f"claimed/ still holds {path.name}" for path in (self.inbox / "claimed").iterdir()]


class Pipeline(Workload):
    """One pipeline after the other over a growing history, through step 3: searches with workers, chunks, artifacts."""

    name, last = "search and steps 1-3", "3"
    patience, longest, reach = 600.0, (1.0, 12.0), 20.0
    places = (*ALWAYS, "artifact written", "mirrors", "mirror lines")

    def prepare(self, state: Path) -> None:
        """Begin with a planted history; note what an unbroken run writes."""
        self.base.after(self.last)
        self.base.drawn(state, alone=True, null=self.last == "1")
        self.number = 0

    def ask(self, state: Path) -> None:
        """Ask for the next pipeline once the last has ended."""
        if ended(state) or not self.wanted:
            self.number += 1
            self.submit(state, f"run-{self.number}", {"type": "pipeline_rerun", "end_step": self.last})
        else:
            for key in self.wanted.keys() - self.acknowledged.keys():
                self.submit(state, key, self.wanted[key])
        time.sleep(0.3)

    def settled(self, state: Path) -> bool:
        """The last pipeline is done, not given up."""
        if super().settled(state) and not _done(state):
            self.number += 1
            self.submit(state, f"run-{self.number}", {"type": "pipeline_rerun", "end_step": self.last})
            return False
        return super().settled(state)

    def verify(self, state: Path) -> list[str]:
        """What stands at the end is what an unbroken run writes, byte for byte."""
        found, wanted = content(state, WRITTEN[self.last]), self.base.hashes[self.last]
        names = [name for name in wanted if found.get(name) != wanted[name]]
        return super().verify(state) + [f"{name}: other content than an unbroken run's" for name in names]


class Search(Pipeline):
    """A search of many chunks over draws of chance: nothing ends it early, every chunk counts."""

    name, last = "search over many chunks", "1"
    places = ALWAYS

    def verify(self, state: Path) -> list[str]:
        """Every sweep that was begun has all its chunks, too."""
        with Journal.read_only(state) as journal, journal.reading() as db:
            open_ones = db.execute(
                "SELECT sweep, count(*) FROM chunks WHERE digest IS NULL GROUP BY sweep"
            ).fetchall()
        return super().verify(state) + [
            f"{sweep}: {count} chunks without a result" for sweep, count in open_ones
        ]


class Training(Pipeline):
    """Steps 4 to 6 over finished steps 1 to 3."""

    name, last = "steps 4-6", "6"
    longest, reach = (2.0, 30.0), 40.0

    def prepare(self, state: Path) -> None:
        """Begin where steps 1 to 3 have ended."""
        self.base.after("6")
        shutil.copytree(self.base.after("3"), state, ignore=shutil.ignore_patterns("*.sock"))
        self.number = 0


def _done(state: Path) -> bool:
    rows = [row for row in rows_of(state) if row.kind == "pipeline_rerun"]
    return bool(rows) and rows[-1].state == "done"


class Live(Workload):
    """Draws come, one pool after the other is committed, judged and followed by the next (Chapter 13)."""

    name = "draws and Chapter 13"
    longest, places = (0.5, 6.0), (*ALWAYS, "draws")

    def prepare(self, state: Path) -> None:
        """Begin with a finished pipeline and a pool."""
        shutil.copytree(self.base.after("6"), state, ignore=shutil.ignore_patterns("*.sock"))
        self.given = 0

    def ask(self, state: Path) -> None:
        """Give a draw by one of the two ways."""
        self.given += 1
        self.submit(state, f"draw-{self.given}", {"type": "inject_draw", "value": self.rng.randrange(1000)})

    def settled(self, state: Path) -> bool:
        """Every draw is judged, too."""
        with contextlib.suppress(StateError), Journal.read_only(state) as journal:
            return super().settled(state) and int(journal.cursors.get("feedback", 0)) == _draws(state)
        return False

    def verify(self, state: Path) -> list[str]:
        """Each draw is stored, judged once, and has had a pool."""
        found = super().verify(state)
        stored = _draws(state)
        if stored != DRAWS + len(self.wanted):
            found.append(f"{len(self.wanted)} draws were asked for, {stored - DRAWS} stored")
        with Journal.read_only(state) as journal:
            latest = journal.predictions.latest()
        if latest is None or latest.for_draw != stored:
            found.append(f"the pool is for draw {latest and latest.for_draw}, the coming one is {stored}")
        return found


class Promotion(Workload):
    """Candidates of selfplay are promoted, rolled back and played for."""

    name = "selfplay and promotion"
    longest, candidates = (0.4, 6.0), 60
    places = (*ALWAYS, "policy files", "artifact written", "mirrors")

    def prepare(self, state: Path) -> None:
        """Begin with a finished pipeline and many open candidates."""
        shutil.copytree(self.base.after("6"), state, ignore=shutil.ignore_patterns("*.sock"))
        store = ArtifactStore(state / "artifacts")
        with Journal.open(state) as journal:
            acceptance = Acceptance(journal, state / "policy_history", store)
            for seed in range(self.candidates):
                mask = Policy(mask=Mask(columns=(f"column_{seed}",)))
                acceptance.propose(
                    Candidate(policy=mask, model="lightgbm", fitness=1.0, baseline=0.0, null=0.0, gains=(1.0,), episodes=1,
                              exploration=1.0, seed=seed, draws_seen=DRAWS, table="0" * 64, run="run-0001")
                )  # fmt: skip
            self.open = list(acceptance.open)
        self.promoted: list[str] = []
        self.played = 0

    def ask(self, state: Path) -> None:
        """Promote, roll back, or ask for a session of selfplay."""
        how = self.rng.choice(("promote", "promote", "promote", "rollback", "play"))
        if how == "play":
            if ended(state) and self.played < 4:
                self.played += 1
                self.submit(state, f"play-{self.played}", {"type": "selfplay_retrain", "episodes": 2})
            return
        with contextlib.suppress(MimicryError, OSError):
            if how == "promote" and self.open:
                name = self.rng.choice(self.open)
                reply = call(state, "promote", within=5.0, candidate=name, untested=True)
                if reply.ok or "was promoted already" in (reply.error or ""):
                    self.open.remove(name)
                    self.promoted.append(name)
            elif how == "rollback":
                call(state, "rollback", within=5.0, reason="a kill test")

    def verify(self, state: Path) -> list[str]:
        """What was acknowledged as promoted is on record once; the files that training reads say what the record says."""
        found = super().verify(state)
        with Journal.read_only(state) as journal:
            ends = Counter(event.data["candidate"] for event in journal.events(kinds=("policy.promoted",)))
            events = list(journal.events(kinds=("policy.promoted", "policy.rolled_back")))
        found += [f"lost: the promotion of {name}" for name in self.promoted if ends[name] == 0]
        found += [f"doubled: {name} promoted {count} times" for name, count in ends.items() if count > 1]
        active = json.loads((state / "policy_history" / "active.json").read_text()) if events else None
        if active is not None and active["version"] != len(events):
            found.append(f"active.json is version {active['version']}, the record says {len(events)}")
        return found


WORKLOADS: dict[str, Any] = {
    "queue": Queue,
    "live": Live,
    "promotion": Promotion,
    "search": Search,
    "steps13": Pipeline,
    "steps46": Training,
}
