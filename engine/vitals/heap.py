"""Give memory that is free back to the system: glibc keeps it in its arenas for ever where threads come and go."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


@cache
def _trimmer() -> Any:
    """Return glibc's malloc_trim, None where the C library has none (musl, macOS)."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return None


def trim() -> bool:
    """Release free pages of every arena; return whether any were. Some 10 ms; call it off the loop."""
    trimmer = _trimmer()
    return trimmer is not None and bool(trimmer(0))
