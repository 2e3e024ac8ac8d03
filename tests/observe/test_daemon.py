"""One real daemon as a service manager sees it: ready, alive, scraped, its stacks told, dumped while it runs, ended on SIGTERM."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli import main
from engine.client import call
from state.journal import Journal

ROOT = Path(__file__).parents[2]
ROOM = """
[observe]
metrics = "unix:metrics.sock"
stall_s = 0.5
"""


class Service:
    """The daemon and its manager's socket."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.state.mkdir()
        (self.state / "room.toml").write_text(ROOM)
        self.heard_by = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.heard_by.bind(str(folder / "notify"))
        self.heard_by.settimeout(20)
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "NOTIFY_SOCKET": str(folder / "notify"),
            "WATCHDOG_USEC": "1500000",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "--state", str(self.state), "--no-ui"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=env,
        )  # fmt: skip

    def hears(self, word: str, seconds: float = 20.0) -> list[str]:
        """Wait for a datagram that holds a word."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            words = self.heard_by.recv(4096).decode().split("\n")
            if any(one.startswith(word) for one in words):
                return words
        pytest.fail(f"{word} was not said within {seconds} s")

    def scrape(self) -> str:
        deadline = time.monotonic() + 10
        while not (self.state / "metrics.sock").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.state / "metrics.sock"))
            client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            answer = b""
            while piece := client.recv(65536):
                answer += piece
        return answer.decode()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.communicate()
    made.heard_by.close()


def test_a_service_from_ready_to_stopping(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"MAINPID={service.process.pid}" in service.hears("READY=1")
    assert any(word.startswith("STATUS=") for word in service.hears("WATCHDOG=1"))
    body = service.scrape()
    assert 'mimicry_mode{mode="idle"} 1.0' in body
    assert f"mimicry_journal_records_total {float(call(service.state, 'snapshot').data['seq'])}" in body
    assert main(["--state", str(service.state), "stacks"]) == 0
    told = capsys.readouterr().out
    assert "task service:watcher, loop engine: Supervisor._keep" in told
    assert "thread control, loop control" in told
    assert main(["--state", str(service.state), "dump", str(tmp_path / "b.tar.gz")]) == 0
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        assert {"b/status.json", "b/stacks.json", "b/stacks.txt"} <= set(archive.getnames())
    service.process.send_signal(signal.SIGTERM)
    service.hears("STOPPING=1")
    assert service.process.wait(20) == 0
    assert not (service.state / "metrics.sock").exists()


def test_a_loop_that_stands_still_is_silent_to_its_manager_and_leaves_stacks_when_that_ends_it(
    service: Service,
) -> None:
    service.hears("WATCHDOG=1")
    service.process.send_signal(signal.SIGSTOP)
    time.sleep(1.0)
    service.process.send_signal(signal.SIGCONT)
    service.hears("WATCHDOG=1")
    service.process.send_signal(signal.SIGABRT)  # what systemd sends where the watchdog has run out
    # faulthandler reads the other threads' frames while they run: on a loaded machine it may meet one being freed, and
    # the process then ends by SIGSEGV with the rest of the stacks unwritten. A manager takes either for a failure.
    assert service.process.wait(20) in (-signal.SIGABRT, -signal.SIGSEGV)
    told = service.process.communicate()[1]
    assert "Fatal Python error: Aborted" in told
    assert "hread 0x" in told
    with Journal.read_only(service.state) as journal:
        assert list(journal.events(kinds=["loop."])) == [], "a stopped process is no stall of its loop"
