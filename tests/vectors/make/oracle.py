"""An independent implementation that vectors come from: how it is found, built and asked.

Every oracle answers one small command line: CALL LO HI COUNT SEED... (seeds in hex) prints one line a seed,
`seed,value,...`; raw words in hex, mapped values in decimal. Nothing here computes a random number.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent / "programs"
EXTRA = Path(os.environ.get("MIMICRY_ORACLES", Path.home() / ".cache" / "mimicry" / "oracles"))
VENV = EXTRA / "venv" / "bin"
MODULES = EXTRA / "node_modules"


class OracleMissing(Exception):
    """A runtime that this machine lacks; the text names it and how to install it."""


class OracleFailed(Exception):
    """An oracle program that could not be built or that ended with an error."""


@dataclass(frozen=True)
class Oracle:
    """One implementation: its name in headers, its programs, how to build it, how to ask for its version."""

    title: str
    needs: tuple[tuple[str, str], ...]  # (command or path, what to install)
    build: Callable[[Path], list[str]]
    version: Callable[[], str]


def run(command: Sequence[str | Path], **environment: str) -> str:
    """Run a program and return its output; its error text is raised."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    if done.returncode:
        name = Path(str(command[0])).name
        raise OracleFailed(
            f"{name} ended with {done.returncode}: {done.stderr.strip()[-400:] or done.stdout[-200:]}"
        )
    return done.stdout


def first_line(*command: str | Path) -> str:
    """Return the first line that a program prints about itself, for the version header."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0].strip()


def debian(*packages: str) -> str:
    """Return the versions of Debian packages, for the version header."""
    if shutil.which("dpkg-query") is None:
        return "unknown: this machine has no dpkg-query"
    found = first_line("dpkg-query", "-W", "-f", "${Package} ${Version}, ", *packages)
    return found.rstrip(", ")


def compiled(compiler: str, source: str, *flags: str) -> Callable[[Path], list[str]]:
    """Return a builder that compiles one source file."""

    def build(work: Path) -> list[str]:
        target = work / Path(source).stem
        run([compiler, "-O1", "-w", HERE / source, "-o", target, *flags])
        return [str(target)]

    return build


def interpreted(*command: str) -> Callable[[Path], list[str]]:
    """Return a builder for a script: nothing to build, its path is the last part."""
    return lambda work: [*command[:-1], str(HERE / command[-1])]


def npm_version(package: Path) -> str:
    """Return an installed npm package's version and node's."""
    found = json.loads((package / "package.json").read_text(encoding="utf-8"))
    return f"{found['name']} {found['version']}, node {first_line('node', '--version')}"


def python_version() -> str:
    """Return this interpreter's version."""
    return f"CPython {sys.version.split()[0]}"


def numpy_version() -> str:
    """Return NumPy's version and the interpreter's."""
    return f"numpy {run([sys.executable, '-c', 'import numpy; print(numpy.__version__)']).strip()}, {python_version()}"


NPM = "npm install --prefix $MIMICRY_ORACLES"
PIP = "python3 -m venv $MIMICRY_ORACLES/venv; $MIMICRY_ORACLES/venv/bin/pip install"
OPENS = "java.base/java.util.concurrent=ALL-UNNAMED"
