"""Files that tasks read: packed once, named by their sha-256, checked by whoever opens one. No machine works on a file that it has not confirmed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from engine.compute.codec import CodecError, pack, unpack
from engine.errors import EnvironmentFault

Arrays = dict[str, npt.NDArray[Any]]
FOLDER = "inputs"
"""Below the state directory; emptied whenever the compute engine starts and ends."""
KEPT, KEPT_BYTES = 8, 256 << 20
"""Opened inputs that a worker keeps for its next task, and their bytes; the newest one is kept however large.

Few: a job's tasks follow each other, and what a finished job read would stay until the bytes are full, weeks of growth for nothing.
"""
_DIGEST = re.compile(r"[0-9a-f]{64}")


class MissingInput(EnvironmentFault):
    """A file that this machine was thought to have is not there, or is not what its name says."""

    def __init__(self, digest: str, why: str) -> None:
        """Name the file and why it is missing."""
        super().__init__(f"input {digest[:12]}: {why}")
        self.digest = digest


@dataclass(frozen=True)
class Input:
    """A file of packed arrays on the coordinator."""

    digest: str
    path: Path
    size: int
    """Bytes."""

    @classmethod
    def write(cls, folder: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> Input:
        """Pack arrays into a file of `folder` that is named by its content; blocking."""
        payload = pack({}, arrays)
        digest = hashlib.sha256(payload).hexdigest()
        path = folder / digest
        part = folder / f"{digest}.{secrets.token_hex(4)}.part"  # others may write the same at this moment
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                out.write(payload)
            part.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise EnvironmentFault(
                f"{folder}: cannot write an input of {len(payload) >> 20} MiB: {error.strerror}; free some disk space"
            ) from error
        return cls(digest, path, len(payload))


def check_digest(text: object) -> str:
    """Return a digest; CodecError for anything else, because it becomes a file name where it is read."""
    if not isinstance(text, str) or not _DIGEST.fullmatch(text):
        raise CodecError(f"job.inputs names {text!r}; 64 hexadecimal digits are the rule")
    return text


class Shelf:
    """A machine's folder of inputs, as one worker reads it; what was opened last stays open."""

    def __init__(self, folder: Path) -> None:
        """Read from `folder`."""
        self.folder = folder
        self._open: OrderedDict[str, tuple[Arrays, int]] = OrderedDict()

    def arrays(self, digests: Iterable[str]) -> Arrays:
        """Return the arrays of all these files, read-only; MissingInput names the first that is not there and whole."""
        found: Arrays = {}
        for digest in digests:
            found |= self._one(digest)
        return found

    def _one(self, digest: str) -> Arrays:
        if digest not in self._open:
            self._open[digest] = self._read(digest)
        self._open.move_to_end(digest)
        while len(self._open) > KEPT or (
            len(self._open) > 1 and sum(size for _, size in self._open.values()) > KEPT_BYTES
        ):
            self._open.popitem(last=False)
        return self._open[digest][0]

    def _read(self, digest: str) -> tuple[Arrays, int]:
        try:
            payload = (self.folder / digest).read_bytes()
        except OSError as error:
            raise MissingInput(digest, f"{self.folder}: {error.strerror}") from error
        if hashlib.sha256(payload).hexdigest() != digest:
            raise MissingInput(digest, "its content is not what its name says; it is staged again")
        _, arrays = unpack(payload)
        for array in arrays.values():
            array.flags.writeable = False
        return arrays, len(payload)
