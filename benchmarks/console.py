"""Measure the console in a real terminal: CPU, bytes, memory and first frame while a room changes at 2 Hz.

Runs `python -m tui` on a pseudo terminal against a socket server that replays a changing 26-GPU room.
    python benchmarks/console.py [--seconds 10] [--sizes 80x24 160x48] [--hz 2] [--check]
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
STAND_IN = ROOT / "tests" / "tui" / "stand_in.py"
SETTLE = 3.0
"""Seconds after the first live frame that are not counted: start-up is measured apart."""
MOST_CPU, LATEST_FRAME = 3.0, 1.0
"""What the console promises: per cent of one core at 2 Hz, seconds to its first frame."""


@dataclass
class Run:
    """One measured console; times in seconds, sizes in bytes."""

    size: str
    cpu: float
    rate: float
    packed: float
    rss: int
    first: float
    live: float

    def __str__(self) -> str:
        return (
            f"{self.size:>8}  cpu {self.cpu:4.1f} %   out {self.rate / 1024:5.1f} KiB/s"
            f" (ssh -C about {self.packed / 1024:4.1f})   rss {self.rss / 2**20:4.0f} MB"
            f"   first frame {self.first:.2f} s   live {self.live:.2f} s"
        )


class Terminal:
    """A pseudo terminal with a console in it, and everything that the console wrote."""

    def __init__(self, state: Path, columns: int, rows: int) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "SSH_TTY": "/dev/pts/0"}
        environment.pop("NO_COLOR", None)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui", "--state", str(state)],
            stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def read(self, seconds: float) -> bytes:
        """Return what is written within `seconds`, less when the console ends."""
        end, parts = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    parts.append(os.read(self.master, 1 << 16))
                except OSError:  # the other side of a pseudo terminal closed
                    break
        return b"".join(parts)

    def wait_for(self, words: bytes, seconds: float = 20.0) -> float:
        """Return the seconds from the start until `words` were written."""
        seen = b""
        while words not in seen:
            seen = seen[-200:] + self.read(0.01)
            if time.monotonic() - self.started > seconds:
                raise SystemExit(f"the console did not show {words!r} within {seconds} s")
        return time.monotonic() - self.started

    def close(self) -> None:
        """End the console."""
        self.process.terminate()
        self.read(0.5)
        self.process.wait(10)
        os.close(self.master)


def measure(state: Path, columns: int, rows: int, seconds: float) -> Run:
    """Run one console for `seconds` after it has settled."""
    terminal = Terminal(state, columns, rows)
    try:
        first = terminal.wait_for(b"MIMICRY")
        live = terminal.wait_for(b"RUN")
        terminal.read(SETTLE)
        process = psutil.Process(terminal.process.pid)
        before, start = process.cpu_times(), time.monotonic()
        written = terminal.read(seconds)
        after, lasted = process.cpu_times(), time.monotonic() - start
        cpu = (after.user - before.user + after.system - before.system) / lasted * 100
        packed = len(zlib.compress(written, 6))
        rss = process.memory_info().rss
    finally:
        terminal.close()
    return Run(f"{columns}x{rows}", cpu, len(written) / lasted, packed / lasted, rss, first, live)


def main() -> int:
    """Measure every size and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--hz", type=float, default=2.0)
    parser.add_argument("--sizes", nargs="+", default=["80x24", "160x48"])
    parser.add_argument("--check", action="store_true", help="exit 1 when a promise is broken")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(STAND_IN), "--state", folder, "--hz", str(options.hz)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            server.stdout.readline()
            try:
                sizes = [tuple(map(int, size.split("x"))) for size in options.sizes]
                runs = [measure(Path(folder), wide, high, options.seconds) for wide, high in sizes]
            finally:
                server.terminate()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {options.hz:g} snapshots a second")
    for run in runs:
        print(run)
    broken = any(run.cpu > MOST_CPU or run.first > LATEST_FRAME for run in runs)
    return 1 if options.check and broken else 0


if __name__ == "__main__":
    sys.exit(main())
