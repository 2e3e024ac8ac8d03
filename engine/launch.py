"""Start the daemon detached when none answers, and become the console by exec: this process never imports it."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from shlex import quote

from engine.client import call
from engine.errors import EnvironmentFault, Unreachable

OLD_LOG = 1 << 20  # bytes of earlier daemons' last words, moved aside
PATIENCE = 20.0  # seconds a daemon may take until its socket answers


def ensure_daemon(state: Path, *, demo: bool, fleet: bool = False) -> None:
    """Start a detached daemon unless one answers; wait until its socket does, or say why it did not come up."""
    try:
        call(state, "snapshot")
        return
    except Unreachable:
        pass
    (state / "logs").mkdir(parents=True, exist_ok=True, mode=0o700)
    log = state / "logs" / "daemon.err"
    command = [
        sys.executable,
        "-m",
        "engine.cli",
        "--state",
        str(state),
        "--no-ui",
        *(["--demo"] if demo else []),
        *(["--simulated-fleet"] if fleet else []),
    ]
    if log.exists() and log.stat().st_size > OLD_LOG:
        log.replace(log.with_name("daemon.err.1"))
    private = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with open(private, "ab") as sink:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
        )
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            call(state, "snapshot")
            return
        except Unreachable:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    if process.poll() is None:
        raise EnvironmentFault(
            f"the engine still starts, pid {process.pid}: no answer within {PATIENCE:g} s; look again: mimicry attach --state {quote(str(state))}"
        )
    tail = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
    raise EnvironmentFault(f"the engine did not start: {tail[0]} (log: {log})")


def console_flags(arguments: argparse.Namespace) -> list[str]:
    """Return the console's options; EnvironmentFault where it is not installed or there is no terminal."""
    if importlib.util.find_spec("textual") is None:
        raise EnvironmentFault(
            "the console is not installed; fix: make install EXTRAS=tui (or pip install 'mimicry[tui]')"
        )
    if not sys.stdout.isatty():
        raise EnvironmentFault(
            "the console needs a terminal; without one use `mimicry status` or `mimicry --no-ui`"
        )
    theme = getattr(arguments, "theme", None)
    return [
        *(
            f"--{name.replace('_', '-')}"
            for name in ("ascii", "mono", "no_mouse")
            if getattr(arguments, name, False)
        ),
        *(["--theme", theme] if theme else []),
    ]


def exec_console(arguments: argparse.Namespace, *, readonly: bool) -> int:
    """Become the console process; it needs a terminal and the `tui` extra."""
    flags = [*console_flags(arguments), *(["--readonly"] if readonly else [])]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "tui", "--state", str(arguments.state), *flags])
