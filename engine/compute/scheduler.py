"""The scheduler's process: `python -m engine.compute.scheduler`, started and leased by the coordinator."""

from __future__ import annotations

import asyncio
import os

from engine.compute.lease import Lease, resident

BEAT = 1.0
"""Seconds between signs of life of the scheduler and of each worker; they come from the loop, so a stalled loop is silent."""


async def serve(lease: Lease) -> None:
    """Serve until the lease ends."""
    from engine.compute import nodes

    nodes.guard_listeners()
    scheduler = await nodes.QuietScheduler()
    # State lives in the coordinator's ledger, not here: there is nothing to save on the way out.
    lease.watch(lambda _: None, lambda: os._exit(0))
    lease.say(event="ready", address=scheduler.address)
    while True:
        lease.say(event="beat", rss=resident())
        nodes.trim_caches()
        await asyncio.sleep(BEAT)


def main() -> None:
    """Take the lease and serve."""
    from engine.compute import settings

    lease = Lease()
    settings.apply()
    asyncio.run(serve(lease))


if __name__ == "__main__":
    main()
