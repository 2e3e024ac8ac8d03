"""Measure the console in a real terminal: CPU, bytes, memory and first frame while a room changes at 2 Hz; keys and logs.

Runs `python -m tui` on a pseudo terminal against a socket server that replays a changing 26-GPU room.
    python benchmarks/console.py [--seconds 10] [--sizes 80x24 160x48] [--hz 2] [--check]
    python benchmarks/console.py --lists [--devices 1000]     key to screen in a long list, and its cost at rest
    python benchmarks/console.py --log-mb 1024                from the key to the last line of a log of that size
    python benchmarks/console.py --viewers 10 [--rounds 5]    a real engine's loop without and with viewers, one of them stopped
    python benchmarks/console.py --trials 100000              a real engine with so many trials: from the key to the list and its plot
    python benchmarks/console.py --flat 7200 [--speed 50]     memory over two hours of updates, walking through all screens
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


FAST = """
import sys
from pathlib import Path
from tui.app import Console
console = Console(Path(sys.argv[1]))
console._refresh_every = 0.1 + 0.4 / float(sys.argv[2])  # the console subtracts a tenth
console.run()
"""
"""A console that paints as often as a faster room sends."""


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
    attach: float
    """Processor seconds until the first live picture."""

    def __str__(self) -> str:
        return (
            f"{self.size:>8}  cpu {self.cpu:4.1f} %   out {self.rate / 1024:5.1f} KiB/s"
            f" (ssh -C about {self.packed / 1024:4.1f})   rss {self.rss / 2**20:4.0f} MB"
            f"   first frame {self.first:.2f} s   live {self.live:.2f} s, {self.attach:.2f} s of processor time"
        )


class Terminal:
    """A pseudo terminal with a console in it, and everything that the console wrote."""

    def __init__(self, state: Path, columns: int, rows: int, *, speed: float = 1.0) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "SSH_TTY": "/dev/pts/0"}
        # As installed: the interpreter keeps what it compiled, also where the one that measures must not.
        for name in ("NO_COLOR", "PYTHONDONTWRITEBYTECODE"):
            environment.pop(name, None)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui", "--state", str(state)] if speed == 1.0 else [sys.executable, "-c", FAST, str(state), str(speed)],
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

    def press(self, key: bytes, shows: bytes, seconds: float = 20.0) -> float:
        """Type a key and return the seconds until the console wrote `shows`."""
        begun, seen = time.monotonic(), b""
        os.write(self.master, key)
        while shows not in seen:
            if select.select([self.master], [], [], 0.5)[0]:
                seen = seen[-200:] + os.read(self.master, 1 << 16)
            if time.monotonic() - begun > seconds:
                raise SystemExit(f"{key!r} never showed {shows!r}")
        return time.monotonic() - begun

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
        process = psutil.Process(terminal.process.pid)
        started = process.cpu_times()
        terminal.read(SETTLE)
        before, start = process.cpu_times(), time.monotonic()
        written = terminal.read(seconds)
        after, lasted = process.cpu_times(), time.monotonic() - start
        cpu = (after.user - before.user + after.system - before.system) / lasted * 100
        packed = len(zlib.compress(written, 6))
        rss = process.memory_info().rss
    finally:
        terminal.close()
    return Run(
        f"{columns}x{rows}",
        cpu,
        len(written) / lasted,
        packed / lasted,
        rss,
        first,
        live,
        started.user + started.system,
    )


CURSOR = "▸".encode()


def measure_keys(state: Path, devices: int, presses: int = 300) -> str:
    """Walk a long list by rows and pages; return the time from key to screen, and the CPU of the list at rest."""
    terminal = Terminal(state, 120, 40)
    try:
        terminal.wait_for(b"RUN")
        terminal.read(SETTLE)
        opened = terminal.press(b"2", b"hotspot" if devices < 40 else CURSOR)
        terminal.read(2.0)
        took = []
        process = psutil.Process(terminal.process.pid)
        begun = process.cpu_times()
        for turn in range(presses):
            keys = (b"j", b"j", b"j", b"\x1b[6~", b"k", b"\x1b[5~")
            took.append(terminal.press(keys[turn % len(keys)], CURSOR))
            terminal.read(0.03)
        ended = process.cpu_times()
        work = (ended.user - begun.user + ended.system - begun.system) / presses
        before, start = process.cpu_times(), time.monotonic()
        written = terminal.read(10.0)
        after, lasted = process.cpu_times(), time.monotonic() - start
        cpu = (after.user - before.user + after.system - before.system) / lasted * 100
        rss = process.memory_info().rss
    finally:
        terminal.close()
    took.sort()
    middle, late = took[len(took) // 2], took[int(len(took) * 0.99)]
    return (
        f"{devices} rows, 120x40: opened in {opened * 1e3:.0f} ms; key to screen median {middle * 1e3:.1f} ms,"
        f" cpu {work * 1e3:.1f} ms a key,"
        f" p99 {late * 1e3:.1f} ms, worst {took[-1] * 1e3:.1f} ms of {presses};"
        f" at rest cpu {cpu:.1f} %, {len(written) / lasted / 1024:.1f} KiB/s, rss {rss / 2**20:.0f} MB"
    )


def measure_log(state: Path, megabytes: int) -> str:
    """Open a log of a given size; return the time from the key to its last line on screen."""
    line = '{"at": "2026-11-23T13:%02d:%02d.%03dZ", "level": "info", "source": "mimicry.workbench", "text": "chunk %d done"}\n'
    folder = state / "logs"
    folder.mkdir(exist_ok=True)
    with (folder / "watcher_agent.log").open("w") as file:
        block = "".join(line % (i // 60000, i // 1000 % 60, i % 1000, i) for i in range(100_000))
        for _ in range(max(1, megabytes * 2**20 // len(block))):
            file.write(block)
        file.write(line % (59, 59, 999, 424242424242))
    size = (folder / "watcher_agent.log").stat().st_size
    terminal = Terminal(state, 120, 40)
    try:
        terminal.wait_for(b"RUN")
        terminal.read(SETTLE)
        took = terminal.press(b"9", b"424242424242")
        rss = psutil.Process(terminal.process.pid).memory_info().rss
    finally:
        terminal.close()
        (folder / "watcher_agent.log").unlink()
    return f"log of {size / 2**20:.0f} MB: last line on screen {took * 1e3:.0f} ms after the key; rss {rss / 2**20:.0f} MB"


WALK = "1234567890!"
"""The screens that the long run goes through, one a minute."""


def measure_flat(state: Path, seconds: float, speed: float) -> str:
    """Let a room change for so long, going from screen to screen; return memory and handles at the start, the end, and the slope."""
    terminal = Terminal(state, 120, 40, speed=speed)
    taken: list[tuple[float, float, int]] = []
    try:
        terminal.wait_for(b"RUN")
        process, begun, turn = psutil.Process(terminal.process.pid), time.monotonic(), 0
        written = 0
        while (at := (time.monotonic() - begun) * speed) < seconds:
            if at >= 60 * turn:
                os.write(terminal.master, (WALK[turn % len(WALK)] + "jjk").encode())
                turn += 1
            written += len(terminal.read(max(0.2, 10 / speed)))
            taken.append((at, process.memory_info().rss / 2**20, process.num_fds()))
        used = process.cpu_times()
    finally:
        terminal.close()
    warm = [(at, rss) for at, rss, _ in taken if at >= min(1200.0, seconds / 4)]
    middle = sum(at for at, _ in warm) / len(warm)
    mean = sum(rss for _, rss in warm) / len(warm)
    slope = sum((at - middle) * (rss - mean) for at, rss in warm) / sum((at - middle) ** 2 for at, _ in warm)
    rss = [each for _, each in warm]
    lasted = seconds / speed
    return (
        f"{seconds / 3600:.2f} h of updates at {speed:g} times, 120x40, {turn} changes of screen: rss {taken[0][1]:.1f} MB at first,"
        f" then {min(rss):.1f} to {max(rss):.1f}, at the end {rss[-1]:.1f} MB, slope {slope * 3600:+.2f} MB an hour;"
        f" handles {taken[0][2]} to {taken[-1][2]}; cpu {(used.user + used.system) / lasted * 100:.1f} %,"
        f" {written / lasted / 1024:.1f} KiB/s"
    )


VIEWER = """
import asyncio, sys
from pathlib import Path
from engine.client import Client
async def main():
    clients = [await Client.connect(Path(sys.argv[1]), readonly=True) for _ in range(int(sys.argv[2]))]
    async def follow(client):
        async for _ in client.snapshots():
            pass
    print("on", flush=True)
    await asyncio.gather(*(follow(client) for client in clients))
asyncio.run(main())
"""
"""Viewers without a picture: what they cost is the engine's, not that of drawing."""


def quantile(values: list[float], share: float) -> float:
    """Return a quantile of measured values."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure_viewers(state: Path, viewers: int, rounds: int, seconds: float) -> str:
    """Ask a real engine's loop ten times a second, in turns without and with viewers of which one is stopped."""
    import signal

    from engine.client import call

    engine = _engine(state)
    took: dict[str, list[float]] = {"none": [], "all": []}
    cpu: dict[str, list[float]] = {"none": [], "all": []}
    process = psutil.Process(engine.pid)

    def phase(name: str) -> None:
        used, begun = process.cpu_times(), time.monotonic()
        while time.monotonic() - begun < seconds:
            asked = time.monotonic()
            call(state, "tables")
            took[name].append((time.monotonic() - asked) * 1e3)
            time.sleep(max(0.0, 0.1 - (time.monotonic() - asked)))
        after = process.cpu_times()
        lasted = time.monotonic() - begun
        cpu[name].append((after.user - used.user + after.system - used.system) / lasted * 100)

    try:
        time.sleep(5)
        for _ in range(rounds):
            phase("none")
            watching = [_viewer(state, viewers - 1), _viewer(state, 1)]
            try:
                watching[1].send_signal(signal.SIGSTOP)
                phase("all")
            finally:
                for each in watching:
                    each.kill()
                    each.wait()
    finally:
        engine.terminate()
        engine.wait(20)
    without, withall = sum(cpu["none"]) / rounds, sum(cpu["all"]) / rounds
    return (
        f"{viewers} viewers, one stopped, {rounds} turns of {seconds:g} s: the loop answers in median {quantile(took['none'], 0.5):.2f} ms without,"
        f" {quantile(took['all'], 0.5):.2f} ms with; p99 {quantile(took['none'], 0.99):.1f} and {quantile(took['all'], 0.99):.1f} ms,"
        f" ratio {quantile(took['all'], 0.99) / quantile(took['none'], 0.99):.2f}; engine cpu {without:.2f} % and {withall:.2f} %,"
        f" {(withall - without) / viewers:.2f} % a viewer"
    )


def _viewer(state: Path, count: int) -> subprocess.Popen[bytes]:
    viewer = subprocess.Popen(
        [sys.executable, "-c", VIEWER, str(state), str(count)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert viewer.stdout is not None
    viewer.stdout.readline()
    return viewer


def _engine(state: Path) -> subprocess.Popen[bytes]:
    """Start a real engine and wait until it answers."""
    from engine.client import call
    from engine.errors import Unreachable

    engine = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "--state", str(state), "--no-ui"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(300):
        try:
            call(state, "snapshot")
            return engine
        except Unreachable:
            time.sleep(0.1)
    raise SystemExit("the engine did not come up")


def measure_trials(state: Path, count: int) -> str:
    """Fill a journal with trials, start the engine, open the list in a console; return the times from the key."""
    from state.journal import Journal

    with Journal.open(state) as journal:
        for begin in range(0, count, 5000):
            with journal.transaction() as tx:
                for number in range(begin, min(count, begin + 5000)):
                    told = {
                        "study": "s",
                        "run": "run-0001",
                        "step": "2.5",
                        "trial": number,
                        "params": {"depth": number % 9, "rate": 0.01 * (number % 7)},
                    }
                    tx.event(
                        "trial.finished",
                        {
                            **told,
                            "value": (number * 7919 % 1000) / 1000 + number / count,
                            "state": "complete",
                            "seconds": 0.2,
                        },
                    )
    engine = _engine(state)
    terminal = Terminal(state, 120, 40)
    try:
        terminal.wait_for(b"IDLE", 60)
        terminal.read(SETTLE)
        begun, used = time.monotonic(), psutil.Process(engine.pid).cpu_times()
        opened = terminal.press(b"5", f"Trials {count:,}".encode(), 60)
        seen = b""
        while f"value of {count:,}".encode() not in seen and time.monotonic() - begun < 60:
            seen = seen[-400:] + terminal.read(0.01)
        plotted = time.monotonic() - begun
        after = psutil.Process(engine.pid).cpu_times()
        ended = terminal.press(b"\x1b[F", f"of {count:,}".encode(), 60)
        terminal.read(3.0)
        rss = psutil.Process(terminal.process.pid).memory_info().rss
    finally:
        terminal.close()
        engine.terminate()
        engine.wait(20)
    return (
        f"{count:,} trials: list on screen {opened * 1e3:.0f} ms after the key, plot of all of them {plotted * 1e3:.0f} ms"
        f" (engine {(after.user - used.user + after.system - used.system) * 1e3:.0f} ms of processor time),"
        f" End {ended * 1e3:.0f} ms; console rss {rss / 2**20:.0f} MB"
    )


def main() -> int:
    """Measure what was asked and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--hz", type=float, default=2.0)
    parser.add_argument("--sizes", nargs="+", default=["80x24", "160x48"])
    parser.add_argument("--check", action="store_true", help="exit 1 when a promise is broken")
    parser.add_argument("--lists", action="store_true", help="key to screen in a long list")
    parser.add_argument("--devices", type=int, default=26)
    parser.add_argument("--log-mb", type=int, default=0, help="open a log of so many MB")
    parser.add_argument(
        "--flat", type=float, default=0.0, metavar="S", help="memory over so many seconds of the room"
    )
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster the room goes, with --flat")
    parser.add_argument(
        "--viewers", type=int, default=0, help="a real engine without and with so many viewers"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=0, help="a real engine with so many trials")
    options = parser.parse_args()
    if options.viewers or options.trials:
        with tempfile.TemporaryDirectory() as folder:
            print(
                measure_viewers(Path(folder), options.viewers, options.rounds, options.seconds)
                if options.viewers
                else measure_trials(Path(folder), options.trials)
            )
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            str(STAND_IN),
            "--state",
            folder,
            "--hz",
            str(options.hz * options.speed),
            "--devices",
            str(options.devices),
        ]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            server.stdout.readline()
            try:
                if options.flat:
                    print(measure_flat(Path(folder), options.flat, options.speed))
                    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
                    return 0
                if options.lists or options.log_mb:
                    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
                    print(
                        measure_keys(Path(folder), options.devices)
                        if options.lists
                        else measure_log(Path(folder), options.log_mb)
                    )
                    return 0
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
