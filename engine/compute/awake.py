"""Sleep, and notice that we stood still ourselves (SIGSTOP, a suspended machine, a blocked loop): then the silence of others is ours."""

from __future__ import annotations

import asyncio
import time

LATE = 2.0
"""Seconds late after which a wake-up counts as a standstill of our own."""


async def awake(seconds: float) -> bool:
    """Sleep so long; say whether we woke in time. If not, what others said meanwhile lies unread: judge them at the next look."""
    begun = time.monotonic()
    await asyncio.sleep(seconds)
    return time.monotonic() - begun < seconds + LATE
