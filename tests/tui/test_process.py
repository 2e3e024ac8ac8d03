"""The real process in a real terminal: what it shows, and how it leaves."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A stand-in daemon in a process of its own, with a room that changes twice a second."""
    state = tmp_path_factory.mktemp("room")
    command = [sys.executable, str(HERE / "stand_in.py"), "--state", str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HERE.parents[1]) as server:
        assert server.stdout is not None
        server.stdout.readline()
        yield state
        server.terminate()


def test_80x24_shows_the_room_and_q_leaves_it_running(served, terminal):
    with terminal(served) as console:
        text = console.until("● RUN")
        for words in ("26 GPU", "┌─ 0 Evidence", "rig-6600b", "┌─ 5 Pipeline run 0412", "H halt"):
            assert words in text
        console.press("H")
        console.until("Enter halt now")
        console.press("\x1b[A")
        console.until("Enter halt checkpoint")
        console.press("\x1b")
        console.until("Enter halt", gone=True)
        console.press("q")
        assert console.ends() == 0
        after = console.written.rpartition("\x1b[?1049l")[2]
        assert re.search(
            r"engine still running \(pid 4121\) — attach: mimicry attach --state \S+   stop: mimicry stop",
            after,
        )


def test_mono_and_ascii_write_no_colour_and_no_other_letters(served, terminal):
    with terminal(served, "--ascii", "--mono", "--no-mouse") as console:
        console.until("o RUN")
        console.press("q")
        console.ends()
    screen = console.written.partition("\x1b[?1049h")[2].partition("\x1b[?1049l")[0]
    colours = [code for codes in re.findall(r"\x1b\[([0-9;]*)m", screen) for code in codes.split(";") if code]
    assert not {code for code in colours if 30 <= int(code) <= 48 and code not in ("39", "49")}
    assert screen.isascii()
    assert "\x1b[?1003h" not in screen


def test_ctrl_z_stops_and_fg_comes_back(served, terminal):
    with terminal(served) as console:
        console.until("● RUN")
        console.press("\x1a")
        assert console.stopped()
        console.glass.clear()
        console.go_on()
        console.until("● RUN")
        console.process.send_signal(signal.SIGTERM)
        assert console.ends() == 0
        assert "\x1b[?1049l" in console.written
        assert "engine still running" in console.written


@pytest.mark.parametrize("controlling", [True, False], ids=["hang-up signal", "no signal"])
def test_a_lost_terminal_ends_the_console(controlling, served, terminal):
    with terminal(served, controlling=controlling) as console:
        console.until("● RUN")
        console.hang_up()
        assert console.process.wait(10) != 0


def test_without_a_terminal_it_says_what_to_use(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tui", "--state", str(tmp_path)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=HERE.parents[1], check=False,
    )  # fmt: skip
    assert done.returncode == 5
    assert (
        done.stderr.strip() == "mimicry: the console needs a terminal; without one use: mimicry status --json"
    )
