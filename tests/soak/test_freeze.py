"""One thread is held still, and a process that is killed meanwhile can be buried."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from engine.soak.faults.processes import FREEZE

BUSY = """
import threading
def spin():
    while True:
        pass
threading.Thread(target=spin, daemon=True).start()
print("up", flush=True)
threading.Event().wait()
"""


def test_a_process_that_is_killed_while_a_thread_is_held_still_is_gone_for_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout is not None
        held.stdout.readline()
        (thread,) = {int(one) for one in os.listdir(f"/proc/{held.pid}/task")} - {held.pid}
        command = [sys.executable, "-I", str(FREEZE), str(thread)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as freezer:
            assert freezer.stdout is not None
            if (told := freezer.stdout.readline().strip()) != "frozen":
                held.kill()
                pytest.skip(f"ptrace of an own process: {told}")
            before = ticks(held.pid, thread)
            time.sleep(0.15)
            assert ticks(held.pid, thread) == before, "it stands"
            held.kill()
            held.wait(10)
            assert freezer.wait(10) == 0


def ticks(pid: int, thread: int) -> int:
    """Return the processor time that a thread has used, in clock ticks."""
    with open(f"/proc/{pid}/task/{thread}/stat") as told:
        return sum(map(int, told.read().rsplit(")", 1)[1].split()[11:13]))
