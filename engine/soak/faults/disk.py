"""Faults of the disk under the state directory: full, read-only, slow, failing. Nothing else of the machine is touched."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.errors import EnvironmentFault
from engine.soak.fault import CannotBeDone
from engine.soak.faults.base import Base, Letter, engine_of, program, risen, root, whole
from engine.soak.target import Target

ROOM_MB = 16
"""What the small disk offers beyond what the state holds already."""
FILLER = ".fault-filler"
ASIDE = "state-before-full_disk"
"""Where the state stands, in the scratch directory, while a small disk is mounted in its place."""
SPARED = ("journal.db-shm", "stop.word", "control.sock")
"""Mapped memory and a socket: a read-only mount would not take them from a running process either."""
ATTACH_S = 10.0


class Written(Base):
    """A disk fault that is over once everything is written again: record, request, answer, archive."""

    undo_first, hold_s = True, 10.0

    def __init__(self) -> None:
        self._letter: Letter | None = None
        self._engine = 0

    def recovered(self, target: Target) -> bool:
        """Say whether a letter that came after the fault has been taken, answered and archived."""
        if self._letter is None:
            self._letter = Letter(target)
        return self._letter.answer is not None and whole(target)

    def findings(self, target: Target) -> list[str]:
        """The engine must have lived through it."""
        same = target.pids("engine")[:1] == [self._engine]
        return [] if same else [f"engine {self._engine} did not live through it"]


class FullDisk(Written):
    """The state directory stands on a small tmpfs, and a file of ours fills it."""

    name = "full_disk"
    summary = f"the state on a tmpfs with {ROOM_MB} MiB to spare; the rest filled for 10 s, then freed"
    holds = "nothing is half-written, what was acknowledged stands, the engine says so and goes on by itself when there is room"
    needs = "root and mount"

    def __init__(self) -> None:
        super().__init__()
        self._filled = False

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Restart the room on the small disk, then fill it."""
        root("mount a small disk")
        program("mount")
        target.restart({"between": lambda: _mount(target)})
        if not mounted(target.state):
            raise CannotBeDone("a tmpfs could not be mounted over the state directory")
        self._engine = risen(target)
        size, self._filled = _fill(target.state / FILLER), True
        return f"filled the last {size >> 10} KiB of the small disk under {target.state.name}/"

    def undo(self, target: Target) -> None:
        """Free the space; the small disk stays until the room has recovered on it, unless it was never filled."""
        (target.state / FILLER).unlink(missing_ok=True)
        if not self._filled and mounted(target.state):
            target.restart({"between": lambda: tidy(target.state, target.scratch)})

    def findings(self, target: Target) -> list[str]:
        """Look at the engine, then give the room its own disk back."""
        found = super().findings(target)
        target.restart({"between": lambda: tidy(target.state, target.scratch)})
        return found + (["the small disk could not be taken away"] if mounted(target.state) else [])


class ReadOnlyState(Written):
    """Every file and folder of the state directory becomes immutable, also for handles that are open."""

    name = "readonly_state"
    summary = "the state directory made immutable (chattr +i) for 10 s"
    holds = "no write is taken for done that was not, the engine says so and goes on by itself afterwards"
    needs = "root and chattr (ext4, xfs, btrfs)"

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Make it immutable."""
        root("make files immutable")
        self._engine = engine_of(target)
        (target.scratch / "immutable").write_text(str(target.state))
        if not _chattr("+i", target.state):
            _chattr("-i", target.state)
            raise CannotBeDone(f"the file system of {target.state} knows no immutable files")
        return f"made {target.state.name}/ immutable"

    def undo(self, target: Target) -> None:
        """Make it writable again."""
        _chattr("-i", target.state)
        (target.scratch / "immutable").unlink(missing_ok=True)


class Traced(Written):
    """A fault that strace does to the engine's system calls, from outside."""

    needs = "strace and ptrace of our own processes"
    calls = "fsync,fdatasync"
    how: str

    def __init__(self) -> None:
        super().__init__()
        self._tracer: subprocess.Popen[bytes] | None = None

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Attach to the engine."""
        self._engine = engine_of(target)
        command = [program("strace"), "-f", "-q", "-o", os.devnull, "-p", str(self._engine)]
        command += ["-e", f"trace={self.calls}", "-e", f"inject={self.calls}:{self.how}"]
        self._tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        deadline = time.monotonic() + ATTACH_S
        while not _is_traced(self._engine):
            if self._tracer.poll() is not None or time.monotonic() > deadline:
                raise CannotBeDone("the kernel does not let us trace our own engine (ptrace)")
            time.sleep(0.02)
        return f"{self.calls} of engine {self._engine}: {self.how}"

    def undo(self, target: Target) -> None:
        """Detach."""
        if self._tracer is not None:
            self._tracer.send_signal(signal.SIGINT)
            try:
                self._tracer.wait(ATTACH_S)
            except subprocess.TimeoutExpired:
                self._tracer.kill()
                self._tracer.wait()


class SlowDisk(Traced):
    """Every fsync takes a quarter of a second longer."""

    name = "slow_disk"
    summary = "every fsync of the engine takes 250 ms longer, for 15 s"
    holds = "nothing is lost or given up; a halt reaches kernels before its row is written"
    how, hold_s = "delay_enter=250000", 15.0


class FailingDisk(Traced):
    """Every fsync fails."""

    name = "failing_disk"
    summary = "every fsync of the engine fails with EIO, for 10 s"
    holds = "nothing is taken for durable that is not; the engine says so and goes on by itself afterwards"
    how = "error=EIO"


def tidy(state: Path, scratch: Path) -> list[str]:
    """Undo what a soak that was killed may have left of these faults; return what was done. Call it while no engine runs."""
    done = []
    if mounted(state):
        _unmount(state, scratch)
        done.append(f"took the small disk from {state}")
    mark = scratch / "immutable"
    if mark.exists():
        _chattr("-i", state)
        mark.unlink()
        done.append(f"made {state} writable again")
    return done


def mounted(state: Path) -> bool:
    """Say whether a small disk of ours lies over the state directory."""
    with contextlib.suppress(OSError):
        return any(line.split()[1] == str(state.resolve()) for line in _mounts())
    return False


def _mounts() -> Iterator[str]:
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as table:
        yield from (line for line in table if line.startswith("mimicry-fault "))


def _mount(target: Target) -> None:
    """Put a small tmpfs in the state's place, with a copy of all that is in it. The state itself stays below it."""
    used = sum(path.stat().st_size for path in target.state.rglob("*") if path.is_file())
    size = f"size={(used >> 20) + ROOM_MB}m,mode=0700"
    aside = target.scratch / ASIDE
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(target.state, aside, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "mimicry-fault", str(target.state.resolve())], capture_output=True, check=False)  # fmt: skip
    if done.returncode == 0:
        shutil.copytree(aside, target.state, symlinks=True, dirs_exist_ok=True)


def _unmount(state: Path, scratch: Path) -> None:
    """Take what stands on the small disk back to the real one, whole, then let the small disk go."""
    (state / FILLER).unlink(missing_ok=True)
    aside = scratch / ASIDE
    fresh = scratch / f"{ASIDE}.new"
    for old in (aside, fresh):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(state, fresh, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    done = subprocess.run(["umount", str(state.resolve())], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentFault(f"umount {state}: {done.stderr.strip()}; the state stands whole in {fresh}")
    for path in state.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.copytree(fresh, state, symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(fresh)


def _fill(path: Path) -> int:
    """Write until there is no room left; return the bytes."""
    with path.open("wb", buffering=0) as filler:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(b"\0" * size)
        return filler.tell()


def _chattr(flag: str, state: Path) -> bool:
    """Set or take the flag from everything in the state but what is mapped; say whether all of it took it."""
    tool = program("chattr")
    paths = [
        path for path in state.rglob("*") if path.name not in SPARED and (path.is_file() or path.is_dir())
    ]
    done = True
    for begin in range(0, len(paths), 500):
        some = [str(path) for path in paths[begin : begin + 500] if not path.is_symlink()]
        done &= subprocess.run([tool, flag, *some], capture_output=True, check=False).returncode == 0
    return done & (subprocess.run([tool, flag, str(state)], capture_output=True, check=False).returncode == 0)


def _is_traced(pid: int) -> bool:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="ascii") as status:
        return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in status)
    return False
