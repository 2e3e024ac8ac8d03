"""Keep glibc from hoarding: few arenas, large blocks on their own, and what is free goes back to the system.

Left alone it makes up to eight arenas a core, one for each thread that meets another in the allocator, and after the first large block
that is freed it puts blocks of up to 32 MiB into them: holes between small objects that live long, which no trimming gives back.
"""

from __future__ import annotations

import ctypes
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


def trim() -> bool:
    """Release free pages of every arena; return whether any were. Some 10 ms; call it off the loop."""
    trimmer = _glibc("malloc_trim")
    return trimmer is not None and bool(trimmer(0))
