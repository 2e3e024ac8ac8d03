"""Runtimes of GPUs: refused in one line where they are missing, CuPy first, HIP's cache keyed by what it compiles."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.gpu import cupy_device, facts, hip_device
from hip_cuda_kernels.gpu.hip_device import Library, cached, compile_source, compiler, pointed
from hip_cuda_kernels.gpu.opening import open_device
from hip_cuda_kernels.gpu.source import forms, source_of
from hip_cuda_kernels.registry import family

needs_hiprtc = pytest.mark.skipif(compiler() is None, reason="hipRTC is missing: apt-get install hipcc")
SOURCE = source_of(forms(family("xorshift32/raw_seed")))


def cupy_with(devices: int) -> Any:
    """Return what cupy_device touches of CuPy before a launch."""
    device = type("Device", (contextlib.nullcontext,), {"__init__": lambda self, number: None})
    runtime = SimpleNamespace(getDeviceCount=lambda: devices, CUDARuntimeError=OSError)
    return SimpleNamespace(cuda=SimpleNamespace(runtime=runtime, Device=device))


def test_without_any_runtime_the_refusal_names_both_and_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(hip_device, "load", lambda names: None)
    with pytest.raises(KernelError, match=r"CuPy is not installed; no HIP runtime .*mimicry\[cuda\]"):
        open_device(0)


def test_a_missing_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", cupy_with(devices=1))
    assert open_device(0).name == "GPU 0 (CuPy)"
    with pytest.raises(KernelError, match="GPU 3 does not exist, 1 found"):
        cupy_device.open_device(3)


def test_a_driver_that_does_not_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cupy = cupy_with(devices=1)
    cupy.cuda.runtime.getDeviceCount = lambda: (_ for _ in ()).throw(OSError("no driver"))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    with pytest.raises(KernelError, match="no GPU driver answers"):
        open_device(0)


class Hip:
    """A HIP runtime of one card whose memory is the host's; it records the calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._memory: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("hip"):
            raise AttributeError(name)

        def call(*arguments: Any) -> int:
            self.calls.append(name)
            return getattr(self, f"on_{name}", lambda *_: 0)(*arguments)

        return call

    def on_hipMalloc(self, address: Any, size: Any) -> int:
        self._memory.append(ctypes.create_string_buffer(size.value))
        ctypes.cast(address, ctypes.POINTER(ctypes.c_void_p))[0] = ctypes.addressof(self._memory[-1])
        return 0

    def on_hipMemcpy(self, target: Any, source: Any, size: Any, direction: int) -> int:
        ctypes.memmove(target, source, size.value)
        return 0

    def on_hipModuleLaunchKernel(self, *arguments: Any) -> int:
        self.shape = arguments[1:7]
        return 0


def test_the_hip_device_copies_and_launches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hip_device, "cached", lambda *_: b"code")
    hip = Hip()
    device = hip_device.HipDevice(Library(hip), 0)
    buffer = device.buffer(16)
    device.write(buffer, np.arange(4, dtype=np.uint32))
    assert device.read(buffer, 8).view(np.uint32).tolist() == [0, 1]
    (kernel,) = device.kernels(SOURCE, ["name_filter"])
    kernel(7, 64, [buffer, np.uint64(5), np.float64(0.5)])
    assert hip.shape == (7, 1, 1, 64, 1, 1)
    assert hip.calls[-2:] == ["hipModuleLaunchKernel", "hipDeviceSynchronize"]


def test_a_failing_hip_call_is_named() -> None:
    hip = SimpleNamespace(hipMalloc=lambda *_: 2)
    with pytest.raises(KernelError, match="hipMalloc answers with error 2"):
        Library(hip)("hipMalloc")


def test_arguments_become_c_values_of_their_type() -> None:
    assert isinstance(pointed(np.uint64(5)), ctypes.c_uint64)
    assert pointed(np.uint32(7)).value == 7
    assert pointed(np.float64(0.5)).value == 0.5


@needs_hiprtc
def test_a_kernel_compiles_once_and_then_comes_from_the_cache(tmp_path: Path) -> None:
    rtc = compiler()
    first = cached(tmp_path, SOURCE, "card", rtc, "gfx1030")
    assert first[:4] == b"\x7fELF"
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(b"kept")
    assert cached(tmp_path, SOURCE, "card", rtc, "gfx1030") == b"kept"
    assert cached(tmp_path, SOURCE, "another card", rtc, "gfx1030")[:4] == b"\x7fELF"
    assert len(list(tmp_path.iterdir())) == 2


@needs_hiprtc
def test_a_kernel_that_does_not_compile_says_why() -> None:
    rtc = compiler()
    assert rtc is not None
    with pytest.raises(KernelError, match=r"does not compile for gfx1030: .*nonsense"):
        compile_source(rtc, "nonsense", "gfx1030")


def test_the_facts_name_both_runtimes_even_where_neither_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "load", lambda names: None)
    monkeypatch.setattr(facts, "cupy_wheel", lambda: None)
    assert [(one.name, one.usable, one.what) for one in facts.runtimes()] == [
        ("CuPy", False, "not installed"),
        ("HIP", False, "no libamdhip64.so"),
    ]
