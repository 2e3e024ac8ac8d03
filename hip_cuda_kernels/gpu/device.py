"""What a search needs of a GPU runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]
# Arguments of a kernel: a buffer of the device, or a NumPy scalar of the C type.
Argument = Any


class Kernel(Protocol):
    """A compiled kernel; the call returns when the device is done."""

    def __call__(self, blocks: int, threads: int, arguments: Sequence[Argument]) -> None: ...


class Device(Protocol):
    """One GPU through one runtime. Buffers are opaque and live as long as the device object."""

    name: str

    def kernels(self, source: str, names: Sequence[str]) -> list[Kernel]:
        """Compile (or fetch from a cache) one self-contained source and return its entry points."""
        ...

    def buffer(self, size: int) -> Argument:
        """Allocate `size` bytes."""
        ...

    def write(self, buffer: Argument, values: Array) -> None:
        """Copy a contiguous array to the start of a buffer."""
        ...

    def read(self, buffer: Argument, size: int) -> Array:
        """Return the first `size` bytes as uint8."""
        ...
