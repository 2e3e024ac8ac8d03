"""One event loop for one command, in which a signal ends the work and never strikes inside of the loop.

A KeyboardInterrupt that is raised between two steps of a running loop can lose a task's wake-up; its end is then waited for without end.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from engine.errors import Interrupted

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_calls: list[Callable[[], object]] = []
"""What a signal calls: the last of them. The main thread alone has signals, so there is one list."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end as asyncio.run does; SIGINT and SIGTERM cancel it, which is raised as Interrupted once it has ended."""
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(work)
    runner, tasks, interrupted = asyncio.Runner(), list[asyncio.Task[Any]](), False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        for task in tasks:
            task.cancel()

    async def main() -> T:
        tasks.extend(filter(None, [asyncio.current_task()]))
        return await work

    try:
        with _calling(interrupt, runner.get_loop()), runner:  # signals are the loop's until it is closed
            return runner.run(main())
    except asyncio.CancelledError:
        if interrupted:
            raise Interrupted from None
        raise


def on_signal(call: Callable[[], object]) -> AbstractContextManager[None]:
    """Let SIGINT and SIGTERM call this while it lasts, then what they called before."""
    return _calling(call, asyncio.get_running_loop())


@contextmanager
def _calling(call: Callable[[], object], loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Call this at a signal; the outermost takes the signals over from the process. What is ignored, as under nohup, stays so."""
    before = {} if _calls else {number: signal.getsignal(number) for number in SIGNALS}
    caught = [number for number, was in before.items() if was is not signal.SIG_IGN]
    _calls.append(call)
    for number in caught:
        loop.add_signal_handler(number, lambda: _calls[-1]())
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])
        _calls.pop()
