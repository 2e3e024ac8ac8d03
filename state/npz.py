"""Arrays out of a zip that anybody may have changed: every stated size is checked before memory is taken for it.

The program writes its NPZ files uncompressed, so nothing else is read: a member that is compressed, overlaps another, names a path,
or states another size than it has is refused, and with it every bomb. No member is ever unpickled.
"""

from __future__ import annotations

import math
import os
import struct
import tokenize
import zipfile
from typing import IO, BinaryIO

import numpy as np
import numpy.typing as npt

LIMIT = 4 << 30
"""Bytes that one file may have: far above the largest table of survivors."""
MEMBERS = 512
BLOCK = 1 << 20
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_BROKEN = (
    zipfile.BadZipFile, ValueError, OSError, EOFError, KeyError, TypeError, IndexError, AttributeError, NotImplementedError,
    RuntimeError, MemoryError, OverflowError, SyntaxError, struct.error, tokenize.TokenError,
)  # fmt: skip


class NpzRefused(ValueError):
    """A file that is no plain, uncompressed NPZ; the text says which rule it breaks."""


def load_arrays(file: BinaryIO, *, limit: int = LIMIT) -> dict[str, npt.NDArray[np.generic]]:
    """Return the arrays of an open NPZ by name; NpzRefused where a single rule is broken."""
    try:
        size = file.seek(0, os.SEEK_END)
        if size > limit:
            raise NpzRefused(f"it has {size} bytes, {limit} are the limit")
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _plain(members, size)
            return {one.filename.removesuffix(".npy"): _array(archive, one) for one in members}
    except NpzRefused:
        raise
    except _BROKEN as error:  # what zipfile and numpy raise on damage is not one family
        raise NpzRefused(f"{type(error).__name__}: {error}"[:300]) from error


def _plain(members: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse what a table of contents must not say."""
    if len(members) > MEMBERS:
        raise NpzRefused(f"it has {len(members)} members, {MEMBERS} are the limit")
    names = [one.filename for one in members]
    if len(set(names)) != len(names):
        raise NpzRefused("a member stands twice")
    for one in members:
        if "/" in one.filename or "\\" in one.filename or not one.filename.endswith(".npy"):
            raise NpzRefused(f"member {one.filename[:80]!r} is no array")
        if one.compress_type != zipfile.ZIP_STORED or one.compress_size != one.file_size:
            raise NpzRefused(f"member {one.filename[:80]!r} is compressed; arrays are stored plain")
    if sum(one.file_size for one in members) > size:
        raise NpzRefused("its members state more bytes than the file has")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[np.generic]:
    """Return one member as an array of its own; its header's shape and type must give exactly its bytes."""
    with archive.open(member) as file:
        read = _HEADERS.get(np.lib.format.read_magic(file))
        if read is None:
            raise NpzRefused(f"member {member.filename!r} has a version of the format that is not read here")
        shape, fortran, dtype = read(file)
        if dtype.hasobject:
            raise NpzRefused(f"member {member.filename!r} holds Python objects; they are not opened")
        count, there = math.prod(shape), member.file_size - file.tell()
        if min(shape, default=0) < 0 or count * dtype.itemsize != there:
            raise NpzRefused(
                f"member {member.filename!r} states {count * dtype.itemsize} bytes and has {there}"
            )
        if not there:
            return np.empty(shape, dtype)
        flat = np.empty(count, dtype)
        _fill(flat.view(np.uint8), file)
    return flat.reshape(shape, order="F" if fortran else "C")


def _fill(into: npt.NDArray[np.uint8], file: IO[bytes]) -> None:
    """Read the content piece by piece, so that it stands in memory once; zipfile compares the checksum at its end."""
    at = 0
    while block := file.read(BLOCK):
        into[at : at + len(block)] = np.frombuffer(block, np.uint8)
        at += len(block)
    if at != len(into):
        raise EOFError("the content is cut")
