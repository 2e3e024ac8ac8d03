"""Kills the real engine at random moments while work comes in through every door, then counts what became of it.

`python tests/dispatch/kills.py [KILLS] [SEED]` runs it by hand and prints the count.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from engine.client import call
from engine.errors import MimicryError
from state.journal import Journal
from state.requests import TERMINAL

ROOT = Path(__file__).parents[2]
ROOM = """
test_mode = true
[synthetic_injection]
enabled = true
[compute]
workers = 1
[history]
range = "0:9999"
[search]
families = ["lcg48/java"]
mappings = ["java_bounded"]
seeds = "0:16383"
starts = "0:3"
gaps = "0:3"
"""
# Without this the first draws start a search, and with it a cluster of workers: that belongs to the long form.
NO_SEARCH = {"approvals": {"requests": [{"type": "*", "origin": "history"}]}}
PATIENCE = 300.0
OURS = ("inject_draw", "invalid")  # the room asks for searches and learning loops by itself


@dataclass
class Kills:
    """One state directory, engines over it one after another, and everything that was asked of them."""

    state: Path
    seed: int
    searches: bool = False
    files: list[str] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    killed: list[float] = field(default_factory=list)
    given: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.inbox = self.state / "watcher_requests"
        self.inbox.mkdir(parents=True)
        (self.state / "room.toml").write_text(ROOM)
        if not self.searches:
            (self.state / "watcher_policies.json").write_text(json.dumps(NO_SEARCH))

    # -- the engine -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start an engine; it is killed with its whole session."""
        command = [sys.executable, "-m", "engine.cli", "--state", str(self.state), "--no-ui"]
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        log = (self.state / "engine.log").open("ab")
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
        )
        log.close()

    def kill(self) -> None:
        """Kill the engine as the kernel would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def round(self, longest: float) -> None:
        """Start, ask for work while it runs, kill at a random moment: before, during or after its start."""
        self.start()
        began, life = time.monotonic(), self.random.uniform(0.0, longest)
        while (left := began + life - time.monotonic()) > 0:
            self.ask()
            time.sleep(min(left, self.random.uniform(0.0, 0.2)))
        self.kill()
        self.killed.append(life)

    # -- asking -----------------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Ask for something through one of the doors; every answer that was lost is asked for again with its key."""
        self.random.choice((self.drop, self.drop, self.drop_half, self.submit, self.drop_broken))()

    def drop(self) -> None:
        """Put a whole file into the inbox."""
        self._write(
            f"f{len(self.files):05d}.json", json.dumps({"type": "inject_draw", "value": self._value()})
        )

    def drop_half(self) -> None:
        """Write a file in two parts, as slow writers do."""
        text = json.dumps({"type": "inject_draw", "value": self._value()})
        name = f"f{len(self.files):05d}.json"
        (self.inbox / name).write_text(text[:9])
        time.sleep(0.02)
        self._write(name, text)

    def drop_broken(self) -> None:
        """Put a file into the inbox that can never become a request."""
        self._write(f"f{len(self.files):05d}.json", '{"type": "inject_drwa"}')

    def submit(self) -> None:
        """Ask over the socket, if somebody listens; whether the answer arrived does not matter, the key does."""
        key = f"key-{len(self.keys)}"
        self.keys[key] = self._value()
        self._send(key)

    def _send(self, key: str) -> bool:
        request = {"type": "inject_draw", "value": self.keys[key]}
        try:
            return call(self.state, "submit", request=request, key=key).ok
        except (MimicryError, OSError):
            return False

    def _value(self) -> int:
        """Return a value that no other request asks for."""
        self.given += 1
        return self.given

    def _write(self, name: str, text: str) -> None:
        (self.inbox / name).write_text(text)
        self.files.append(name)

    # -- the count --------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Run one engine until nothing is open and everything is archived, then end it cleanly."""
        self.start()
        deadline = time.monotonic() + PATIENCE
        while not all(self._send(key) for key in self.keys) and time.monotonic() < deadline:
            time.sleep(0.2)
        while not self._settled() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert self.process is not None
        self.process.terminate()
        self.process.wait(60)

    def _settled(self) -> bool:
        if len(list((self.inbox / "archive").glob("*.result.json"))) < len(self.files):
            return False
        with Journal.read_only(self.state) as journal:
            rows = journal.requests.list()
        return all(row.terminal for row in rows if self.searches or row.kind in OURS)

    def verify(self) -> dict[str, int]:
        """Return the count; AssertionError names what was lost or doubled."""
        with Journal.read_only(self.state) as journal:
            journal.verify()
            every = journal.requests.list(limit=100_000)
            rows = [row for row in every if row.kind in OURS]
            ends = Counter(
                event.data["request"]
                for event in journal.events(kinds=tuple(f"request.{state}" for state in TERMINAL))
            )
            decided = Counter(
                (row.run, row.step, json.dumps(row.evidence), row.action)
                for row in journal.decisions.list(limit=100_000)
                if row.source == "rule"
            )
        archived = sorted(path.name for path in (self.inbox / "archive").glob("*.result.json"))
        asked = len(self.files) + len(self.keys)
        assert len(rows) == asked, f"{asked} asked, {len(rows)} on record"
        assert len(archived) == len(self.files), f"{len(self.files)} files, {len(archived)} archived"
        assert list((self.inbox / "claimed").iterdir()) == []
        assert {row.id: 1 for row in every if row.terminal} == dict(ends), "one end each"
        assert [row for row in rows if not row.terminal] == []
        wanted = sorted(row.args["value"] for row in rows if row.state == "done")
        stored = Counter(self._draws())
        assert stored == Counter(wanted), (
            f"each injected draw once; {stored - Counter(wanted)} too many, {Counter(wanted) - stored} lost"
        )
        assert not decided or max(decided.values()) == 1, "a decision on the same evidence stands once"
        states = Counter(row.state for row in every)
        return {
            "kills": len(self.killed),
            "asked": asked,
            "draws": len(wanted),
            "decisions": len(decided),
            **states,
        }

    def _draws(self) -> list[int]:
        lines = (self.state / "history" / "draws.jsonl").read_text().splitlines()
        return [json.loads(line)["value"] for line in lines]


def main() -> int:
    """Run by hand."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        harness, began = Kills(Path(folder) / "state", seed, searches=True), time.monotonic()
        for _ in range(kills):
            harness.round(4.0 if harness.random.random() < 0.85 else 16.0)
        harness.settle()
        print(json.dumps({**harness.verify(), "seconds": round(time.monotonic() - began, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
