"""What the console costs a terminal: bytes over a slow line, a storm of sizes, a multiplexer that is left and come back to."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@contextmanager
def serving(state, *options):
    """A stand-in daemon in a process of its own."""
    command = [sys.executable, str(HERE / "stand_in.py"), "--state", str(state), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as server:
        assert server.stdout is not None
        server.stdout.readline()
        try:
            yield server
        finally:
            server.terminate()


@pytest.mark.slow
@pytest.mark.parametrize(("moving", "most"), [(5, 10), (30, 35)])
def test_a_list_of_thirty_costs_few_bytes_a_second(moving, most, tmp_path, terminal):
    """Takes 13 s."""
    with (
        serving(tmp_path, "--devices", "30", "--moving", str(moving)),
        terminal(tmp_path, size=(120, 40), SSH_TTY="/dev/pts/0") as console,
    ):
        console.until("● RUN")
        console.press("2")
        console.until("GPUs 30")
        settle = time.monotonic() + 3
        while time.monotonic() < settle:
            console.read(0.2)
        before, begun = len(console.written.encode()), time.monotonic()
        while time.monotonic() - begun < 8:
            console.read(0.2)
        rate = (len(console.written.encode()) - before) / (time.monotonic() - begun) / 1024
    assert 0.3 < rate <= most


@pytest.mark.slow
def test_a_storm_of_sizes_leaves_a_whole_picture_and_the_engine_alone(tmp_path, terminal):
    """Takes 6 s."""
    with serving(tmp_path) as server, terminal(tmp_path) as console:
        console.until("● RUN")
        for turn in range(60):
            size = (40 + turn * 37 % 200, 8 + turn * 13 % 50)
            fcntl.ioctl(console.master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            os.kill(console.process.pid, signal.SIGWINCH)
            console.read(0.02)
        fcntl.ioctl(console.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.kill(console.process.pid, signal.SIGWINCH)
        console.glass.clear()
        text = console.until("┌─ 2 Fleet")
        assert len(text.splitlines()) <= 24
        assert server.poll() is None
        console.press("q")
        assert console.ends() == 0


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_multiplexer_can_be_left_and_come_back_to(tmp_path):
    """Takes 6 s."""
    name = f"mimicry-test-{os.getpid()}"
    socket = ["tmux", "-L", name, "-f", "/dev/null"]

    def tmux(*words):
        return subprocess.run([*socket, *words], capture_output=True, text=True, check=False).stdout

    def until(words):
        end = time.monotonic() + 30
        while words not in (text := tmux("capture-pane", "-p", "-t", "a")):
            assert time.monotonic() < end, text
            time.sleep(0.2)
        return text

    with serving(tmp_path):
        try:
            command = f"{sys.executable} -m tui --state {tmp_path}"
            subprocess.run(
                [*socket, "new-session", "-d", "-s", "a", "-x", "100", "-y", "30", "-c", str(ROOT), command],
                check=True,
            )
            until("● RUN")
            tmux("detach-client", "-s", "a")  # nobody is attached from here on, the pane lives
            tmux("send-keys", "-t", "a", "2")
            until("GPUs 26")
            tmux("resize-window", "-t", "a", "-x", "80", "-y", "24")
            assert len(until("[2GPU]").splitlines()) <= 24
            tmux("send-keys", "-t", "a", "1")
            until("┌─ 2 Fleet")
        finally:
            tmux("kill-server")


@pytest.mark.slow
def test_memory_is_flat_over_many_pictures_of_every_screen(tmp_path):
    """Takes 40 s: two thousand pictures are what a room at 2 Hz makes in a quarter of an hour."""
    code = f"""
import asyncio, sys
sys.path.insert(0, {str(HERE)!r}); sys.path.insert(0, {str(ROOT)!r})
import conftest
from tui.places import ALERTS, PLACES

def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

async def main():
    app = conftest.Still(conftest._picture())
    async with app.run_test(size=(120, 40)) as pilot:
        async def walk(times):
            shot = app.canned.snapshot
            for turn in range(times):
                if turn % 20 == 0:
                    app.go((*PLACES, ALERTS)[turn // 20 % 11])
                shot = conftest.stand_in.later(shot)
                app.canned = conftest.replace(app.canned, snapshot=shot, newest=shot)
                app.shows += 1
                app.active.paint(app.view())
                await pilot.pause()
        await walk(440)
        before = rss()
        await walk(2000)
        print(rss() - before)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert float(done.stdout) < 2.0
