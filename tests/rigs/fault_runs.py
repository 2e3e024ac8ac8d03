"""Every fault of a fleet, inflicted on a real engine with two rigs behind real sshds: detection, recovery, and books equal to an unbroken run."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from fault_chunks import INPUT, answer
from fault_engine import SWEEP
from rigside import made_settings, make_cards
from sshd import Server, start

from engine.compute.codec import pack
from engine.journals import opened

ROOT = Path(__file__).parents[2]
PATHS = f"{ROOT}:{Path(__file__).parent}"
RIGS = ("rig-a", "rig-b")
PATIENCE = 150.0
HANG_LIMIT = 3.0
News = dict[str, Any]


class NotPermitted(Exception):
    """This machine does not let us make what a fault needs: a network namespace, or a mount."""


@dataclass
class Outcome:
    """What one fault came to; seconds."""

    fault: str
    noticed: float | None = None
    """From the fault to the engine's first word of it."""
    gone: float | None = None
    """From the fault to the death of the last process of it on the rig."""
    whole: float | None = None
    """From the fault, or from its cure where it lasts, to all workers working again."""
    note: str = ""
    chunks: int = 0


@dataclass
class Run:
    """One engine over its life, or lives, with its two rigs."""

    folder: Path
    servers: dict[str, Server]
    before: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    seen: list[News] = field(default_factory=list)
    state: News = field(default_factory=dict)

    def begin(self) -> None:
        """Start an engine on the state folder."""
        given = {
            "state": str(self.folder / "state"), "sys": str(self.folder / "sys"), "chunks": 60, "seconds": 0.25,
            "rigs": [self._rig(name) for name in RIGS], **self.config,
        }  # fmt: skip
        (self.folder / "config.json").write_text(json.dumps(given))
        self.wanted = given["chunks"]
        env = {**os.environ, "PYTHONPATH": PATHS}
        script = str(Path(__file__).with_name("fault_engine.py"))
        self.engine = subprocess.Popen(
            [*self.before, sys.executable, script, str(self.folder / "config.json")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=(self.folder / "stderr").open("ab"), text=True, env=env,
        )  # fmt: skip
        self.news: queue.Queue[News] = queue.Queue()
        threading.Thread(target=self._read, args=(self.engine, self.news), daemon=True).start()

    @staticmethod
    def _read(engine: subprocess.Popen[str], news: queue.Queue[News]) -> None:
        assert engine.stdout is not None
        for line in engine.stdout:
            news.put(json.loads(line))

    def _rig(self, name: str) -> dict[str, Any]:
        staging = self.folder / f"shm-{name}"
        staging.mkdir(exist_ok=True)
        if not (self.folder / "sys").exists():
            make_cards(self.folder / "sys", 1)
        settings = made_settings(
            self.servers[name], staging, 1, name=name, env={"PYTHONPATH": PATHS}, stagger_delay_s=self.config.get("delay", 2.0)
        )  # fmt: skip
        return settings.model_dump(mode="json")

    def until(self, found: Callable[[News], bool], seconds: float = PATIENCE) -> News:
        """Wait for news; what comes before is kept too. AssertionError after so many seconds, with the last words."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                news = self.news.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                words = (self.folder / "stderr").read_text()[-1500:]
                raise AssertionError(f"it did not come; last state {self.state}; stderr: {words}") from None
            self.seen.append(news)
            if news["event"] == "state":
                self.state = news
            if found(news):
                return news

    def working(self, done: int) -> None:
        """Wait until both workers are up and some chunks are done."""
        self.until(lambda news: news["event"] == "state" and len(news["alive"]) == len(RIGS))
        for _ in range(done):
            self.until(lambda news: news["event"] == "chunk")

    def whole(self, begun: float, old: dict[str, int] | None = None) -> float:
        """Wait until both workers are up, none of them an old one of rig-a, and return the seconds since."""
        gone = (old or {}).get("rig-a/gpu0")

        def again(news: News) -> bool:
            alive = news.get("alive", {})
            return news["event"] == "state" and len(alive) == len(RIGS) and alive["rig-a/gpu0"] != gone

        if not (self.state and again(self.state)):
            self.until(again)
        return time.monotonic() - begun

    def complete(self) -> None:
        """Wait for the last chunk, and end the engine."""
        if not any(news["event"] == "complete" for news in self.seen):
            self.until(lambda news: news["event"] == "complete")
        assert self.engine.stdin is not None
        self.engine.stdin.write("end\n")
        self.engine.stdin.flush()
        self.engine.wait(30)

    def check(self, without: set[int] | None = None) -> int:
        """Compare the books with those of an unbroken run: every chunk once, every digest equal; return how many chunks."""
        expected = {
            index: hashlib.sha256(pack(*answer(index, INPUT["values"]))).hexdigest()
            for index in range(self.wanted)
            if index not in (without or set())
        }
        with opened(self.folder / "state") as journal:
            rows = {index: row.digest for index, row in journal.chunks(SWEEP).items()}
            booked = [event.data["index"] for event in journal.events(kinds=["chunk.done"])]
            assert rows == expected
            assert sorted(booked) == sorted(expected)
            assert not list(journal.events(kinds=["chunk.differs"]))
        return len(booked)

    def close(self) -> None:
        """End the engine, however it stands."""
        self.engine.kill()
        self.engine.wait()

    def pid(self, rig: str = "rig-a") -> int:
        """Return the pid of a rig's worker."""
        return int(self.state["alive"][f"{rig}/gpu0"])


def alive(pid: int) -> bool:
    """Tell whether a process lives."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def gone_after(pids: list[int], begun: float, seconds: float = 60.0) -> float:
    """Wait until none of these lives and return the seconds since."""
    while any(alive(pid) for pid in pids):
        assert time.monotonic() - begun < seconds, "a process is left over"
        time.sleep(0.01)
    return time.monotonic() - begun


def lost(news: News) -> bool:
    """Tell whether the engine says that rig-a's worker is gone."""
    return news["event"] == "state" and "rig-a/gpu0" not in news["alive"]


# -- the faults -------------------------------------------------------------------------------------------------------


def _hit(
    run: Run, outcome: Outcome, inflict: Callable[[], object], pids: Callable[[], list[int]] | None = None
) -> None:
    """Inflict a fault on rig-a while chunks run, and time what follows."""
    run.working(5)
    old, dying = dict(run.state["alive"]), pids() if pids is not None else [run.pid()]
    begun = time.monotonic()
    inflict()
    watcher: list[float] = []
    thread = threading.Thread(target=lambda: watcher.append(gone_after(dying, begun)))
    thread.start()
    run.until(lost)
    outcome.noticed = time.monotonic() - begun
    thread.join()
    outcome.gone = watcher[0]
    outcome.whole = run.whole(begun, old)


def worker_killed(run: Run, outcome: Outcome) -> None:
    """Kill -9 of a worker."""
    _hit(run, outcome, lambda: os.kill(run.pid(), signal.SIGKILL))


def worker_stopped(run: Run, outcome: Outcome) -> None:
    """SIGSTOP of a worker."""
    _hit(run, outcome, lambda: os.kill(run.pid(), signal.SIGSTOP))


def sshd_killed(run: Run, outcome: Outcome) -> None:
    """Kill -9 of the connection's sshd."""

    def inflict() -> None:
        for session in psutil.Process(run.servers["rig-a"].process.pid).children(recursive=True):
            if "sshd" in session.name():
                session.kill()

    _hit(run, outcome, inflict)


def guard_killed(run: Run, outcome: Outcome) -> None:
    """Kill -9 of the rig's guard."""
    _hit(run, outcome, lambda: os.kill(run.state["guards"]["rig-a"], signal.SIGKILL))


def scheduler_killed(run: Run, outcome: Outcome) -> None:
    """Kill -9 of the scheduler."""
    _hit(run, outcome, lambda: os.kill(run.state["scheduler"], signal.SIGKILL))


def engine_killed(run: Run, outcome: Outcome) -> None:
    """Kill -9 of the engine, and a new one on the same state."""
    run.working(5)
    begun, pids = time.monotonic(), [*run.state["alive"].values(), *run.state["guards"].values()]
    run.engine.kill()
    outcome.gone = gone_after(pids, begun)
    run.engine.wait()
    run.state = {}
    begun = time.monotonic()
    run.begin()
    outcome.whole = run.whole(begun)


def engine_frozen(run: Run, outcome: Outcome) -> None:
    """SIGSTOP of the engine until its lease has ended, then SIGCONT."""
    run.working(5)
    old, begun = dict(run.state["alive"]), time.monotonic()
    pids = [*old.values(), *run.state["guards"].values()]
    run.engine.send_signal(signal.SIGSTOP)
    outcome.gone = gone_after(pids, begun)
    begun = time.monotonic()
    run.engine.send_signal(signal.SIGCONT)
    run.until(lost)
    outcome.noticed, outcome.note = time.monotonic() - begun, "noticed and whole: from SIGCONT"
    outcome.whole = run.whole(begun, old)


def link_cut(run: Run, outcome: Outcome) -> None:
    """The cable to a rig is cut, and mended once both sides have noticed."""
    run.working(5)
    old, begun = dict(run.state["alive"]), time.monotonic()
    pids = [run.pid(), run.state["guards"]["rig-a"]]
    cable(run, "down")
    watcher: list[float] = []
    thread = threading.Thread(target=lambda: watcher.append(gone_after(pids, begun)))
    thread.start()
    run.until(lost)
    outcome.noticed = time.monotonic() - begun
    thread.join()
    outcome.gone = watcher[0]
    cable(run, "up")
    outcome.note = "whole: from the link's return"
    outcome.whole = run.whole(time.monotonic(), old)


def link_flaps(run: Run, outcome: Outcome) -> None:
    """The cable to a rig is down for four seconds."""
    run.working(5)
    old, begun = dict(run.state["alive"]), time.monotonic()
    cable(run, "down")
    time.sleep(4)
    cable(run, "up")
    while time.monotonic() - begun < 16:
        time.sleep(0.1)
    while not run.news.empty():
        run.until(lambda news: True, 1)
    assert run.state["alive"] == old, "a short gap costs no worker"
    outcome.note = "no worker lost"


def ramdisk_full(run: Run, outcome: Outcome) -> None:
    """A rig's ramdisk is full: it gets no chunk that needs the input, visibly, until there is room."""
    shm = run.folder / "shm-rig-a"
    mounted(shm, 24)
    try:
        (shm / "filler").write_bytes(bytes(22 << 20))
        run.begin()
        run.until(lambda news: news["event"] == "state" and "rig-a/gpu0" in news["alive"])
        begun = time.monotonic()
        run.until(
            lambda news: news["event"] == "state" and any("do not fit" in line for line in news["degraded"])
        )
        outcome.noticed = time.monotonic() - begun
        for _ in range(10):
            assert run.until(lambda news: news["event"] == "chunk")["worker"].startswith("rig-b")
        (shm / "filler").unlink()
        begun = time.monotonic()
        run.until(lambda news: news["event"] == "chunk" and news["worker"].startswith("rig-a"))
        outcome.whole, outcome.note = (
            time.monotonic() - begun,
            "noticed: from its worker's start; whole: from the room's return",
        )
        run.complete()
    finally:
        run.close()
        subprocess.run(["umount", "-l", str(shm)], check=False)


def transfer_damaged(run: Run, outcome: Outcome) -> None:
    """A staged file arrives damaged: it is sent again, and no chunk sees the damaged one."""
    damaged = run.until(lambda news: news["event"] == "damaged")
    first = run.until(lambda news: news["event"] == "chunk" and news["worker"].startswith("rig-a"))
    outcome.noticed, outcome.whole = 0.0, first["at"] - damaged["at"]
    outcome.note = "noticed: before anything reads it; whole: to the first chunk there"


def file_rots(run: Run, outcome: Outcome) -> None:
    """A staged file rots on the rig; the next worker that opens it refuses, and it is staged again."""
    run.working(5)
    old = dict(run.state["alive"])
    (path,) = (run.folder / "shm-rig-a" / "mimicry-store").iterdir()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    os.kill(run.pid(), signal.SIGKILL)
    run.whole(time.monotonic(), old)
    begun = time.monotonic()
    run.until(lambda news: news["event"] == "attempt" and "is not what its name says" in news["error"])
    outcome.noticed = time.monotonic() - begun
    run.until(lambda news: news["event"] == "chunk" and news["worker"].startswith("rig-a"))
    outcome.whole, outcome.note = time.monotonic() - begun, "from the new worker's start"


def chunk_hangs(run: Run, outcome: Outcome) -> None:
    """A kernel hangs in one chunk; its limit is three seconds."""
    news = run.until(lambda news: news["event"] == "attempt" and news["outcome"] == "hung")
    outcome.noticed, outcome.note = (
        news["seconds"] - HANG_LIMIT,
        "noticed: past its limit; whole: from its death",
    )
    outcome.whole = run.whole(time.monotonic())


def chunk_poisons(run: Run, outcome: Outcome) -> None:
    """A chunk kills every worker that runs it: it is given up after four deaths, and the others lose nothing."""
    run.until(lambda news: news["event"] == "attempt" and news["outcome"] == "died")
    begun = time.monotonic()
    failed = run.until(lambda news: news["event"] == "failed")
    outcome.whole, outcome.note = (
        time.monotonic() - begun,
        "whole: from the first death to giving the chunk up",
    )
    assert "its worker died 4 times" in failed["error"]


@dataclass(frozen=True)
class Fault:
    """One fault: how it is inflicted, and what the run is like."""

    name: str
    inflict: Callable[[Run, Outcome], None]
    config: Callable[[Path], dict[str, Any]] = lambda folder: {}
    namespaces: bool = False
    lost: frozenset[int] = frozenset()
    """Chunks that end without a result, and say so."""
    starts_itself: bool = False


FAULTS = (
    Fault("worker kill -9", worker_killed),
    Fault("worker SIGSTOP", worker_stopped),
    Fault("the connection's sshd killed", sshd_killed),
    Fault("guard kill -9", guard_killed),
    Fault("link cut", link_cut, namespaces=True, config=lambda folder: {"chunks": 100}),
    Fault("link flap of 4 s", link_flaps, namespaces=True),
    Fault("scheduler kill -9", scheduler_killed),
    Fault("engine kill -9, restarted", engine_killed),
    Fault("engine SIGSTOP past its lease", engine_frozen),
    Fault("full ramdisk", ramdisk_full, starts_itself=True, config=lambda folder: {"headroom": 4 << 20, "chunks": 120}),
    Fault("transfer damaged", transfer_damaged, config=lambda folder: {"corrupt": True}),
    Fault("staged file rots", file_rots, config=lambda folder: {"chunks": 100}),
    Fault("hung chunk", chunk_hangs, config=lambda folder: {"limit": HANG_LIMIT, "amiss": {"10": {"hang": str(folder / "hung")}}}),
    Fault("poison chunk", chunk_poisons, config=lambda folder: {"amiss": {"10": {"poison": True}}}, lost=frozenset({10})),
)  # fmt: skip


def inflict(fault: Fault, folder: Path, *, delay: float = 2.0) -> Outcome:
    """Run one fault in a folder of its own and return what it came to; AssertionError where the books are not an unbroken run's."""
    folder.mkdir(parents=True, exist_ok=True)
    outcome = Outcome(fault.name)
    with fleet(folder, namespaces=fault.namespaces) as run:
        run.config = {"delay": delay, **fault.config(folder)}
        if fault.starts_itself:
            fault.inflict(run, outcome)
        else:
            run.begin()
            try:
                fault.inflict(run, outcome)
                run.complete()
            finally:
                run.close()
        outcome.chunks = run.check(set(fault.lost))
    return outcome


# -- what the runs stand on -------------------------------------------------------------------------------------------


@contextmanager
def fleet(folder: Path, *, namespaces: bool) -> Iterator[Run]:
    """Two sshds, on loopback or with rig-a behind a cable of its own."""
    for name in RIGS:
        (folder / f"sshd-{name}").mkdir()
    ours, theirs = (f"mimicry-{side}{os.getpid()}" for side in "er")
    before: tuple[str, ...] = ()
    servers: dict[str, Server] = {}
    try:
        if namespaces:
            _tie(ours, theirs)
            before = ("ip", "netns", "exec", ours)
            servers["rig-a"] = start(
                folder / "sshd-rig-a", host="198.51.100.2", port=2222, before=("ip", "netns", "exec", theirs)
            )
            servers["rig-b"] = start(folder / "sshd-rig-b", port=2223, before=before)
        else:
            servers = {name: start(folder / f"sshd-{name}") for name in RIGS}
        yield Run(folder, servers, before)
    finally:
        for server in servers.values():
            server.process.terminate()
            server.process.wait()
        if namespaces:
            for name in (ours, theirs):
                subprocess.run(["ip", "netns", "del", name], capture_output=True)


def _tie(ours: str, theirs: str) -> None:
    """Make two network namespaces with one cable between them."""
    steps = [
        f"ip netns add {ours}", f"ip netns add {theirs}", f"ip -n {ours} link add cable type veth peer name cable netns {theirs}",
        f"ip -n {ours} addr add 198.51.100.1/24 dev cable", f"ip -n {theirs} addr add 198.51.100.2/24 dev cable",
        *(f"ip -n {name} link set {link} up" for name in (ours, theirs) for link in ("lo", "cable")),
    ]  # fmt: skip
    for step in steps:
        done = subprocess.run(step.split(), capture_output=True, text=True)
        if done.returncode:
            raise NotPermitted(f"network namespaces are not permitted here: {done.stderr.strip()}")


def cable(run: Run, how: str) -> None:
    """Plug rig-a's cable, or pull it."""
    namespace = run.before[-1].replace("mimicry-e", "mimicry-r")
    subprocess.run(["ip", "-n", namespace, "link", "set", "cable", how], check=True)


def mounted(folder: Path, mib: int) -> None:
    """Mount a small ramdisk."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", str(folder)], capture_output=True, text=True
    )
    if done.returncode:
        raise NotPermitted(f"mounting a tmpfs is not permitted here: {done.stderr.strip()}")
