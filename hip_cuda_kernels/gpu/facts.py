"""What GPU runtimes this machine has and whether they fit together; nothing is allocated, no kernel runs."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

from hip_cuda_kernels.gpu.hip_device import RUNTIMES, compiler, load

ROCM_VERSION = Path("/opt/rocm/.info/version")


@dataclass(frozen=True)
class Runtime:
    """One way to reach a GPU: `usable` when it answers and finds one."""

    name: str
    usable: bool
    what: str


def runtimes() -> list[Runtime]:
    """Return CuPy's and HIP's state, CuPy first: the order in which they are used."""
    return [_cupy(), _hip()]


def cupy_wheel() -> str | None:
    """Return the installed CuPy distribution and its version, without importing it."""
    names = sorted(
        {d.metadata["Name"] for d in distributions() if (d.metadata["Name"] or "").startswith("cupy")}
    )
    return f"{names[0]} {version(names[0])}" if names else None


def _cupy() -> Runtime:
    wheel = cupy_wheel()
    if wheel is None:
        return Runtime("CuPy", False, "not installed")
    try:
        import cupy
    except ImportError as error:
        return Runtime("CuPy", False, f"{wheel} does not load: {error}")
    kind = "ROCm" if cupy.cuda.runtime.is_hip else "CUDA"
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
        return Runtime(
            "CuPy", count > 0, f"{wheel} for {kind} {_release(cupy)}, {count} GPUs{_fit(kind, cupy)}"
        )
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return Runtime("CuPy", False, f"{wheel} for {kind}: {error}")


def _release(cupy: Any) -> str:
    number = int(cupy.cuda.runtime.runtimeGetVersion())
    # CUDA writes 13.2 as 13020, HIP writes 5.7 as 5_07_xxxxx
    major, rest = divmod(number, 10_000_000 if cupy.cuda.runtime.is_hip else 1000)
    return f"{major}.{rest // (100_000 if cupy.cuda.runtime.is_hip else 10)}"


def _fit(kind: str, cupy: Any) -> str:
    """Say whether CuPy was built for the ROCm that is installed."""
    if kind != "ROCm" or not ROCM_VERSION.exists():
        return ""
    installed = ".".join(ROCM_VERSION.read_text(encoding="utf-8").strip().split(".")[:2])
    return f"; ROCm {installed} is installed, {'a match' if _release(cupy) == installed else 'no match'}"


def _hip() -> Runtime:
    library = load(RUNTIMES)
    if library is None:
        return Runtime("HIP", False, "no libamdhip64.so")
    number, count = ctypes.c_int(), ctypes.c_int()
    answers = library.hipRuntimeGetVersion(ctypes.byref(number)) == 0
    release = f"{number.value // 10_000_000}.{number.value // 100_000 % 100}" if answers else "unknown"
    found = count.value if library.hipGetDeviceCount(ctypes.byref(count)) == 0 else 0
    rtc = "with hipRTC" if compiler() is not None else "without hipRTC"
    return Runtime("HIP", found > 0, f"runtime {release} {rtc}, {found} GPUs")
