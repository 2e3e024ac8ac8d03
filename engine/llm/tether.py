"""Become another program that the kernel kills when this one's parent dies. Run by path: `python tether.py PARENT[:SIGNAL] COMMAND…`.

An exec in a fresh process instead of code between fork and exec, which is unsafe in a program with threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the command."""
    number, _, name = sys.argv[1].partition(":")
    parent, command = int(number), sys.argv[2:]
    if sys.platform == "linux":
        sent = signal.Signals[name or "SIGKILL"]
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, sent, 0, 0, 0)
    if os.getppid() != parent:  # it died before the tie was made
        sys.exit(1)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"E {command[0]}: cannot be run: {error.strerror}", file=sys.stderr, flush=True)
        sys.exit(127)


if __name__ == "__main__":
    main()
