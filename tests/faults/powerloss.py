"""What a disk may hold after the power went: every legal state at every moment of a recorded run of a writer, laid out as files.

The model is stricter than ext4: only what was synced is certain. Of a file, unsynced writes may each be lost, whole, or torn at a sector;
its length may have come without its bytes (zeros). Of a folder, names made, renamed or removed since its last sync may be lost, from
the last one backwards (file systems journal names in order); a rename is one step. A file's own sync does not make its name certain.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).with_name("record_io.c")
SECTOR = 512
ACK = ".acknowledged"
"""A file to which a scenario writes one line whenever the code under test has returned: from then on, that must survive."""


@dataclass(frozen=True)
class Step:
    """One recorded operation; `file` is the inode's number in the recording, made unique over reuse."""

    kind: str
    path: str = ""
    other: str = ""
    file: int = 0
    at: int = 0
    data: bytes = b""


def record(scenario: str, folder: Path, library: Path) -> list[Step]:
    """Run `python scenario.py NAME FOLDER` under the recorder and return what it did to the files under `folder`."""
    log = folder.with_suffix(".record")
    env = os.environ | {
        "LD_PRELOAD": str(library),
        "MIMICRY_RECORD": str(log),
        "MIMICRY_UNDER": str(folder),
        "PYTHONPATH": str(ROOT),
    }
    script = Path(__file__).with_name("scenarios.py")
    done = subprocess.run(
        [sys.executable, str(script), scenario, str(folder)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return list(_parsed(log.read_bytes()))


def recorder(folder: Path) -> Path | None:
    """Compile the recorder; None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "record_io.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"],
        check=True,
    )
    return library


def _parsed(raw: bytes) -> Iterator[Step]:
    at, numbers, fresh = 0, dict[int, int](), 0
    while at < len(raw):
        end = raw.index(b"\n", at)
        kind, _, rest = raw[at:end].decode().partition(" ")
        at = end + 1
        if kind == "C":
            path, _, inode = rest.rpartition("\t")
            fresh += 1
            numbers[int(inode)] = fresh
            yield Step("create", path, file=fresh)
        elif kind == "W":
            inode, offset, size = map(int, rest.split())
            data, at = raw[at : at + size], at + size
            yield Step("write", file=numbers[inode], at=offset, data=data)
        elif kind in "TS":
            words = rest.split()
            yield Step(
                "cut" if kind == "T" else "sync",
                file=numbers[int(words[0])],
                at=int(words[1]) if kind == "T" else 0,
            )
        elif kind == "R":
            old, _, new = rest.partition("\t")
            yield Step("rename", old, new)
        else:
            yield Step({"D": "sync folder", "U": "unlink", "M": "folder"}[kind], rest)


@dataclass
class Disk:
    """The files after some of the steps: what is certain, and what is still in flight."""

    certain: dict[int, bytes] = field(default_factory=dict)
    flying: dict[int, list[Step]] = field(default_factory=dict)
    names: dict[str, int | None] = field(default_factory=dict)
    """Certain names: path to file, None for a folder."""
    moves: list[Step] = field(default_factory=list)
    """Changes of names that are not certain yet, in order."""

    def do(self, step: Step) -> None:
        """Take in one step."""
        match step.kind:
            case "write" | "cut":
                self.flying.setdefault(step.file, []).append(step)
            case "sync":
                self.certain[step.file] = _applied(
                    self.certain.get(step.file, b""), self.flying.pop(step.file, [])
                )
            case "sync folder":
                self._certain_in(step.path)
            case _:
                self.moves.append(step)

    def _certain_in(self, folder: str) -> None:
        """Make names in a folder certain; what must have come before them comes too."""
        last = max((n for n, move in enumerate(self.moves) if folder in _folders(move)), default=-1)
        done = [move for n, move in enumerate(self.moves) if n <= last and folder in _folders(move)]
        for move in done:
            _move(self.names, move)
            self.moves.remove(move)

    def states(self, rng: random.Random, extra: int) -> Iterator[dict[str, bytes | None]]:
        """Yield what the disk may hold if the power goes now: the four extremes, and `extra` mixtures."""
        for names in (0, len(self.moves)):
            for data in ("none", "all", "zeros"):
                yield self._laid_out(names, data, rng)
        for _ in range(extra):
            yield self._laid_out(rng.randint(0, len(self.moves)), "some", rng)

    def _laid_out(self, count: int, data: str, rng: random.Random) -> dict[str, bytes | None]:
        names = dict(self.names)
        for move in self.moves[:count]:
            _move(names, move)
        return {
            path: None if file is None else self._content(file, data, rng)
            for path, file in names.items()
            if _reachable(path, names)
        }

    def _content(self, file: int, data: str, rng: random.Random) -> bytes:
        whole, flying = self.certain.get(file, b""), self.flying.get(file, [])
        if data == "none":
            return whole
        if data == "all":
            return _applied(whole, flying)
        if data == "zeros":
            size = len(_applied(whole, flying))
            return whole[:size] + bytes(max(0, size - len(whole)))
        return _applied(whole, [torn for step in flying if (torn := _torn(step, rng)) is not None])


def _torn(step: Step, rng: random.Random) -> Step | None:
    """Return a write as lost, whole, or cut at a sector, from either end."""
    how = rng.choice(("lost", "whole", "whole", "head", "tail"))
    if how == "lost":
        return None
    if step.kind == "cut" or how == "whole" or len(step.data) <= SECTOR:
        return step
    cut = rng.randrange(SECTOR, len(step.data), SECTOR)
    if how == "head":
        return Step("write", file=step.file, at=step.at, data=step.data[:cut])
    return Step("write", file=step.file, at=step.at + cut, data=step.data[cut:])


def _applied(content: bytes, steps: list[Step]) -> bytes:
    out = bytearray(content)
    for step in steps:
        if step.kind == "cut":
            del out[step.at :]
            out.extend(bytes(step.at - len(out)))
        else:
            out.extend(bytes(max(0, step.at - len(out))))
            out[step.at : step.at + len(step.data)] = step.data
    return bytes(out)


def _folders(move: Step) -> set[str]:
    return {os.path.dirname(path) for path in (move.path, move.other) if path}


def _move(names: dict[str, int | None], move: Step) -> None:
    if move.kind == "create":
        names[move.path] = move.file
    elif move.kind == "folder":
        names[move.path] = None
    elif move.kind == "unlink":
        names.pop(move.path, None)
    elif move.path in names:
        names[move.other] = names.pop(move.path)


def _reachable(path: str, names: dict[str, int | None]) -> bool:
    """Say whether every folder above a path, within what was recorded, is there."""
    above = os.path.dirname(path)
    return (
        above in names or not any(name != above and above.startswith(name) for name in names)
        if above
        else True
    )


def lay_out(state: dict[str, bytes | None], folder: str, target: Path) -> None:
    """Write one state of the disk as real files under `target`, in place of `folder`."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(state):
        content, own = state[path], target / os.path.relpath(path, folder)
        if content is None:
            own.mkdir(parents=True, exist_ok=True)
        else:
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_bytes(content)


def crashes(
    steps: list[Step], rng: random.Random, extra: int
) -> Iterator[tuple[int, list[str], dict[str, bytes | None]]]:
    """Yield (step, lines acknowledged before it, a state of the disk) for every moment of a run."""
    disk, acknowledged, marker = Disk(), list[str](), 0
    for number, step in enumerate(steps):
        if step.kind == "create" and os.path.basename(step.path) == ACK:
            marker = step.file
            continue
        if marker and step.file == marker:
            acknowledged = acknowledged + (step.data.decode().split() if step.kind == "write" else [])
            continue
        disk.do(step)
        for state in disk.states(rng, extra):
            yield number, acknowledged, state
