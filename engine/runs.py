"""Which run a person means: an id under the state directory, a run directory, or `last`."""

from __future__ import annotations

import difflib
from pathlib import Path

from engine.errors import UsageError

FOLDER = "runs"
SPEC = "run.json"
LAST = "last"


def find_run(state: Path, name: str) -> Path:
    """Return the directory of the run called `name`; raise UsageError with the nearest ids where there is none."""
    known = _known(state / FOLDER)
    if name == LAST and known:
        return max(known.values(), key=lambda one: ((one / SPEC).stat().st_mtime_ns, one.name))
    if name in known:
        return known[name]
    if (Path(name) / SPEC).is_file():
        return Path(name).resolve()
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.0)
    hint = f"nearest are: {', '.join(near)}" if near else "it holds none; mimicry analyze FILE makes one"
    raise UsageError(f"run {name!r}: no run directory and no id under {state / FOLDER}; {hint}")


def _known(folder: Path) -> dict[str, Path]:
    return {one.parent.name: one.parent for one in sorted(folder.glob(f"*/{SPEC}"))}
