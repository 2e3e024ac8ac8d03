"""The catalogue of faults, and the tools it works with, each against a process of its own; the whole of it against an engine is slow."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main
from engine.protocol import Reply
from engine.soak.fault import CannotBeDone
from engine.soak.faults import clock, disk, processes
from engine.soak.faults.catalog import CATALOG
from engine.soak.faults.limits import HandleLimit, MemoryLimit
from engine.soak.faults.relay import ANSWER, Relay, wrapped
from engine.soak.plan import faults_of
from engine.soak.target import Role, Target

COUNTER = """
import threading, time
def count():
    while True:
        for _ in range(200000): pass
        print(time.time(), flush=True)
threading.Thread(target=count, daemon=True).start()
time.sleep(60)
"""


@pytest.fixture
def child() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-I", "-c", code], stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


def target_of(folder: Path, role: Role, pid: int, **answers: Any) -> Target:
    """Return a target of one process; it answers every question with `answers`."""
    return Target(
        state=folder, scratch=folder, processes=lambda: {pid: role}, ask=lambda verb, **_: Reply(id="1", ok=True, data=answers),
        restart=lambda conditions: None, room_seq=lambda: 0, seed=1,
    )  # fmt: skip


def test_every_fault_says_what_it_does_and_what_must_hold() -> None:
    asked = "kill_worker kill_scheduler kill_llm kill_engine kill_guard stop_engine stop_worker cut_ssh full_disk readonly_state"
    asked += " corrupt_request corrupt_artifact corrupt_journal clock_step slow_disk handle_limit memory_limit grammar_400 hung_chunk"
    assert set(asked.split()) <= set(CATALOG)
    for name, made in CATALOG.items():
        fault = made()
        assert fault.name == name
        assert fault.summary
        assert fault.holds
        assert fault.settle_s > 0
        assert fault.hold_s > 0 or not fault.undo_first
    assert [one.name for one in faults_of("all", tuple(CATALOG))] == list(CATALOG)


def test_the_command_line_lists_the_catalogue(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--state", str(tmp_path), "soak", "faults"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in CATALOG)
    assert "holds" in text


def test_a_frozen_thread_stands_while_its_process_lives(child: Callable[[str], Any], tmp_path: Path) -> None:
    process = child(COUNTER)
    assert process.stdout is not None
    process.stdout.readline()
    fault, target = processes.HungChunk(), target_of(tmp_path, "worker", process.pid)
    told = fault.inject(target, {})
    assert f"of worker {process.pid}" in told
    os.set_blocking(process.stdout.fileno(), False)
    time.sleep(0.1)
    while process.stdout.read(1 << 16):
        pass
    time.sleep(0.3)
    assert not process.stdout.read(1 << 16), "it counts on"
    assert processes.alive(process.pid)
    fault.undo(target)
    os.set_blocking(process.stdout.fileno(), True)
    assert process.stdout.readline(), "it goes on"


def test_a_worker_that_does_nothing_cannot_hang(
    child: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "PATIENCE_S", 0.0)
    process = child("import time; time.sleep(60)")
    with pytest.raises(CannotBeDone, match="no worker has computed"):
        processes.HungChunk().inject(target_of(tmp_path, "worker", process.pid), {})


def test_limits_are_lowered_and_raised_again(child: Callable[[str], Any], tmp_path: Path) -> None:
    process = child("import time; print(1, flush=True); time.sleep(60)")
    assert process.stdout is not None
    process.stdout.readline()
    for fault, role, which in (
        (HandleLimit(), "engine", resource.RLIMIT_NOFILE),
        (MemoryLimit(), "worker", resource.RLIMIT_AS),
    ):
        before = resource.prlimit(process.pid, which)
        target = target_of(tmp_path, role, process.pid)  # type: ignore[arg-type]
        fault.inject(target, {})
        assert resource.prlimit(process.pid, which)[0] != before[0]
        fault.undo(target)
        assert resource.prlimit(process.pid, which) == before
        assert fault.findings(target) == []


def test_a_stopped_process_goes_on_after_undo(child: Callable[[str], Any], tmp_path: Path) -> None:
    process = child("import time; time.sleep(60)")
    fault, target = processes.StopWorker(), target_of(tmp_path, "worker", process.pid)
    fault.inject(target, {})
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    fault.undo(target)
    _, status = os.waitpid(process.pid, os.WCONTINUED)
    assert os.WIFCONTINUED(status)


def test_nothing_to_kill_is_said_and_not_held(tmp_path: Path) -> None:
    target = target_of(tmp_path, "engine", os.getpid(), rows=[])
    for made in (processes.KillLlm, processes.KillWorker, processes.StopWorker):
        with pytest.raises(CannotBeDone, match="runs at this moment"):
            made().inject(target, {})


def test_the_shifted_clock_moves_one_process_alone(tmp_path: Path) -> None:
    try:
        library = clock.built(tmp_path)
    except CannotBeDone as error:
        pytest.skip(str(error))
    word = tmp_path / "shift"
    clock._set(word, 0)
    code = "import sys, time\nfor line in sys.stdin: print(time.time(), time.monotonic(), flush=True)"
    env = os.environ | {"LD_PRELOAD": str(library), "MIMICRY_CLOCK_SHIFT": str(word)}
    with subprocess.Popen([sys.executable, "-I", "-c", code], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for seconds in (0, 3600, -7200):
            clock._set(word, seconds * 10**9)
            process.stdin.write("\n")
            process.stdin.flush()
            wall, steady = map(float, process.stdout.readline().split())
            assert abs(wall - time.time() - seconds) < 5
            assert abs(steady - time.monotonic()) < 5
        process.stdin.close()


async def test_the_relay_refuses_grammars_while_its_flag_stands_and_passes_the_rest_on(
    tmp_path: Path,
) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        writer.close()

    async def ask(port: int, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /completion HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        answer = await reader.read()
        writer.close()
        return answer

    behind = await asyncio.start_server(echo, "127.0.0.1", 0)
    relay = Relay(tmp_path / "flag", behind.sockets[0].getsockname()[1])
    front = await asyncio.start_server(relay._connected, "127.0.0.1", 0)
    port = front.sockets[0].getsockname()[1]
    with_grammar = b'{"prompt": "x", "grammar": "root ::= x"}'
    assert (await ask(port, with_grammar)).endswith(with_grammar)
    (tmp_path / "flag").touch()
    assert await ask(port, with_grammar) == ANSWER
    assert (await ask(port, b'{"prompt": "x"}')).endswith(b'{"prompt": "x"}')
    for server in (front, behind):
        server.close()


def test_a_wrapped_command_keeps_the_server_s_own_words(tmp_path: Path) -> None:
    words = wrapped(("llama-server", "--x"), tmp_path / "flag")
    assert words[words.index("--") + 1 :] == ("llama-server", "--x")


def test_what_a_killed_soak_left_of_a_small_disk_is_taken_away_whole(tmp_path: Path) -> None:
    state, scratch = tmp_path / "state", tmp_path / "scratch"
    for path in (state / "sub", scratch):
        path.mkdir(parents=True)
    (state / "old").write_text("before")
    target = Target(state, scratch, dict, lambda *_: None, lambda _: None, lambda: 0, 1)
    if os.geteuid() != 0:
        pytest.skip("mounting is for root")
    disk._mount(target)
    if not disk.mounted(state):
        pytest.skip("mounting a tmpfs is not permitted here")
    try:
        (state / "new").write_text("written on the small disk")
        disk._fill(state / disk.FILLER)
        with pytest.raises(OSError, match="No space left"):
            (state / "more").write_bytes(b"x" * 8192)
    finally:
        assert disk.tidy(state, scratch)
    assert not disk.mounted(state)
    assert (state / "old").read_text() == "before"
    assert (state / "new").read_text() == "written on the small disk"
    assert not (state / disk.FILLER).exists()
    assert disk.tidy(state, scratch) == []


@pytest.mark.slow
def test_every_fault_of_processes_and_content_holds_against_a_real_engine(tmp_path: Path) -> None:
    """About 3 minutes; `python tests/faults/drill.py` is the whole catalogue."""
    command = [sys.executable, str(Path(__file__).parents[1] / "faults" / "drill.py")]
    command += [
        "kill_worker",
        "kill_scheduler",
        "kill_engine",
        "stop_engine",
        "handle_limit",
        "failing_disk",
        "corrupt_journal",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def test_signals_that_come_too_late_are_no_error(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-I", "-c", ""])
    process.wait()
    fault, target = processes.KillWorker(), target_of(tmp_path, "worker", process.pid, rows=[])
    with pytest.raises(CannotBeDone, match="just ended"):
        fault.inject(target, {})
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGCONT)
