"""Where the engine is killed: at any moment, or at the N-th durable operation of a kind, before, after or in the middle of it."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).with_name("kill_point.c")
MODES = ("before", "after", "torn")
ALL = "put+write+fsync+fdatasync+rename+unlink+truncate"
MOMENT = "any moment"
FIRST_REACH = 4.0


@dataclass(frozen=True)
class Place:
    """One kind of place: which system calls, on which files; `ending` ends the engine politely to get there."""

    name: str
    calls: str = ""
    path: str = ""
    weight: float = 1.0
    ending: bool = False


PLACES: tuple[Place, ...] = (
    Place(MOMENT, weight=4),
    Place("transaction: log written", "put", "journal.db-wal$", 3),
    Place("transaction: log synced", "fdatasync", "journal.db-wal$", 2),
    Place("checkpoint", "put+fdatasync+truncate", "journal.db$", 1, ending=True),
    Place("end: log removed", "unlink", "journal.db", 0.3, ending=True),
    Place("artifact written", "write+fsync+rename", "/artifacts/", 2),
    Place("inbox and archive", "write+fsync+rename", "/watcher_requests/", 2),
    Place("draws", "write+fsync", "/history/draws.jsonl$", 2),
    Place("mirrors", "write+fsync+rename", "/watcher_history.json", 0.5),
    Place("mirror lines", "write", "/watcher_decisions.jsonl$", 0.5),
    Place("policy files", "write+fsync+rename", "/policy_history/", 0.7),
    Place("any durable call", ALL, "/state/", 2),
)


def shim(folder: Path) -> Path | None:
    """Compile the library that kills; None where there is no compiler."""
    compiler = shutil.which("cc")
    library = folder / "kill_point.so"
    if compiler is None:
        return None
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


@dataclass
class Chooser:
    """Draws places by weight, and how many operations to let pass: as many as lives have been seen to have."""

    rng: random.Random
    library: Path | None
    only: tuple[str, ...] = ()
    reach: dict[str, float] = field(default_factory=dict)

    def next(self) -> tuple[Place, int, str]:
        """Return a place, the number of the operation, and the mode."""
        known = [one for one in PLACES if self.library is not None or one.name == MOMENT]
        known = [one for one in known if not self.only or one.name in self.only]
        place = self.rng.choices(known, [one.weight for one in known])[0]
        most = max(1, round(self.reach.setdefault(place.name, FIRST_REACH)))
        return place, self.rng.randint(1, most), self.rng.choice(MODES)

    def learn(self, place: Place, number: int, hit: bool) -> None:
        """Reach further where the operation came, less far where it did not."""
        reach = self.reach.get(place.name, FIRST_REACH)
        self.reach[place.name] = max(reach, number * 1.5) if hit else max(1.0, min(reach, number * 0.7))

    def environment(self, place: Place, number: int, mode: str, log: Path) -> dict[str, str]:
        """Return the environment under which the engine dies there."""
        env = dict(os.environ) | {"MIMICRY_KILL_LOG": str(log)}
        if place.calls:
            env |= {
                "LD_PRELOAD": str(self.library),
                "MIMICRY_KILL": f"{place.calls}:{place.path}:{number}:{mode}",
            }
        return env
