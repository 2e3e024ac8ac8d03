"""Measure the idle daemon: time to answer, resident memory, CPU, handles; alone and with viewers at 2 Hz.

Starts `mimicry --no-ui` on a fresh state directory as a process of its own.
    python benchmarks/daemon.py [--seconds 15] [--viewers 2] [--check]
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from engine.client import Client, call
from engine.errors import Unreachable

MOST_RSS_MB, MOST_CPU = 150.0, 1.0
"""What the daemon promises when idle."""
SETTLE = 3.0
ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Measure, print, and with --check fail where a promise is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--viewers", type=int, default=2)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        process, ready = start(state)
        try:
            rss, cpu, handles = watch(process.pid, arguments.seconds)
            viewed = asyncio.run(with_viewers(state, process.pid, arguments.viewers, arguments.seconds))
        finally:
            process.terminate()
            code = process.wait(20)
    print(f"first answer      {ready:6.2f} s")
    print(f"idle              {rss:6.1f} MB rss   {cpu:5.2f} % CPU   {handles} handles")
    print(f"{arguments.viewers} viewers at 2 Hz {viewed:19.2f} % CPU")
    print(f"SIGTERM           exit code {code}")
    broken = rss > MOST_RSS_MB or cpu > MOST_CPU or code != 0
    return int(arguments.check and broken)


def start(state: Path) -> tuple[subprocess.Popen[bytes], float]:
    """Start the daemon; return it and the seconds until it answered."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "engine.cli", "--state", str(state), "--no-ui"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    while True:
        try:
            call(state, "snapshot", seconds=2.0)
            return process, time.monotonic() - begun
        except Unreachable:
            if process.poll() is not None:
                raise SystemExit(f"the daemon ended with {process.returncode}") from None
            time.sleep(0.02)


def watch(pid: int, seconds: float) -> tuple[float, float, int]:
    """Return resident MB, per cent of one core, open handles over some seconds."""
    daemon = psutil.Process(pid)
    time.sleep(SETTLE)
    daemon.cpu_percent()
    time.sleep(seconds)
    return daemon.memory_info().rss / 2**20, daemon.cpu_percent(), daemon.num_fds()


async def with_viewers(state: Path, pid: int, viewers: int, seconds: float) -> float:
    """Return per cent of one core while viewers follow at 2 Hz."""
    clients = [await Client.connect(state, readonly=True) for _ in range(viewers)]
    following = [asyncio.create_task(follow(client)) for client in clients]
    daemon = psutil.Process(pid)
    await asyncio.sleep(1.0)
    daemon.cpu_percent()
    await asyncio.sleep(seconds)
    used = daemon.cpu_percent()
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    for client in clients:
        await client.close()
    return used


async def follow(client: Client) -> None:
    """Read snapshots and drop them."""
    async for _ in client.snapshots():
        pass


if __name__ == "__main__":
    sys.exit(main())
