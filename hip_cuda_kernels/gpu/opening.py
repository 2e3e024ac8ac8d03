"""Which GPU runtime this machine has: CuPy before the HIP module API."""

from __future__ import annotations

from collections.abc import Callable

from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.gpu import cupy_device, hip_device
from hip_cuda_kernels.gpu.device import Device

OPENERS: tuple[Callable[[int], Device], ...] = (cupy_device.open_device, hip_device.open_device)


def open_device(number: int) -> Device:
    """Return GPU `number` through CuPy or, where CuPy is missing, through the HIP runtime; KernelError when neither answers."""
    missing = []
    for opener in OPENERS:
        try:
            return opener(number)
        except ImportError as error:
            missing.append(str(error))
    raise KernelError(
        f"no GPU runtime ({'; '.join(missing)}): pip install 'mimicry[cuda]', install ROCm's HIP runtime, or search on the CPU"
    )
