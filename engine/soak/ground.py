"""Where a soak runs: its directory, the room's state in it, and the one settings file in which test mode stands.

The daemon gets this file by `--config`; a daemon that is started any other way over the same state knows nothing of test
mode, so there is nothing that a crash could leave switched on.
"""

from __future__ import annotations

import json
import os
import platform
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import BadInput, EnvironmentFault, UsageError
from engine.soak.faults.relay import wrapped
from state.files import make_folder, sync_directory, write_atomic

HUNG_S = 60.0
"""A chunk of a soak that takes longer hangs: the fault of that name must fit into a soak of minutes."""
FOLDER, ROOM, CONFIG, DRAWS, STATUS = "soaks", "room", "room.toml", "draws.csv", "status.json"
ORDERS = "orders"
"""The folder of a soak in which a person's orders for its runner lie."""
REPORT, PAGE, RAW = "report.json", "report.html", "readings.csv.gz"
_ID = re.compile(r"[abc]-\d{8}-\d{6}(-\d+)?")
COMMAND = "llm.command"
DROPPED = ("state", "history", "demo", "schedule", "search", "test_mode", "synthetic_injection")
"""What of the operator's settings does not hold in a soak: where draws come from, what is searched, whom alerts wake."""


@dataclass(frozen=True)
class Ground:
    """One soak's directory."""

    path: Path

    @property
    def id(self) -> str:
        """Return the soak's id."""
        return self.path.name

    @property
    def room(self) -> Path:
        """Return the state directory of the soak's daemon."""
        return self.path / ROOM

    @property
    def config(self) -> Path:
        """Return the settings file of the soak's daemon."""
        return self.path / CONFIG

    @property
    def draws(self) -> Path:
        """Return the file that the daemon follows."""
        return self.path / DRAWS

    @property
    def scratch(self) -> Path:
        """Return a folder for files of faults."""
        return self.path / "scratch"


def new(state: Path, letter: str) -> Ground:
    """Make the directory of a new soak: `$STATE/soaks/<letter>-<date>-<time>`."""
    name = f"{letter}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    for attempt in range(100):
        path = state / FOLDER / (name if attempt == 0 else f"{name}-{attempt}")
        try:
            make_folder(path.parent, mode=0o700)
            path.mkdir(mode=0o700)
            sync_directory(path.parent)
        except FileExistsError:
            continue
        except OSError as error:
            raise EnvironmentFault(
                f"{path}: cannot be made ({error.strerror}); give a --state you may write"
            ) from error
        ground = Ground(path)
        ground.room.mkdir(mode=0o700)
        ground.scratch.mkdir(mode=0o700)
        return ground
    raise EnvironmentFault(f"{state / FOLDER}: a hundred soaks of one second; wait for the next one")


def known(state: Path, letter: str = "") -> list[Ground]:
    """Return the soaks under a state directory, oldest first."""
    folder = state / FOLDER
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [Ground(folder / name) for name in names if _ID.fullmatch(name) and name.startswith(letter)]


def find(state: Path, asked: str) -> Ground:
    """Return a soak by id, directory, `last`, or the last one of a letter; UsageError lists what there is."""
    if (Path(asked) / "journal.db").exists():
        return Ground(Path(asked).resolve())
    every = known(state)
    if asked == "last" and every:
        return every[-1]
    found = [one for one in every if one.id == asked] or [
        one for one in every if asked in ("a", "b", "c") and one.id[0] == asked
    ]
    if not found:
        there = ", ".join(one.id for one in every[-5:]) or "none yet"
        raise UsageError(f"soak {asked!r}: there is none under {state / FOLDER}; there are {there}")
    return found[-1]


def write_config(
    ground: Ground, settings: Mapping[str, Any], operator: Path | None, *, relay: bool = False
) -> None:
    """Write the daemon's settings: the operator's, without what a soak decides itself, and test mode.

    With `relay` the model server, if there is one, stands behind the relay that a fault refuses grammars with.
    """
    keys = {
        "compute.hung_s": HUNG_S,
        **_operator(operator),
        **settings,
        "test_mode": True,
        "synthetic_injection.enabled": True,
    }
    if relay and keys.get(COMMAND):
        keys[COMMAND] = wrapped(keys[COMMAND], ground.path.absolute() / "refuse")
    lines = ["# Written by a soak for its own daemon. Test mode stands here and nowhere else."]
    lines += [f"{key} = {_toml(value)}" for key, value in keys.items()]
    write_atomic(ground.config, ("\n".join(lines) + "\n").encode())
    os.chmod(ground.config, 0o600)


def _operator(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    from engine.config import load

    load(path)  # a file with a fault is refused here, in one line, not by a daemon that does not come up
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as TOML: {error}") from error
    kept = {key: value for key, value in tables.items() if key not in DROPPED}
    if isinstance(kept.get("alerts"), dict):
        kept["alerts"] = {key: value for key, value in kept["alerts"].items() if key != "webhook"}
    return dict(_flat(kept))


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in table.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return rows


def _toml(value: Any) -> str:
    """Return a value as TOML; JSON's texts, numbers and booleans are TOML's."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, Path):
        value = str(value)
    return json.dumps(value, ensure_ascii=False)


def machine() -> dict[str, Any]:
    """Return the machine's class: what a reader needs to compare two reports, and nothing that names it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory, 1), "arch": platform.machine(),
        "kernel": platform.release().split("-")[0], "python": platform.python_version(), "load": os.getloadavg()[0],
    }  # fmt: skip
