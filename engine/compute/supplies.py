"""Which machine has which inputs: asks for what waiting tasks lack, once at a time for each machine, and says why a machine waits."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from engine.compute.dealer import Dealer
from engine.compute.inputs import Input

RETRY = 10.0
"""Seconds after a refusal before the same machine is asked again: what filled its ramdisk may have gone."""
MIB = 1 << 20


class Stager(Protocol):
    """What brings files to other machines (`engine.rigs.recruits`)."""

    def stage(self, host: str, inputs: Mapping[str, Input]) -> None:
        """Begin to put files on a machine; `Compute.confirm` or `Compute.unstaged` is the answer."""


class Supplies:
    """The account of inputs on machines. The dealer reads what is confirmed; nothing else lets a chunk go."""

    def __init__(self, dealer: Dealer) -> None:
        """Begin with nothing confirmed anywhere."""
        self.stager: Stager | None = None
        self._dealer = dealer
        self._inputs: dict[str, Input] = {}
        self._holders: Counter[str] = Counter()
        self._out: dict[str, frozenset[str]] = {}
        self._refused: dict[str, tuple[float, str]] = {}

    def hold(self, inputs: Iterable[Input]) -> None:
        """Somebody needs these files from now on."""
        for one in inputs:
            self._inputs[one.digest] = one
            self._holders[one.digest] += 1

    def release(self, inputs: Iterable[Input]) -> None:
        """Somebody needs these files no more."""
        for one in inputs:
            self._holders[one.digest] -= 1
            if self._holders[one.digest] <= 0:
                del self._holders[one.digest]
                del self._inputs[one.digest]

    @property
    def wanted(self) -> frozenset[str]:
        """Return the digests that somebody needs; may be read from any thread."""
        return frozenset(self._inputs)

    def ask(self) -> None:
        """Have what is missing brought to each machine that lacks it and has no errand under way."""
        now = time.monotonic()
        for host, digests in self._dealer.lacked().items():
            since = self._refused.get(host, (-RETRY, ""))[0]
            if self.stager is not None and host not in self._out and now - since >= RETRY:
                self._out[host] = digests
                self.stager.stage(host, {digest: self._inputs[digest] for digest in digests})

    def confirm(self, host: str, digests: Iterable[str]) -> None:
        """A machine has these files, whole, by its own count."""
        self._out.pop(host, None)
        self._refused.pop(host, None)
        self._dealer.confirmed[host] = self._dealer.confirmed.get(host, frozenset()) | frozenset(digests)

    def refuse(self, host: str, why: str) -> None:
        """A machine did not get what was asked for."""
        self._out.pop(host, None)
        self._refused[host] = (time.monotonic(), why)

    def forget(self, host: str, digests: Iterable[str] | None = None) -> None:
        """A machine has lost these files, or its link and with it all that was known of it."""
        known = self._dealer.confirmed.pop(host, frozenset())
        if digests is not None:
            self._dealer.confirmed[host] = known - frozenset(digests)
        else:
            self._out.pop(host, None)

    def waits(self) -> dict[str, str]:
        """Return, for each machine that lacks inputs of waiting tasks, what it waits for and why."""
        return {host: self._words(host, digests) for host, digests in self._dealer.lacked().items()}

    def _words(self, host: str, digests: frozenset[str]) -> str:
        size = sum(self._inputs[digest].size for digest in digests) / MIB
        what = f"waits for {len(digests)} input{'s' * (len(digests) > 1)} ({sorted(digests)[0][:12]}, {size:.1f} MiB)"
        if host in self._out:
            return f"{what}: on the way"
        if host in self._refused:
            return f"{what}: {self._refused[host][1]}"
        return (
            f"{what}: nobody brings files to {host}" if self.stager is None else f"{what}: about to be sent"
        )


@asynccontextmanager
async def lent(
    supplies: Supplies, folder: Path, arrays: Mapping[str, npt.NDArray[Any]]
) -> AsyncIterator[Input]:
    """Write a file of arrays into `folder` for as long as somebody needs it; the last who does removes it."""
    made = await asyncio.to_thread(Input.write, folder, arrays)
    supplies.hold([made])
    try:
        if not made.path.exists():  # whoever lent the same arrays before us has just ended
            await asyncio.to_thread(Input.write, folder, arrays)
        yield made
    finally:
        supplies.release([made])
        if made.digest not in supplies.wanted:
            made.path.unlink(missing_ok=True)
