"""A GPU through CuPy: CUDA, or ROCm where a CuPy build fits it. CuPy caches compiled kernels on disk by their text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.gpu.device import Argument, Array, Kernel


def open_device(number: int) -> CupyDevice:
    """Return GPU `number`; ImportError without CuPy, KernelError without a driver or such a GPU."""
    try:
        import cupy
    except ImportError:
        raise ImportError("CuPy is not installed") from None
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise KernelError(f"no GPU driver answers ({error}): install it, or search on the CPU") from error
    if not 0 <= number < count:
        raise KernelError(
            f"GPU {number} does not exist, {count} found: give 0 to {count - 1}, or search on the CPU"
        )
    return CupyDevice(cupy, number)


class CupyDevice:
    """One GPU; every call makes it current."""

    def __init__(self, cupy: Any, number: int) -> None:
        self._cupy, self._device = cupy, cupy.cuda.Device(number)
        self.name = f"GPU {number} (CuPy)"

    def kernels(self, source: str, names: Sequence[str]) -> list[Kernel]:
        """Compile through NVRTC or hipRTC."""
        with self._device:
            module = self._cupy.RawModule(code=source, options=("-std=c++17",))
            return [self._launcher(module.get_function(name)) for name in names]

    def _launcher(self, function: Any) -> Kernel:
        def launch(blocks: int, threads: int, arguments: Sequence[Argument]) -> None:
            with self._device:
                function((blocks,), (threads,), tuple(arguments))
                self._device.synchronize()

        return launch

    def buffer(self, size: int) -> Argument:
        """Allocate bytes of device memory."""
        with self._device:
            return self._cupy.empty(size, dtype=np.uint8)

    def write(self, buffer: Argument, values: Array) -> None:
        """Copy to the device."""
        with self._device:
            buffer[: values.nbytes].set(values.view(np.uint8).reshape(-1))

    def read(self, buffer: Argument, size: int) -> Array:
        """Copy from the device."""
        with self._device:
            read: Array = self._cupy.asnumpy(buffer[:size])
            return read
