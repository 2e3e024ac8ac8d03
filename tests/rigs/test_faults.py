"""An engine without compute that dies, also beyond a cut link: nothing is left on the rig. With compute: test_fault_runs.py."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from rigside import made_settings, make_cards
from sshd import SSHD, Server, start

LEASE = 3.0
REPLY = 20.0


class Engine:
    """An engine in a process of its own, and its news."""

    def __init__(
        self, server: Server, folder: Path, *, before: tuple[str, ...] = (), cards: int = 2, **terms: Any
    ) -> None:
        staging = folder / "shm"
        staging.mkdir(exist_ok=True)
        if not (folder / "sys").exists():
            make_cards(folder / "sys", cards)
        settings = made_settings(server, staging, cards).model_dump(mode="json")
        config = {
            "settings": settings,
            "sys": str(folder / "sys"),
            "log": str(folder / "log"),
            "terms": {"lease": LEASE, **terms},
        }
        (folder / "config.json").write_text(json.dumps(config))
        self.cards, self.staging = cards, staging
        self.process = subprocess.Popen(
            [*before, sys.executable, str(Path(__file__).with_name("engine_alone.py")), str(folder / "config.json")],
            stdout=subprocess.PIPE, stderr=(folder / "stderr").open("w"), text=True,
        )  # fmt: skip
        self.news: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.news.put(json.loads(line))

    def until(self, found: Callable[[dict[str, Any]], bool], seconds: float = 60.0) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            news = self.news.get(timeout=max(0.01, deadline - time.monotonic()))
            if found(news):
                return news

    def up(self) -> dict[str, Any]:
        """Wait until every worker is ready; return the news that says so."""
        return self.until(lambda news: news["event"] == "state" and len(news["ready"]) == self.cards)


def gone_after(pids: list[int], begun: float, seconds: float) -> float:
    """Wait until no process of these lives and return how long that took."""
    while any(alive(pid) for pid in pids):
        assert time.monotonic() - begun < seconds, [pid for pid in pids if alive(pid)]
        time.sleep(0.02)
    return time.monotonic() - begun


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def engine(server: Server, tmp_path: Path) -> Iterator[Engine]:
    found = Engine(server, tmp_path)
    yield found
    found.process.kill()
    found.process.wait()


def test_an_engine_killed_leaves_nothing_on_the_rig(engine: Engine) -> None:
    news = engine.up()
    begun = time.monotonic()
    engine.process.kill()
    took = gone_after([*news["ready"], news["guard"]], begun, LEASE + REPLY)
    print(f"MEASURED engine kill -9: workers and guard gone after {took:.2f} s")
    assert not list(engine.staging.glob("mimicry-run-*"))


@pytest.fixture
def namespaces(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two network namespaces of our own, tied by one cable: an engine's and a rig's."""
    if SSHD is None:
        pytest.skip("sshd is missing: apt-get install openssh-server")
    ours, theirs = f"mimicry-e{os.getpid()}", f"mimicry-r{os.getpid()}"
    steps = [
        f"ip netns add {ours}", f"ip netns add {theirs}", f"ip -n {ours} link add cable type veth peer name cable netns {theirs}",
        f"ip -n {ours} addr add 198.51.100.1/24 dev cable", f"ip -n {theirs} addr add 198.51.100.2/24 dev cable",
        *(f"ip -n {name} link set {link} up" for name in (ours, theirs) for link in ("lo", "cable")),
    ]  # fmt: skip
    try:
        for step in steps:
            done = subprocess.run(step.split(), capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"network namespaces are not permitted here: {done.stderr.strip()}")
        yield ours, theirs
    finally:
        for name in (ours, theirs):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


@pytest.fixture
def far(namespaces: tuple[str, str], tmp_path: Path) -> Iterator[tuple[Engine, str]]:
    """An engine and its rig in two namespaces."""
    ours, theirs = namespaces
    (tmp_path / "sshd").mkdir()
    server = start(tmp_path / "sshd", host="198.51.100.2", port=2222, before=("ip", "netns", "exec", theirs))
    engine = Engine(server, tmp_path, before=("ip", "netns", "exec", ours))
    yield engine, theirs
    engine.process.kill()
    engine.process.wait()
    server.process.terminate()
    server.process.wait()


def cable(namespace: str, how: str) -> None:
    subprocess.run(["ip", "-n", namespace, "link", "set", "cable", how], check=True)


@pytest.mark.slow
def test_a_cut_link_and_then_a_killed_engine_leave_nothing(far: tuple[Engine, str]) -> None:
    """About 10 s."""
    engine, rig = far
    news = engine.up()
    cable(rig, "down")
    begun = time.monotonic()
    engine.process.kill()
    took = gone_after([*news["ready"], news["guard"]], begun, LEASE + REPLY)
    print(f"MEASURED link cut, engine killed, lease {LEASE:g} s: gone after {took:.2f} s")
    cable(rig, "up")
