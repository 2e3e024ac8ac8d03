"""The GPU kernel's source for one family: a few lines that name the generator, and the folders its headers lie in."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from hip_cuda_kernels.family import Family

ENTRY = "sieve"
SMALLEST_ROOM, LARGEST_ROOM = 64, 1 << 14


def include_directories() -> list[str]:
    """Return the folders that the headers' flat names are looked up in."""
    package = files("hip_cuda_kernels")
    # An editable install spreads a package over folders; a file has one place.
    headers = ("device.h", "generators/mt19937.h", "parts/lcg_jump.h")
    return [str(Path(str(package.joinpath(header))).parent) for header in headers]


def kernel_source(family: Family, *, unlimited: bool = True, room: int = SMALLEST_ROOM) -> str:
    """Return the translation unit of one family.

    `unlimited` takes the generator's form without a limit on words; `room` is how many filter words a thread keeps.
    """
    generator = f"{family.kernel}<u32>::Beyond" if unlimited else f"{family.kernel}<u32>"
    return (
        f'#include "{family.header}"\n'
        f"typedef {generator} Generator;\n"
        f"enum {{ room = {room} }};\n"
        '#include "sieve_kernel.h"\n'
    )


def room_for(calls: int) -> int:
    """Return the power of two that holds `calls` filter words, so that few variants are compiled."""
    return max(SMALLEST_ROOM, 1 << (calls - 1).bit_length())
