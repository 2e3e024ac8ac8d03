"""Where a worker can be, what every one of them is started with, what is known about one, and how a life of it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from engine.compute.enrol import Launch
from engine.compute.host import HostReport
from engine.compute.pki import Authority


@dataclass(frozen=True)
class WorkerInfo:
    """What is known about one worker."""

    name: str
    alive: bool
    """Registered and taking work."""
    busy: bool
    age: float
    """Seconds since its last sign of life; infinite if it never gave one."""
    isa: str
    digest: str
    pid: int | None
    rss: int
    """Resident bytes at its last sign of life."""
    starts: int
    """How often it was started in this life of the scheduler."""
    note: str
    """Why it is not alive, empty otherwise."""
    device: str = "CPU"
    """What its sieve runs on."""
    degraded: str = ""
    """Why it does not run on what it was started for."""
    free: int = 0
    """Bytes of memory that its host has left, 0 if unknown."""
    ahead: int = 0
    """Tasks that it holds, the running one included."""
    task: str = ""
    """Key of the task that it works on."""
    held: bool = False
    """Gets nothing new."""
    gpu: bool = False
    """It was started for a GPU."""
    rate: float | None = None
    """Hypotheses a second over its newest pieces, None where it has finished none lately."""


@dataclass(frozen=True)
class Place:
    """Where a worker can be: a name, and how one is started there."""

    name: str
    launch: Launch
    gpu: bool = False
    remote: bool = False
    """On another machine: it is started once the scheduler's port is known, and may have another instruction set."""
    reserve: int = 0
    """Bytes of its machine's memory that work leaves free."""

    @property
    def host(self) -> str:
        """Return the machine whose memory it shares."""
        return self.name.partition("/")[0] if self.remote else ""


@dataclass(frozen=True)
class SlotSpec:
    """What every worker of one scheduler has in common."""

    kinds: Mapping[str, str]
    report: asyncio.Future[HostReport]
    """The coordinator's own kernels."""
    address: asyncio.Future[str]
    """Where the scheduler listens, once it does."""
    memory: int | None
    """Resident bytes above which an idle worker is replaced; None for no limit."""
    authority: Authority
    generation: Callable[[], int]
    """The stop word's present value."""
    halted: Callable[[], bool]
    """Tells whether the room stands halted."""
    launches: Callable[[], int]
    """Gives the next number of a start."""


@dataclass(frozen=True)
class Ending:
    """How one life of a worker ended."""

    alias: str
    code: int
    words: str
    purpose: str
    """Why we killed it, empty if we did not."""
    charged: bool
    """It is the running task's fault as far as anybody knows."""
    kernel: Callable[[float], Awaitable[str]]
    """Tells what its machine's kernel logged since a monotonic time."""
