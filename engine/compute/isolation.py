"""Run one job in a child process that a halt kills: for libraries that cannot be asked to stop.

Job and answer travel through two anonymous files whose descriptors the child inherits, so no pipe can fill and nothing is left behind.
The child never outlives the worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from engine.compute.job import Job, encode_answer, one_line
from engine.compute.stop import Stop
from engine.secrets import for_children

POLL = 0.02
"""Seconds between two looks at the stop word while a child runs."""
TAIL = 2000
"""Characters of the child's stderr that a failure keeps."""
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
MODULE = "engine.compute.isolated"


def python(module: str) -> list[str]:
    """Return the command that runs `module`; -P keeps the working directory off the import path."""
    return [sys.executable, "-P", "-m", module]


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a child: ours, `threads` for every numeric library, and this code on the import path."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    env = {
        **for_children(os.environ),
        "PYTHONPATH": os.pathsep.join([*paths, *([root] if root not in paths else [])]),
    }
    # Children import the same modules again and again; a trimmed heap gives memory back after large arrays.
    return env | dict.fromkeys(THREAD_VARIABLES, str(threads)) | {"MALLOC_TRIM_THRESHOLD_": "65536"}


def run_isolated(
    job: Job, payload: bytes, stop: Stop, extra: Mapping[str, str], worker: str, inputs: Path
) -> bytes:
    """Return the answer of `job` as its child gives it; on a halt the child is killed and the answer is stopped."""
    begun = time.monotonic()
    with _scratch("job") as question, _scratch("answer") as answer, tempfile.TemporaryFile() as errors:
        question.write(payload)
        question.flush()
        child = _start(job, question, answer, errors)
        try:
            _hand_over(child, stop, extra, worker, inputs, question.fileno(), answer.fileno())
            killed = _await(child, stop)
        finally:
            _kill(child)
        answer.seek(0)
        reply, tail = answer.read(), _tail(errors)
    seconds = time.monotonic() - begun
    if killed:
        return encode_answer(
            job.echo(), worker, seconds, stopped=True, error="child killed: halted, or nobody waits for it"
        )
    if child.returncode == 0 and reply:
        return reply
    return encode_answer(
        job.echo(), worker, seconds, error=f"child {_ending(child.returncode)}; stderr: {tail or 'empty'}"
    )


def _scratch(name: str) -> IO[bytes]:
    """Return an anonymous file: in memory where the system has that, unlinked on disk elsewhere."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create(f"mimicry-{name}"), "w+b")
    return tempfile.TemporaryFile()


def _start(job: Job, question: IO[bytes], answer: IO[bytes], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the child in a session of its own, so that what it starts dies with it."""
    return subprocess.Popen(
        python(MODULE),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        pass_fds=(question.fileno(), answer.fileno()),
        env=environment(job.threads),
        start_new_session=True,
    )


def _hand_over(
    child: subprocess.Popen[bytes],
    stop: Stop,
    extra: Mapping[str, str],
    worker: str,
    inputs: Path,
    question: int,
    answer: int,
) -> None:
    """Send the child its first line; it says which descriptors and which stop word."""
    spec: dict[str, Any] = {
        "parent": os.getpid(),
        "word": str(stop.word.path),
        "generation": stop.generation,
        "kinds": dict(extra),
        "worker": worker,
        "inputs": str(inputs),
        "question": question,
        "answer": answer,
    }
    assert child.stdin is not None
    try:
        child.stdin.write(json.dumps(spec).encode() + b"\n")
        child.stdin.flush()
    except BrokenPipeError:
        # It died before it read; its exit code and stderr say why.
        return


def _await(child: subprocess.Popen[bytes], stop: Stop) -> bool:
    """Wait until the child ends or must end; True if it must. It is not reaped, so its number stays its own."""
    while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if stop.asked():
            return True
        time.sleep(POLL)
    return False


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the child's session, reap the child and close its lease."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdin is not None:
        child.stdin.close()


def _tail(errors: IO[bytes]) -> str:
    """Return the end of the child's stderr on one line, and pass the text on to this worker's log."""
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - 65536))
    text = errors.read().decode(errors="replace")
    sys.stderr.write(text)
    sys.stderr.flush()
    return one_line(text, TAIL)


def _ending(code: int) -> str:
    """Return an exit code in words."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
