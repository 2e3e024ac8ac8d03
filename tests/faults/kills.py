"""Kills a real engine with -9 again and again under five workloads, looks at what it left each time, and counts what was lost or doubled.

`python tests/faults/kills.py [WORKLOAD…] [--kills N] [--seed S] [--out FILE.jsonl]`. One line a kill, a table at the end.
A kill takes 3 to 5 s on two busy cores: `--kills 100` of each workload is about 40 minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from invariants import broken
from places import MOMENT, Chooser, shim
from workloads import WORKLOADS, Base, Workload

from engine.client import call
from engine.errors import MimicryError

ROOT = Path(__file__).parents[2]
EPOCH = 25
"""Kills of one state directory before it is settled, counted, and a new one begun."""
GONE_S, ENDING_S, ANSWER_S = 10.0, 15.0, 60.0


@dataclass(frozen=True)
class Kill:
    """One kill: where it was wanted, where it came (call and file, or a moment), and what was broken right after."""

    workload: str
    place: str
    at: str
    life: float
    broken: list[str] = field(default_factory=list)


@dataclass
class Killer:
    """One state directory, engines over it one after another, each killed."""

    folder: Path
    workload: Workload
    chooser: Chooser
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.state, self.log = self.folder / "state", self.folder / "killed"
        self.workload.prepare(self.state)

    def start(self, env: dict[str, str]) -> None:
        """Start an engine."""
        command = [sys.executable, "-P", "-m", "engine.cli", "--state", str(self.state), "--no-ui"]
        with (self.folder / "engine.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=env | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def round(self) -> Kill:
        """One life: start, ask for work, be killed, and look at what is left."""
        place, number, mode = self.chooser.next()
        self.log.unlink(missing_ok=True)
        self.start(self.chooser.environment(place, number, mode, self.log))
        begun = time.monotonic()
        longest = (
            self.workload.life(self.chooser.rng) if place.ending or not place.calls else self.workload.reach
        )
        while self._lives() and time.monotonic() - begun < longest:
            self.workload.ask(self.state)
            time.sleep(self.chooser.rng.uniform(0.0, 0.15))
        if self._lives() and place.ending:
            self._send(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process().wait(ENDING_S)
        hit = self._hit()
        self._send(signal.SIGKILL)
        self._process().wait()
        self.chooser.learn(place, number, bool(hit))
        life = round(time.monotonic() - begun, 2)
        where = place.name if hit or not place.calls else MOMENT
        return Kill(self.workload.name, where, hit or f"after {life} s", life, self._after())

    def _process(self) -> subprocess.Popen[bytes]:
        assert self.process is not None
        return self.process

    def _lives(self) -> bool:
        return self._process().poll() is None

    def _send(self, sign: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process().send_signal(sign)

    def _hit(self) -> str:
        """Return call, number, mode and file of the operation that it died at; empty if it has not."""
        if self._lives() or self._process().returncode != -signal.SIGKILL or not self.log.exists():
            return ""
        return self.log.read_text(errors="replace").split("\n")[0].replace(str(self.state), "")

    def _after(self) -> list[str]:
        """Return what is broken in what a killed engine left, and which of its processes outlived it."""
        deadline = time.monotonic() + GONE_S
        while (left := self._orphans()) and time.monotonic() < deadline:
            time.sleep(0.05)
        found = [f"orphans: process {pid} outlived the engine" for pid in left]
        if (self.state / "journal.db").exists():
            found += broken(self.state, self.workload.acknowledged)
        elif self.workload.acknowledged:
            found.append("journal: gone")
        return found

    def _orphans(self) -> list[int]:
        mark = f"MIMICRY_KILL_LOG={self.log}".encode()
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                with contextlib.suppress(OSError), open(f"/proc/{entry.name}/environ", "rb") as environ:
                    if mark in environ.read():
                        found.append(int(entry.name))
        return found

    def settle(self) -> list[str]:
        """Run one engine until everything asked for has its end; return what was lost, doubled or is broken."""
        self.start(dict(os.environ))
        deadline, begun = time.monotonic() + self.workload.patience, time.monotonic()
        while not self._answers() and time.monotonic() < begun + ANSWER_S:
            time.sleep(0.1)
        while not self.workload.settled(self.state) and time.monotonic() < deadline:
            time.sleep(0.3)
        late = (
            []
            if self.workload.settled(self.state)
            else [f"work: not settled within {self.workload.patience:g} s"]
        )
        self._send(signal.SIGTERM)
        try:
            code = self._process().wait(60)
        except subprocess.TimeoutExpired:
            self._send(signal.SIGKILL)
            code = self._process().wait()
        found = late + ([] if code == 0 else [f"end: exit code {code}"])
        return found + broken(self.state, self.workload.acknowledged) + self.workload.verify(self.state)

    def _answers(self) -> bool:
        try:
            return call(self.state, "snapshot", within=5.0).ok
        except (MimicryError, OSError):
            return False


def run(
    name: str, kills: int, seed: int, folder: Path, library: Path | None, base: Base, told: Any
) -> Counter[str]:
    """Kill so often under one workload; return the count."""
    count, left, number = Counter[str](), kills, 0
    chooser = Chooser(random.Random(f"{name}-{seed}"), library, WORKLOADS[name].places)
    while left > 0:
        number += 1
        killer = Killer(folder / f"{name}-{number}", WORKLOADS[name](chooser.rng, base), chooser)
        for _ in range(min(EPOCH, left)):
            kill = killer.round()
            told(asdict(kill))
            count["kills"] += 1
            count[f"at {kill.place}"] += 1
            count["broken after a kill"] += bool(kill.broken)
        left -= EPOCH
        found = killer.settle()
        told({"workload": name, "settled": number, "found": found, **killer.workload.count(killer.state)})
        count.update(killer.workload.count(killer.state))
        count["lost or doubled"] += len(found)
        if not found and not count["broken after a kill"]:
            shutil.rmtree(killer.folder)
    return count


def table(files: list[Path]) -> str:
    """Return the kills of `--out` files by workload and place, with what was broken, as a Markdown table."""
    kills = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    counted = Counter((one["place"], one["workload"]) for one in kills if "place" in one)
    names = sorted({workload for _, workload in counted})
    places = sorted(
        {place for place, _ in counted}, key=lambda place: -sum(counted[place, name] for name in names)
    )
    rows = [[place, *(str(counted[place, name] or "") for name in names)] for place in places]
    sums = [str(sum(counted[place, name] for place in places)) for name in names]
    bad = [
        str(sum(bool(one.get("broken")) for one in kills if one.get("workload") == name)) for name in names
    ]
    body = [
        ["place", *names],
        ["---"] * (len(names) + 1),
        *rows,
        ["all", *sums],
        ["broken right after", *bad],
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in body)


def main() -> int:
    """Run by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", default=[])
    parser.add_argument("--kills", type=int, default=20, help="of each workload")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="one JSON line a kill")
    parser.add_argument(
        "--folder", type=Path, help="where the state directories are made, and kept where something is found"
    )
    parser.add_argument(
        "--table", type=Path, nargs="+", metavar="FILE", help="run nothing: tabulate the --out files of runs"
    )
    asked = parser.parse_args()
    if asked.table:
        print(table(asked.table))
        return 0
    with contextlib.ExitStack() as stack:
        folder = asked.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="mimicry-kills-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        out = stack.enter_context(asked.out.open("a")) if asked.out else sys.stdout

        def told(line: dict[str, Any]) -> None:
            print(json.dumps(line), file=out, flush=True)

        library, base, bad = shim(folder), Base(folder / "base"), 0
        for name in asked.workloads or WORKLOADS:
            begun = time.monotonic()
            count = run(name, asked.kills, asked.seed, folder, library, base, told)
            bad += count["lost or doubled"] + count["broken after a kill"]
            print(
                json.dumps(
                    {"total": name, "seconds": round(time.monotonic() - begun), **dict(sorted(count.items()))}
                ),
                flush=True,
            )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
