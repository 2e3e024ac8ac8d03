"""Keep Python and glibc from hoarding: cycles are collected, few arenas, large blocks on their own, what is free goes back to the system.

Left alone it makes up to eight arenas a core, one for each thread that meets another in the allocator, and after the first large block
that is freed it puts blocks of up to 32 MiB into them: holes between small objects that live long, which no trimming gives back.

Python collects its oldest generation when a quarter as many objects have come anew as live on: with a quarter of a million that were
imported, tens of thousands of dead ones lie between those that live, and the pools grow around them.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from functools import cache
from typing import Any

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h
ARENAS = 2
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
    """Collects dead cycles and gives free pages back, again and again."""

    def __init__(self) -> None:
        """Freeze nothing yet."""
        self._modules = 0

    def tidy(self) -> int:
        """Collect, then trim; return how many objects were dead. Some 5 ms, of which none lets the loop in; 100 ms after imports.

        What was imported since the last time is frozen: it lives on, and walking it would be the 100 ms, once a minute.
        """
        dead = gc.collect()
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            gc.freeze()
        trim()
        return dead


def trim() -> bool:
    """Release free pages of every arena; return whether any were. Some 10 ms; call it off the loop."""
    trimmer = _glibc("malloc_trim")
    return trimmer is not None and bool(trimmer(0))
