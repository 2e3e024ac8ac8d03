"""Run the engine with something wrong in it: `python saboteur.py memory,handle,orphan,slow ENGINE-ARGUMENTS…`. For the soak's own tests."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable

STEP_S = 0.2
MEMORY_PER_MINUTE = 3 << 20
HANDLE_EVERY_S = 2.0
SLOW_S = 1.5


def memory() -> None:
    """Keep 3 MB more each minute, touched, for ever."""
    kept = []
    while True:
        kept.append(bytearray(b"x" * int(MEMORY_PER_MINUTE * STEP_S / 60)))
        time.sleep(STEP_S)


def handle() -> None:
    """Open a file every two seconds and never close it."""
    kept = []
    while True:
        kept.append(open("/dev/null"))  # noqa: SIM115 - leaking it is the point
        time.sleep(HANDLE_EVERY_S)


def orphan() -> None:
    """Leave a child behind that knows nothing of us."""
    subprocess.Popen(["sleep", "600"], start_new_session=True)


def slow() -> None:
    """Let every halt be noticed late."""
    from engine.halt import Halt

    on_time = Halt.reached

    def late(self: Halt) -> object:
        if self.pending:
            time.sleep(SLOW_S)
        return on_time(self)

    Halt.reached = late  # type: ignore[method-assign,assignment]


WRONG: dict[str, tuple[Callable[[], None], bool]] = {
    "memory": (memory, True),
    "handle": (handle, True),
    "orphan": (orphan, False),
    "slow": (slow, False),
}

if __name__ == "__main__":
    for name in filter(None, sys.argv[1].split(",")):
        do, forever = WRONG[name]
        if forever:
            threading.Thread(target=do, daemon=True).start()
        else:
            do()
    from engine.cli import main

    sys.exit(main(sys.argv[2:]))
