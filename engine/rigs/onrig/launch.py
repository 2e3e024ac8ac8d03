"""Runs on a rig beside the guard: start a worker's process so that it dies with the guard. Standard library only."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from typing import Any

Line = dict[str, Any]
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LIBC = ctypes.CDLL(None)
NO_START = (OSError, ValueError, TypeError, subprocess.SubprocessError)
"""What a start that cannot be made ends with."""
# What a start must say before it may wait for its slot: nobody would hear of one that cannot be obeyed then.
START: dict[str, tuple[type, ...]] = {
    "name": (str,), "attempt": (int,), "argv": (list,), "env": (dict,), "start_limit": (int, float), "first": (dict, type(None)),
}  # fmt: skip


def unsound(line: Line) -> str:
    """Return why a start cannot be obeyed, empty if it can."""
    wrong = [key for key, kinds in START.items() if not isinstance(line.get(key), kinds)]
    return f"a start without a sound {', '.join(wrong)}" if wrong else ""


def adopt() -> None:
    """Let the children of workers come to us when those die."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def launch(line: Line) -> subprocess.Popen[bytes]:
    """Start what a sound start asks for, in a session of its own, its pipes not blocking us; NO_START where it cannot be."""
    parent = os.getpid()

    def bind() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        if os.getppid() != parent:
            os._exit(1)

    process = subprocess.Popen(
        line["argv"], env={**os.environ, **home(line["env"])}, cwd=line.get("cwd") or None, bufsize=0,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, preexec_fn=bind,
    )  # fmt: skip
    for pipe in (process.stdin, process.stdout, process.stderr):
        assert pipe is not None
        os.set_blocking(pipe.fileno(), False)
    return process


def home(env: dict[str, str]) -> dict[str, str]:
    """Return an environment whose paths that begin with ~ are this user's."""
    return {key: os.path.expanduser(value) for key, value in env.items()}
