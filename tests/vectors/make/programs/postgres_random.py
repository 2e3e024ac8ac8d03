"""Oracle: PostgreSQL's random() after setseed(), in single-user mode, which listens nowhere.

Arguments: CALL LO HI COUNT SEED... A seed, in hex, is the 64-bit integer that setseed(x) makes: (2^52 - 1) x without its fraction.
"""

import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from math import nextafter
from pathlib import Path

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
SCALE = 2**52 - 1
DRAWS = {
    "words": "lpad(to_hex((random() * 4503599627370496)::int8), 13, '0')",
    "floor": "floor({lo} + random() * {range})::text",
}


def argument(seed: int) -> float:
    """Return the x for which setseed(x) makes this integer."""
    signed = seed - (seed >> 63 << 64)
    x = signed / SCALE
    while int(SCALE * x) != signed:
        x = nextafter(x, 2.0 if signed > 0 else -2.0)
    return x


def owner() -> int | None:
    """Return the user that the server runs as where we are root, whom it refuses."""
    return None if os.getuid() else pwd.getpwnam("postgres").pw_uid


def run(program: str, *arguments: str, text: str = "") -> str:
    """Run one of the server's programs as its owner and return what it prints."""
    command: Sequence[str] = (str(PROGRAMS / program), *arguments)
    done = subprocess.run(
        command, input=text, text=True, capture_output=True, check=True, user=owner(), cwd="/"
    )
    return done.stdout


def main(call: str, lo: str, hi: str, count: str, *seeds: str) -> None:
    """Print one line a seed."""
    data = tempfile.mkdtemp(prefix="mimicry-postgres-")
    try:
        if (user := owner()) is not None:
            os.chown(data, user, -1)
        run("initdb", "--no-sync", "--auth=trust", "--no-locale", f"--pgdata={data}")
        draw = DRAWS[call].format(lo=lo, range=int(hi) - int(lo) + 1)
        draws = f"SELECT string_agg({draw}, ',') AS draws FROM generate_series(1, {count})\n"
        text = "".join(f"SELECT setseed({argument(int(seed, 16))!r})\n{draws}" for seed in seeds)
        rows = re.findall(
            r'draws = "([^"]*)"', run("postgres", "--single", "-D", data, "postgres", text=text)
        )
        for seed, row in zip(seeds, rows, strict=True):
            print(f"{seed},{row}")
    finally:
        shutil.rmtree(data)


main(*sys.argv[1:])
