"""GPU kernels as one self-contained text: every header once, then the entry points. A cache that hashes the text is never stale."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from hip_cuda_kernels.family import Family

SMALLEST_ROOM, LARGEST_ROOM = 64, 1 << 14
_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"\s*$', re.MULTILINE)
_ONCE = re.compile(r"^\s*#\s*pragma\s+once\s*$", re.MULTILINE)
_FOLDERS = ("", "generators/", "parts/")


@dataclass(frozen=True)
class Specialisation:
    """What one pair of kernels is compiled for.

    `unlimited` takes the generator's form without a limit on words; `room` is how many filter words a thread keeps.
    """

    family: Family
    unlimited: bool = True
    room: int = SMALLEST_ROOM

    @property
    def name(self) -> str:
        """Return the name that the entry points begin with."""
        form = "all" if self.unlimited else "near"
        return f"{self.family.kernel}_{form}_{self.room}"

    def lines(self) -> str:
        """Return the lines that define the kernels, after the headers."""
        generator = f"{self.family.kernel}<u32>" + ("::Beyond" if self.unlimited else "")
        return f"typedef {generator} {self.name};\nMIMICRY_SIEVE({self.name}, {self.name}, {self.room})\n"


def forms(family: Family, room: int = SMALLEST_ROOM) -> list[Specialisation]:
    """Return the specialisations that a family can be searched with at one size."""
    kinds = (True,) if family.reach is None else (False, True)
    return [Specialisation(family, unlimited, room) for unlimited in kinds]


def source_of(specialisations: Iterable[Specialisation]) -> str:
    """Return one translation unit with the kernels of all of them."""
    chosen = list(specialisations)
    seen: set[str] = set()
    headers = dict.fromkeys([*(one.family.header for one in chosen), "sieve_kernel.h"])
    text = "".join(_flat(header, seen) for header in headers)
    return text + "".join(one.lines() for one in chosen)


def room_for(calls: int) -> int:
    """Return the power of two that holds `calls` filter words, so that few variants are compiled."""
    return max(SMALLEST_ROOM, 1 << (calls - 1).bit_length())


def _flat(header: str, seen: set[str]) -> str:
    """Return a header with what it includes in its place, each file once."""
    if header in seen:
        return ""
    seen.add(header)
    return _INCLUDE.sub(lambda found: _flat(found[1], seen), _ONCE.sub("", _text(header)))


@cache
def _text(header: str) -> str:
    package = files("hip_cuda_kernels")
    found = (package.joinpath(folder + header) for folder in _FOLDERS)
    return next(path for path in found if path.is_file()).read_text(encoding="utf-8")
