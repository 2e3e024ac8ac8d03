"""A leased process ends with its parent, and what it prints never reaches the lease."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.compute.child import LOG_LIMIT, Child, open_log
from engine.compute.lease import Lease

CHILD = """
import os, sys, time
from engine.compute.lease import Lease
lease = Lease()
print("noise on stdout"); sys.stdout.flush()
lease.say(event="hello", spec=lease.spec, stdin=sys.stdin.read())
lease.watch(lambda line: lease.say(event="line", line=line), lambda: os._exit(7))
time.sleep(60)
"""


def start(parent: int) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=-1, stdout=-1, stderr=subprocess.DEVNULL)
    assert child.stdin is not None
    child.stdin.write(json.dumps({"parent": parent, "x": 1}).encode() + b"\n")
    child.stdin.flush()
    return child


def test_a_child_speaks_json_only_and_ends_at_end_of_file() -> None:
    with start(os.getpid()) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        hello = json.loads(child.stdout.readline())
        assert hello == {"event": "hello", "spec": {"parent": os.getpid(), "x": 1}, "stdin": ""}
        child.stdin.write(b'{"do": 1}\n')
        child.stdin.flush()
        assert json.loads(child.stdout.readline()) == {"event": "line", "line": {"do": 1}}
        child.stdin.close()
        assert child.wait(5) == 7


def test_a_child_whose_parent_is_another_one_ends_at_once() -> None:
    with start(1) as child:
        assert child.wait(5) == 1


def test_a_flood_of_events_never_blocks_the_child() -> None:
    code = CHILD.replace(
        "time.sleep(60)", "[lease.say(event='x' * 1000) for _ in range(10_000)]; os._exit(9)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=-1, stdout=-1, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdin is not None
        child.stdin.write(json.dumps({"parent": os.getpid()}).encode() + b"\n")
        child.stdin.flush()
        assert child.wait(10) == 9


async def test_the_coordinators_end_hears_events_and_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leased_child.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    events: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    child = await Child.spawn("leased_child", {"name": "c"}, tmp_path / "logs" / "c.log", events.put_nowait)
    hello = await asyncio.wait_for(events.get(), 10)
    assert hello["spec"] == {"parent": os.getpid(), "name": "c"}
    child.send({"do": 2})
    assert (await asyncio.wait_for(events.get(), 10))["line"] == {"do": 2}
    assert child.alive
    assert child.silence() < 5
    await child.close()
    assert not child.alive
    assert (tmp_path / "logs" / "c.log").read_text() == "noise on stdout\n"
    child.send({"late": True})


def test_a_long_log_is_moved_aside_and_logs_are_private(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "w.log"
    os.close(open_log(log))
    assert log.stat().st_mode & 0o777 == 0o600
    with log.open("r+b") as file:
        file.truncate(LOG_LIMIT + 1)
    os.close(open_log(log))
    assert (tmp_path / "deep" / "w.log.1").stat().st_size == LOG_LIMIT + 1
    assert log.stat().st_size == 0


def test_the_kernel_ends_a_child_that_does_not_even_watch_its_lease() -> None:
    deaf = CHILD.replace("lease.watch(", "str(").replace(", lambda: os._exit(7))", ")")
    code = (
        "import subprocess, sys, os, json, time\n"
        f"c = subprocess.Popen([sys.executable, '-c', {deaf!r}], stdin=-1, stdout=-1, stderr=subprocess.DEVNULL)\n"
        "c.stdin.write(json.dumps({'parent': os.getpid()}).encode() + b'\\n'); c.stdin.flush()\n"
        "c.stdout.readline(); print(c.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=-1, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 5
    while (
        Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1]
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_that_cannot_follow_its_lease_any_more_ends() -> None:
    lease, ended = Lease.__new__(Lease), threading.Event()
    lease._in, said = os.pipe()
    lease._rest = b""
    lease.watch(lambda line: None, ended.set)
    os.write(said, b'{"half a line\n')
    assert ended.wait(5), "it would never hear of a halt again"
    os.close(said)
    os.close(lease._in)
