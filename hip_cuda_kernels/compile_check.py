"""Compile every family's GPU kernel with the compilers at hand, without a GPU: NVRTC, nvcc, hipcc. Nothing is run.

python -m hip_cuda_kernels.compile_check [FAMILY ...]: one line a family and compiler; 0 when all that could be compiled did.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.gpu_source import include_directories, kernel_source
from hip_cuda_kernels.registry import resolve_families

NVIDIA, AMD = "sm_86", "gfx1030"


@dataclass(frozen=True)
class Compiler:
    """A compiler at hand: its name and a function from source to (bytes of code, 0 on failure; messages)."""

    name: str
    target: str
    compile: Callable[[str], tuple[int, str]]


def compilers() -> Iterator[Compiler | str]:
    """Yield every compiler found, or one line that says which is missing."""
    library = _nvrtc_library()
    yield (
        Compiler("nvrtc", NVIDIA, _Nvrtc(library).compile)
        if library
        else "nvrtc: not here (pip install nvidia-cuda-nvrtc)"
    )
    for name, target, command in (("nvcc", NVIDIA, _nvcc), ("hipcc", AMD, _hipcc)):
        yield Compiler(name, target, command) if shutil.which(name) else f"{name}: not here"


def _nvcc(source: str) -> tuple[int, str]:
    return _command(source, ["nvcc", f"-arch={NVIDIA}", "-cubin"], {})


def _hipcc(source: str) -> tuple[int, str]:
    # With nvcc on the PATH hipcc would silently compile for NVIDIA.
    options = ["--genco", f"--offload-arch={AMD}", "-x", "hip", "-include", "hip/hip_runtime.h"]
    return _command(source, ["hipcc", *options], {"HIP_PLATFORM": "amd"})


def _command(source: str, command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as folder:
        unit, code = Path(folder, "unit.cu"), Path(folder, "code")
        unit.write_text(source)
        includes = [f"-I{directory}" for directory in include_directories()]
        run = subprocess.run(
            [*command, "-std=c++17", "-O3", *includes, "-o", str(code), str(unit)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return (code.stat().st_size if run.returncode == 0 else 0), run.stderr


def _nvrtc_library() -> str | None:
    spec = find_spec("nvidia")
    roots = list(spec.submodule_search_locations or []) if spec else []
    found = [path for root in roots for path in Path(root).rglob("libnvrtc.so.*")]
    return str(found[0]) if found else None


class _Nvrtc:
    """NVRTC through its C interface; it needs neither a GPU nor a driver."""

    def __init__(self, library: str) -> None:
        for builtins in Path(library).parent.glob("libnvrtc-builtins.so.*"):
            ctypes.CDLL(str(builtins), mode=ctypes.RTLD_GLOBAL)  # NVRTC looks for it by name alone
        self._library = ctypes.CDLL(library)

    def compile(self, source: str) -> tuple[int, str]:
        """Compile one unit to a cubin in memory."""
        program, size = ctypes.c_void_p(), ctypes.c_size_t()
        self._check(
            self._library.nvrtcCreateProgram(
                ctypes.byref(program), source.encode(), b"unit.cu", 0, None, None
            )
        )
        options = [f"--gpu-architecture={NVIDIA}", "--std=c++17", *(f"-I{d}" for d in include_directories())]
        given = (ctypes.c_char_p * len(options))(*(o.encode() for o in options))
        try:
            if self._library.nvrtcCompileProgram(program, len(options), given) != 0:
                return 0, self._log(program)
            self._check(self._library.nvrtcGetCUBINSize(program, ctypes.byref(size)))
            return size.value, ""
        finally:
            self._library.nvrtcDestroyProgram(ctypes.byref(program))

    def _log(self, program: ctypes.c_void_p) -> str:
        size = ctypes.c_size_t()
        self._check(self._library.nvrtcGetProgramLogSize(program, ctypes.byref(size)))
        text = ctypes.create_string_buffer(size.value + 1)
        self._check(self._library.nvrtcGetProgramLog(program, text))
        return text.value.decode(errors="replace")

    def _check(self, code: int) -> None:
        if code != 0:
            raise KernelError(f"NVRTC answers with error {code}: reinstall nvidia-cuda-nvrtc")


def check(compiler: Compiler, family: Family) -> bool:
    """Compile every form of one family's kernel and print one line."""
    begin = time.monotonic()
    forms = (True,) if family.reach is None else (False, True)
    results = [compiler.compile(kernel_source(family, unlimited=form)) for form in forms]
    size = sum(bytes_ for bytes_, _ in results) if all(bytes_ for bytes_, _ in results) else 0
    messages = "".join(text for _, text in results)
    seconds = time.monotonic() - begin
    outcome = f"{size} bytes" if size else "FAILED"
    print(f"{compiler.name:6} {compiler.target:8} {family.id:24} {outcome:>12} {seconds:5.1f} s", flush=True)
    if not size:
        print(messages, file=sys.stderr)
    return size > 0


def main(names: list[str]) -> int:
    """Compile the named families (all when none is named) with every compiler found."""
    families = resolve_families(names or ["all"])
    good = True
    for compiler in compilers():
        if isinstance(compiler, str):
            print(f"skipped: {compiler}")
            continue
        for family in families:
            good &= check(compiler, family)
    print("compiled, never run on a GPU" if good else "some kernels do not compile")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
