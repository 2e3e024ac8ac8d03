"""Keep Python and glibc from hoarding: cycles are collected, few arenas, large blocks on their own, what is free goes back to the system.

Left alone it makes up to eight arenas a core, one for each thread that meets another in the allocator, and after the first large block
that is freed it puts blocks of up to 32 MiB into them: holes between small objects that live long, which no trimming gives back.

Python collects its oldest generation when a quarter as many objects have come anew as live on: with 144,000 that were imported, up to
36,000 may be dead between two collections.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from functools import cache
from typing import Any

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h
ARENAS = 2
WHOLE = 60
"""Collections from one of everything to the next: an hour of the engine."""
OWN_MAPPING = 128 << 10
"""Bytes from which a block is a mapping of its own, for good; glibc's first value, which it raises unless it is set."""


@cache
def _glibc(name: str) -> Any:
    """Return a function of glibc's allocator, None where the C library has none (musl, macOS)."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError):
        return None


def settle() -> bool:
    """Hold the allocator of a process that is to live for weeks to few arenas; return whether it obeys. Call it before threads start."""
    mallopt = _glibc("mallopt")
    settings = ((_M_ARENA_MAX, ARENAS), (_M_MMAP_THRESHOLD, OWN_MAPPING))
    return mallopt is not None and all(bool(mallopt(*one)) for one in settings)


class Tidier:
    """Collects dead cycles, again and again, and walks what lives on as seldom as can be."""

    def __init__(self) -> None:
        """Freeze nothing yet."""
        self._modules = self._rounds = 0

    def collect(self) -> int:
        """Collect; return how many objects were dead. 5 ms for 60,000 objects, 110 ms for the 144,000 after imports; call it on the loop.

        What lives when modules were imported since the last time is frozen: walking it would be the 110 ms, once a minute. Not all of it
        lives on, and a dead cycle is not found among the frozen, so all are walked before each freezing, and once in WHOLE rounds. No
        thread would spare the loop these: none runs Python meanwhile, and what ends with a dead transport or task belongs to the loop's own.
        """
        whole = len(sys.modules) != self._modules or self._rounds % WHOLE == 0
        self._modules, self._rounds = len(sys.modules), self._rounds + 1
        if whole:
            gc.unfreeze()
        dead = gc.collect()
        if whole:
            gc.freeze()
        return dead


def trim() -> bool:
    """Release free pages of every arena; return whether any were. Some 10 ms; call it off the loop."""
    trimmer = _glibc("malloc_trim")
    return trimmer is not None and bool(trimmer(0))
