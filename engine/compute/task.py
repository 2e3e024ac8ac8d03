"""What is asked of a worker and what comes back: plain records, no behaviour of any engine behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.compute.codec import canonical
from engine.compute.inputs import Input
from engine.errors import UsageError

Array = npt.NDArray[Any]


class Split(Protocol):
    """How a task is cut in two where no worker that waits has the memory for it whole, and how its halves are put together."""

    def halve(self, task: Task) -> tuple[Task, Task] | None:
        """Return two tasks that do the same work in this order, each with less memory; None where it cannot be cut further."""

    def join(self, task: Task, halves: Sequence[TaskResult]) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return the meta and arrays that the whole task would have given."""


@dataclass(frozen=True)
class Task:
    """One piece of work: a pure function of its params and arrays, so that running it twice does no harm."""

    kind: str
    """Name in the table of `engine.compute.kinds`."""
    key: str
    """Stable id; the caller's ledger knows the task by it."""
    params: dict[str, Any]
    """Plain JSON with string keys and finite numbers."""
    arrays: dict[str, Array] = field(default_factory=dict)
    isolate: bool = False
    """Run in a child process of its own, which a halt kills."""
    threads: int = 1
    """OpenMP and BLAS threads of the child; more than one needs `isolate`."""
    priority: int = 0
    """Higher goes first among what waits; says nothing about what a task is, so it is not part of its digest."""
    memory: int = 0
    """Bytes of host memory that it needs beside its worker; it runs only where so much is left."""
    limit: float | None = None
    """Seconds after which it counts as hung and its worker is killed; None: the kind's, or 30 times the measured ones."""
    inputs: tuple[Input, ...] = ()
    """Files whose arrays it reads beside its own; it goes to no machine that has not confirmed each by its digest."""
    split: Split | None = field(default=None, compare=False)
    """How it is halved for want of memory; None: it is refused then."""

    def __post_init__(self) -> None:
        """Refuse a thread count that could not take effect."""
        if self.threads < 1 or (self.threads > 1 and not self.isolate):
            raise UsageError(
                f"task {self.key}: threads={self.threads}; thread settings are read once per process, so more than one "
                "needs isolate=True"
            )

    def digest(self) -> str:
        """Return the SHA-256 of kind, key, params and arrays: what the worker must echo."""
        return job_digest(self.kind, self.key, self.params, self.arrays, [one.digest for one in self.inputs])


@dataclass(frozen=True)
class TaskResult:
    """The outcome of one task; exactly one of ok, stopped and error-with-neither describes it."""

    key: str
    ok: bool
    """The kind ran to its end, nobody asked it to stop, and the echo matched."""
    meta: dict[str, Any]
    arrays: dict[str, Array]
    error: str | None
    """One line, when not ok."""
    seconds: float
    """Wall time inside the kind, 0 if it never began."""
    worker: str
    """Name of the worker, empty if none took it."""
    stopped: bool
    """A halt came before or while it ran; meta and arrays are partial and must not be counted as done."""
    missing: tuple[str, ...] = ()
    """Digests of inputs that its worker had not got after all; the task waits again until they are confirmed anew."""


def job_digest(
    kind: str, key: str, params: Mapping[str, Any], arrays: Mapping[str, Array], inputs: Sequence[str] = ()
) -> str:
    """Return the SHA-256 hex over the canonical form of a job; array bytes count little-endian in C order."""
    head: dict[str, Any] = {"kind": kind, "key": key, "params": dict(params)}
    digest = hashlib.sha256(canonical(head | ({"inputs": list(inputs)} if inputs else {}), "task"))
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        plain = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"\0{name}\0{plain.dtype.descr}\0{plain.shape}\0".encode())
        digest.update(np.ascontiguousarray(plain).reshape(-1).view(np.uint8).data if plain.size else b"")
    return digest.hexdigest()
