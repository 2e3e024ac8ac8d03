"""Results in groups: whoever records them waits for the disk once for all that came meanwhile, not once for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")
MOST = 256
"""Results of one group; what comes beyond waits, and so does the stream."""


async def grouped(results: AsyncGenerator[T, None], most: int = MOST) -> AsyncGenerator[list[T], None]:
    """Yield what has come since the last group, at once where nothing waits: no result is held back to fill a group.

    While the caller records one group the next one gathers, so a slow disk makes groups larger and never the stream slower. The
    stream's error comes after what it gave before; closing this closes the stream.
    """
    gathered: asyncio.Queue[T] = asyncio.Queue(most)

    async def gather() -> None:
        async with aclosing(results):
            async for result in results:
                await gathered.put(result)

    stream = asyncio.create_task(gather())
    first: asyncio.Task[T] | None = None
    try:
        while True:
            first = asyncio.create_task(gathered.get())
            await asyncio.wait({first, stream}, return_when=asyncio.FIRST_COMPLETED)
            if not first.done():
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)
                if gathered.empty():
                    await stream
                    return
                continue
            group = [first.result()]
            while not gathered.empty() and len(group) < most:
                group.append(gathered.get_nowait())
            yield group
    finally:
        left = [task for task in (first, stream) if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
