"""Freed memory goes back to the system."""

from __future__ import annotations

import subprocess
import sys

CODE = """
from engine.soak.processes import weigh
from engine.vitals.heap import _trimmer, trim
import os
kept = [bytearray(3000) for _ in range(20_000)]
pins = [kept[place] for place in range(0, 20_000, 500)]  # the top of the heap stays in use, so glibc gives nothing back by itself
del kept
before = weigh(os.getpid()).rss_mb
trim()
after = weigh(os.getpid()).rss_mb
print(_trimmer() is None or before - after > 30, before, after, len(pins))
"""


def test_what_was_freed_between_what_is_kept_goes_back() -> None:
    """Some 0.5 s, in a process of its own: what ran before it here would blur the sizes."""
    told = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout
    assert told.startswith("True"), told
