"""The scheduler's process: `python -m engine.compute.scheduler`, started and leased by the coordinator."""

from __future__ import annotations

import asyncio
import os
import sys

from engine.compute.lease import Lease, resident
from engine.compute.pki import Credentials

BEAT = 1.0
"""Seconds between signs of life of the scheduler and of each worker; they come from the loop, so a stalled loop is silent."""
PORT_TAKEN = 75
"""Exit code when the wanted port is not free."""


async def serve(lease: Lease, credentials: Credentials, port: int) -> None:
    """Serve until the lease ends."""
    from engine.compute import nodes

    def told(refusal: str) -> None:
        print(f"refused: {refusal}", file=sys.stderr, flush=True)
        lease.say(event="refused", why=refusal[:500])

    try:
        scheduler = await nodes.FencedScheduler(credentials, port, told)
    except OSError as error:
        print(f"port {port} of 127.0.0.1: {error}", file=sys.stderr, flush=True)
        os._exit(PORT_TAKEN)
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
    credentials = Credentials(**lease.spec.pop("tls"))
    settings.apply()
    asyncio.run(serve(lease, credentials, lease.spec["port"]))


if __name__ == "__main__":
    main()
