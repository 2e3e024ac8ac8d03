"""A GPU through the HIP module API alone, for rigs whose ROCm no CuPy build fits: hipRTC compiles, a folder caches by text."""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.gpu.device import Argument, Array, Kernel

RUNTIMES = ("libamdhip64.so", "libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5")
COMPILERS = ("libhiprtc.so", "libhiprtc.so.7", "libhiprtc.so.6", "libhiprtc.so.5")
_TO_DEVICE, _TO_HOST = 1, 2


def open_device(number: int) -> HipDevice:
    """Return GPU `number`; ImportError without the HIP runtime, KernelError without such a GPU."""
    runtime = load(RUNTIMES)
    if runtime is None:
        raise ImportError("no HIP runtime (libamdhip64.so)")
    hip = Library(runtime)
    count = ctypes.c_int()
    if hip.code("hipGetDeviceCount", ctypes.byref(count)) != 0 or not 0 <= number < count.value:
        raise KernelError(
            f"GPU {number} does not exist, HIP finds {count.value}: check the driver and HIP_VISIBLE_DEVICES, or search on the CPU"
        )
    return HipDevice(hip, number)


def load(names: Sequence[str]) -> ctypes.CDLL | None:
    """Return the first of these shared libraries that is here."""
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


class Library:
    """A HIP library whose calls return 0 or an error."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def code(self, function: str, *arguments: Any) -> int:
        """Call and return the error code."""
        return int(getattr(self._library, function)(*arguments))

    def __call__(self, function: str, *arguments: Any) -> None:
        """Call; KernelError names the call that failed."""
        code = self.code(function, *arguments)
        if code != 0:
            raise KernelError(
                f"{function} answers with error {code}: check the GPU with rocminfo and its driver's log"
            )


def compiler() -> Library | None:
    """Return hipRTC: a library of its own since ROCm 5, part of the runtime before; None where it is missing."""
    for names in (COMPILERS, RUNTIMES):
        library = load(names)
        if library is not None and hasattr(library, "hiprtcCreateProgram"):
            return Library(library)
    return None


def compile_source(rtc: Library, source: str, target: str | None = None) -> bytes:
    """Return the code object of one source for `target` (gfx1030, …; None: the current device); KernelError carries the message."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    rtc("hiprtcCreateProgram", ctypes.byref(program), source.encode(), b"sieve.hip", 0, None, None)
    options = [b"-std=c++17", b"-O3", *([f"--offload-arch={target}".encode()] if target else [])]
    try:
        given = (ctypes.c_char_p * len(options))(*options)
        if rtc.code("hiprtcCompileProgram", program, len(options), given) != 0:
            raise KernelError(
                f"a kernel does not compile for {target or 'this GPU'}: {_log(rtc, program)[:300]}"
            )
        rtc("hiprtcGetCodeSize", program, ctypes.byref(size))
        code = ctypes.create_string_buffer(size.value)
        rtc("hiprtcGetCode", program, code)
        return code.raw
    finally:
        rtc("hiprtcDestroyProgram", ctypes.byref(program))


def _log(rtc: Library, program: ctypes.c_void_p) -> str:
    size = ctypes.c_size_t()
    rtc("hiprtcGetProgramLogSize", program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value + 1)
    rtc("hiprtcGetProgramLog", program, text)
    return " ".join(text.value.decode(errors="replace").split())


def cached(folder: Path, source: str, card: str, rtc: Library | None, target: str | None = None) -> bytes:
    """Return compiled code from the cache, or compile and keep it; the key is the text, the card and the compiler's version."""
    if rtc is None:
        raise KernelError("no hipRTC (libhiprtc.so): install ROCm's hiprtc package, or search on the CPU")
    major, minor = ctypes.c_int(), ctypes.c_int()
    rtc("hiprtcVersion", ctypes.byref(major), ctypes.byref(minor))
    key = f"{card} {target} {major.value}.{minor.value} {source}"
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()}.hsaco"
    if path.exists():
        return path.read_bytes()
    code = compile_source(rtc, source, target)
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(code)
    part.replace(path)  # whole or absent, whoever else compiles the same
    return code


class HipDevice:
    """One AMD GPU; what it passes for may be set by HSA_OVERRIDE_GFX_VERSION, so that is part of the card's name in the cache."""

    def __init__(self, hip: Library, number: int) -> None:
        self._hip, self._number = hip, number
        self.name = f"GPU {number} (HIP)"
        self._card = f"{self._model()} {os.environ.get('HSA_OVERRIDE_GFX_VERSION', '')}"
        self._modules: list[ctypes.c_void_p] = []

    def kernels(self, source: str, names: Sequence[str]) -> list[Kernel]:
        """Compile through hipRTC, or take the cached code, and load it."""
        module = ctypes.c_void_p()
        self._hip("hipSetDevice", self._number)
        code = cached(
            Path(platformdirs.user_cache_dir("mimicry")) / "kernels", source, self._card, compiler()
        )
        self._hip("hipModuleLoadData", ctypes.byref(module), code)
        self._modules.append(module)
        return [self._launcher(module, name) for name in names]

    def _model(self) -> str:
        name = ctypes.create_string_buffer(256)
        self._hip("hipDeviceGetName", name, len(name), self._number)
        return name.value.decode(errors="replace")

    def _launcher(self, module: ctypes.c_void_p, name: str) -> Kernel:
        function = ctypes.c_void_p()
        self._hip("hipModuleGetFunction", ctypes.byref(function), module, name.encode())

        def launch(blocks: int, threads: int, arguments: Sequence[Argument]) -> None:
            self._hip("hipSetDevice", self._number)
            held = [pointed(argument) for argument in arguments]
            given = (ctypes.c_void_p * len(held))(*(ctypes.addressof(one) for one in held))
            shape = (blocks, 1, 1, threads, 1, 1, 0, None)
            self._hip("hipModuleLaunchKernel", function, *shape, given, None)
            self._hip("hipDeviceSynchronize")

        return launch

    def buffer(self, size: int) -> Argument:
        """Allocate bytes of device memory."""
        address = ctypes.c_void_p()
        self._hip("hipSetDevice", self._number)
        self._hip("hipMalloc", ctypes.byref(address), ctypes.c_size_t(size))
        return address

    def write(self, buffer: Argument, values: Array) -> None:
        """Copy to the device."""
        source = ctypes.c_void_p(values.ctypes.data)
        self._hip("hipMemcpy", buffer, source, ctypes.c_size_t(values.nbytes), _TO_DEVICE)

    def read(self, buffer: Argument, size: int) -> Array:
        """Copy from the device."""
        values = np.empty(size, dtype=np.uint8)
        target = ctypes.c_void_p(values.ctypes.data)
        self._hip("hipMemcpy", target, buffer, ctypes.c_size_t(size), _TO_HOST)
        return values


_C_TYPES = {
    np.dtype(np.uint32): ctypes.c_uint32,
    np.dtype(np.uint64): ctypes.c_uint64,
    np.dtype(np.float64): ctypes.c_double,
}


def pointed(argument: Argument) -> Any:
    """Return a kernel argument as the C value whose address the launch takes."""
    if isinstance(argument, ctypes.c_void_p):
        return argument
    return _C_TYPES[argument.dtype](argument.item())
