"""What is fuzzed: a target is a family of readers of foreign bytes; the first byte of an input picks the reader.

The property is the same for all: a reader returns, or raises an error that it documents, within bounded time and memory.
"""

from __future__ import annotations

import signal
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from engine.errors import MimicryError
from state.errors import StateError

CORPUS = Path(__file__).parent / "corpus"
FIRST = ord("a")
SECONDS = 2.0
"""CPU seconds of one input: a busy machine makes nothing hang."""
MEMORY = 64 << 20
"""Bytes that a reader may take beside a multiple of its input."""
TIMES = 400
"""JSON takes about a hundred bytes for a small value, a history of short lines some more."""


class Hang(Exception):
    """A reader took longer than its input may cost."""


class Greedy(Exception):
    """A reader took more memory than its input may cost."""


@dataclass(frozen=True)
class Reader:
    """One reader of foreign bytes: what it may raise is part of its contract, anything else is a finding."""

    name: str
    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    refuses: tuple[type[Exception], ...] = (MimicryError, StateError)


@dataclass(frozen=True)
class Finding:
    """An input that broke the property: which reader, what came out of it, and where."""

    reader: str
    fault: str
    place: str
    data: bytes

    @property
    def key(self) -> str:
        """Return what two inputs of one fault share."""
        return f"{self.reader}: {self.fault.split(':')[0]} at {self.place}"


@dataclass(frozen=True)
class Target:
    """A family of readers that share a format or a peer."""

    name: str
    about: str
    readers: tuple[Reader, ...]

    def reader(self, data: bytes) -> Reader:
        """Return the reader that an input picks."""
        return self.readers[(data[0] - FIRST) % len(self.readers)] if data else self.readers[0]

    def seeds(self) -> Iterator[bytes]:
        """Yield one input for each seed of each reader."""
        for number, reader in enumerate(self.readers):
            yield from (bytes([FIRST + number]) + seed for seed in reader.seeds)

    def corpus(self) -> list[Path]:
        """Return the committed inputs, by name."""
        return sorted((CORPUS / self.name).glob("*"))


def judge(target: Target, data: bytes) -> Finding | None:
    """Give an input to its reader; return what is wrong, None where the property holds."""
    reader = target.reader(data)
    try:
        reader.read(data[1:])
    except reader.refuses:
        return None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - what a reader may raise is what is asked here
        return Finding(reader.name, f"{type(error).__name__}: {error}"[:300], _place(error), data)
    return None


@contextmanager
def bounded(seconds: float = SECONDS) -> Iterator[None]:
    """Raise Hang in a reader that takes too long; where C code does not come back at all, the runner's own watch ends it."""

    def alarm(signum: int, frame: FrameType | None) -> None:
        raise Hang(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGPROF, alarm)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def measured(target: Target, data: bytes, *, seconds: float = SECONDS) -> Finding | None:
    """Judge an input under the bounds of time and memory as well."""
    name = target.reader(data).name
    tracemalloc.start()
    begun = time.process_time()
    try:
        with bounded(seconds):
            found = judge(target, data)
        took, peak = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
    except Hang as error:
        return Finding(name, f"Hang: {error}", _place(error), data)
    finally:
        tracemalloc.stop()
    if found is None and took > seconds:
        return Finding(name, f"Hang: {took:.1f} s", "in C", data)
    if found is None and peak > MEMORY + TIMES * len(data):
        return Finding(name, f"Greedy: {peak >> 20} MiB for {len(data)} bytes", "memory", data)
    return found


def _place(error: BaseException) -> str:
    """Return the deepest line of ours in a traceback."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "/tests/fuzz/" not in one.filename]
    ours = [one for one in frames if any(f"/{room}/" in one.filename for room in ROOMS)]
    last = (ours or frames or traceback.extract_tb(error.__traceback__))[-1]
    return f"{Path(last.filename).name}:{last.name}"


ROOMS = ("engine", "tui", "state", "hip_cuda_kernels", "grammars")
