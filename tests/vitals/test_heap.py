"""Freed memory goes back to the system, dead cycles are found and the living are not walked again."""

from __future__ import annotations

import subprocess
import sys

BETWEEN = """
from engine.soak.processes import weigh
from engine.vitals.heap import _glibc, trim
import os
kept = [bytearray(3000) for _ in range(20_000)]
pins = [kept[place] for place in range(0, 20_000, 500)]  # the top of the heap stays in use, so glibc gives nothing back by itself
del kept
before = weigh(os.getpid()).rss_mb
trim()
after = weigh(os.getpid()).rss_mb
print(_glibc("malloc_trim") is None or before - after > 30, before, after, len(pins))
"""
LARGE = """
import os, sys
from engine.soak.processes import weigh
from engine.vitals.heap import _glibc, settle

def block(size):
    made = bytearray(size)
    for place in range(0, size, 4096):
        made[place] = 1
    return made

settled = settle() if sys.argv[1] == "settled" else False
block(20 << 20)  # freed at once: from here on glibc left alone puts blocks of up to 20 MiB among the small ones
blocks, pins = [], []
for _ in range(16):
    blocks.append(block(3 << 20))
    pins.append(bytearray(60_000))
before = weigh(os.getpid()).rss_mb
del blocks
after = weigh(os.getpid()).rss_mb
print(_glibc("mallopt") is None, settled, round(before - after))
"""
CYCLES = """
import gc
from engine.vitals.heap import WHOLE, Tidier

class Node:
    pass

def leave(count):
    for _ in range(count):
        one = Node()
        one.itself = one

tidier = Tidier()
gc.disable()
tidier.collect()
frozen = gc.get_freeze_count()
leave(500)
found = tidier.collect() >= 500
same = gc.get_freeze_count() == frozen
alive = Node()
alive.itself = alive
import json.tool
tidier.collect()
more = gc.get_freeze_count() > frozen
del alive  # dead among the frozen
unseen = tidier.collect() == 0
hourly = max(tidier.collect() for _ in range(WHOLE)) >= 1
print(frozen > 1000, found, same, more, unseen, hourly)
"""


def told(code: str, *words: str) -> list[str]:
    """Run code in a process of its own: what ran before it here would blur the sizes."""
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_what_was_freed_between_what_is_kept_goes_back() -> None:
    """Some 0.5 s."""
    assert told(BETWEEN)[0] == "True"


def test_large_blocks_leave_no_holes_among_small_ones() -> None:
    """Some 0.5 s."""
    elsewhere, settled, freed = told(LARGE, "settled")
    assert elsewhere == "True" or (settled == "True" and int(freed) >= 40)


def test_dead_cycles_are_collected_and_what_lives_is_frozen_until_all_is_walked_again() -> None:
    """Some 0.4 s."""
    assert told(CYCLES) == ["True"] * 6
