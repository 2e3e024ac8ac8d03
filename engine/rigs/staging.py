"""Staging: files of work on a rig's ramdisk, named by their sha-256 and checked there; capped in bandwidth and number, never past the headroom."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shlex
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import BadInput, EnvironmentFault
from engine.rigs.guardlink import SCRIPTS
from engine.rigs.heard import answer_of
from engine.rigs.reach import Reach

MIB = 1 << 20
BLOCK = 128 << 10
"""Bytes of one write: OpenSSH's SFTP breaks at twice as many."""
RATE = 40 * MIB
"""Bytes per second over all rigs: half of what one connection gives, so that nothing else waits."""
AT_ONCE = 2
HEADROOM = 256 * MIB
"""Bytes of the ramdisk that stay free: it is the rig's memory."""
TRIES = 2
CHECK_LIMIT = 120.0


class Budget:
    """A token bucket that all transfers share."""

    def __init__(self, rate: float = RATE, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow `rate` bytes per second, a tenth of a second ahead."""
        self._rate, self._clock, self._free_at = rate, clock, 0.0

    async def spend(self, size: int) -> None:
        """Wait until so many bytes may go."""
        now = self._clock()
        self._free_at = max(self._free_at, now - 0.1) + size / self._rate
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)


class Stage:
    """Puts files on rigs; one for the whole fleet."""

    def __init__(self, *, rate: float = RATE, at_once: int = AT_ONCE, headroom: int = HEADROOM) -> None:
        """Cap bandwidth and number of transfers over all rigs."""
        self._budget, self._at_once, self._headroom = Budget(rate), at_once, headroom
        self.renew()

    def renew(self) -> None:
        """Serve another loop from now on; nothing of the old one's is under way any more."""
        self._places = asyncio.Semaphore(self._at_once)

    async def put(
        self,
        rig: Reach,
        python: str,
        staging: str,
        files: Mapping[str, Path],
        keep: Collection[str] | None = None,
    ) -> dict[str, str]:
        """See that a connected rig has these files (digest to path here); return digest to path there.

        What is there and whole is not sent again; where the room is short, what is not in `keep` (if given) goes first. BadInput
        for a file that is not its digest, EnvironmentFault where the ramdisk has no room or a transfer arrives damaged twice: then
        no chunk may go there.
        """
        store = Store(rig, python, staging)
        seen = await store.ask(op="look", want=sorted(files))
        missing = [digest for digest in files if digest not in seen["whole"]]
        need = sum(files[digest].stat().st_size for digest in missing)
        if missing and keep is not None and seen["free"] - need < self._headroom:
            seen |= await store.ask(op="sweep", keep=sorted({*keep, *files}))
        if missing and seen["free"] - need < self._headroom:
            raise EnvironmentFault(
                f"rig {rig.name}: {need / MIB:.0f} MiB do not fit on {staging} ({seen['free'] / MIB:.0f} MiB free, "
                f"{self._headroom / MIB:.0f} stay free); end what fills it"
            )
        try:
            async with (
                asyncio.TaskGroup() as group
            ):  # one that fails ends the others: no two shall ever write one file
                for digest in missing:
                    group.create_task(self._send(rig, store, digest, files[digest]))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from several
        return {digest: f"{store.folder}/{digest}" for digest in files}

    async def _send(self, rig: Reach, store: Store, digest: str, path: Path) -> None:
        """Send one file until it arrives whole, twice at most."""
        async with self._places:
            for _ in range(TRIES):
                mark = hashlib.sha256()
                await rig.upload(f"{store.folder}/{digest}.part", self._paced(path, mark))
                if mark.hexdigest() != digest:
                    await store.ask(op="look", want=[])
                    raise BadInput(
                        f"{path}: its sha-256 is {mark.hexdigest()[:12]}…, not {digest[:12]}…; it changed since it was named"
                    )
                if (await store.ask(op="keep", digest=digest))["kept"]:
                    return
        raise EnvironmentFault(
            f"rig {rig.name}: {path.name} arrived damaged {TRIES} times; check its memory and cabling"
        )

    async def _paced(self, path: Path, mark: Any) -> AsyncIterator[bytes]:
        async for block in blocks(path):
            await self._budget.spend(len(block))
            mark.update(block)
            yield block

    async def sweep(self, rig: Reach, python: str, staging: str, keep: Iterable[str] = ()) -> int:
        """Remove every staged file but those to keep; return how many went."""
        return int((await Store(rig, python, staging).ask(op="sweep", keep=sorted(keep)))["removed"])


def folder(staging: str) -> str:
    """Return where staged files lie on a rig."""
    return f"{staging}/mimicry-store"


async def blocks(path: Path) -> AsyncIterator[bytes]:
    """Yield a file's blocks, read off the loop."""
    with path.open("rb") as file:
        while block := await asyncio.to_thread(file.read, BLOCK):
            yield block


class Store:
    """The store's script on one rig; it travels with each order, so nothing must be installed."""

    def __init__(self, rig: Reach, python: str, staging: str) -> None:
        """Speak for `STAGING/mimicry-store`."""
        self._rig, self._python, self.folder = rig, python, folder(staging)

    async def ask(self, **order: Any) -> dict[str, Any]:
        """Obey one order there; EnvironmentFault where it cannot."""
        code = (SCRIPTS / "store.py").read_text(encoding="utf-8")
        line = shlex.quote(json.dumps(order))
        command = f"printf '%s\\n' {line} | {shlex.quote(self._python)} -I -c {shlex.quote(code)} {shlex.quote(self.folder)}"
        done = await self._rig.run(command, within=CHECK_LIMIT)
        if done.code:
            last = (done.stderr.strip().splitlines() or ["no word"])[-1]
            raise EnvironmentFault(
                f"rig {self._rig.name}: the store in {self.folder} fails: {last[:200]}; check its rights and space"
            )
        try:
            return answer_of(done.stdout, order["op"])
        except BadInput as error:
            raise EnvironmentFault(
                f"rig {self._rig.name}: the store in {self.folder} answers out of form: {error}; check its python and login scripts"
            ) from error
