"""One small file or folder for readers that take a path: on a ramdisk where there is one, removed at the end of the process."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

PARENT = "MIMICRY_FUZZ_SCRATCH"
"""Names the folder of a parent that removes what a killed child leaves."""


@cache
def folder() -> Path:
    """Return this process's folder."""
    ramdisk = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    made = Path(tempfile.mkdtemp(prefix="mimicry-fuzz-", dir=os.environ.get(PARENT, ramdisk)))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def file(name: str, data: bytes) -> Path:
    """Return a file of this name with this content; the one before is replaced."""
    path = folder() / name
    path.write_bytes(data)
    return path
