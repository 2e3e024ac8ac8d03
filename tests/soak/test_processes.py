"""What a daemon starts is known by its mark, also when it has outlived it; weights are read of living processes only."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from engine.soak import processes

CHILD = "import subprocess, sys; print(subprocess.Popen(['sleep', '60'], start_new_session=True, stdout=subprocess.DEVNULL).pid, flush=True); sys.stdin.read()"


@pytest.fixture
def parent() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process with a child in a session of its own, both marked."""
    env = os.environ | {processes.MARK: "a-test"}
    one = subprocess.Popen(
        [sys.executable, "-c", CHILD], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert one.stdout is not None
    child = int(one.stdout.readline())
    yield one, child
    one.kill()
    one.communicate()
    if child in processes.marked("a-test", but=set()):
        os.kill(child, 9)


def test_a_child_that_outlives_its_parent_is_still_known(parent: tuple[subprocess.Popen[bytes], int]) -> None:
    one, child = parent
    assert set(processes.tree(one.pid)) == {one.pid, child}
    assert set(processes.marked("a-test", but={one.pid})) == {child}
    assert processes.marked("another", but=set()) == {}
    one.kill()
    one.communicate()
    assert processes.tree(one.pid) == {}
    assert set(processes.marked("a-test", but=set())) == {child}


def test_a_process_has_a_weight_until_it_ends(parent: tuple[subprocess.Popen[bytes], int]) -> None:
    one, child = parent
    weight = processes.weigh(one.pid)
    assert weight is not None
    assert weight.rss_mb > 3
    assert weight.handles == sum(weight.kinds.values()) >= 3
    assert weight.kinds["pipe"] >= 2
    os.kill(child, 9)
    deadline = time.monotonic() + 5
    while processes.weigh(child) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes.weigh(child) is None


@pytest.mark.parametrize(
    ("words", "role"),
    [(["-c", "input()", "engine.compute.worker"], "worker"), (["-c", "input()", "engine.compute.isolated"], "trainer"), (["-c", "input()"], "other")],
)  # fmt: skip
def test_roles_are_read_from_command_lines(words: list[str], role: str) -> None:
    with subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE) as one:
        deadline = time.monotonic() + 5
        while processes.role(one.pid) != role and time.monotonic() < deadline:
            time.sleep(0.01)
        assert processes.role(one.pid) == role
        one.kill()
