"""Compile every GPU kernel with the compilers at hand, without a GPU: nvcc, NVRTC, hipcc. Nothing is run.

A mapping is data to a kernel, so one pair of kernels a family and form serves every mapping.
python -m hip_cuda_kernels.compile_check [FAMILY ...]: one line a kernel pair and target; 0 when all that could be compiled did,
with no more spilled registers than SPILL_BOUND.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.gpu.source import Specialisation, forms, source_of
from hip_cuda_kernels.registry import FAMILIES, GROUPS, resolve_families

NVIDIA, AMD = ("sm_86", "sm_90"), ("gfx1030",)
# Bytes of spilled registers a thread. Arrays that live in local memory by design are not spills; RANLUX keeps most alive (124).
SPILL_BOUND = 160
_TIMEOUT = 600


@dataclass(frozen=True)
class Usage:
    """What one kernel takes on one target: registers and bytes of spilled registers."""

    target: str
    registers: int
    spilled: int


@dataclass(frozen=True)
class Outcome:
    """One unit through one compiler: whether it compiled, the usage by kernel where the compiler tells, its messages."""

    good: bool
    usage: dict[str, list[Usage]]
    messages: str


@dataclass(frozen=True)
class Compiler:
    """A compiler at hand: its name and a function from source to outcome."""

    name: str
    compile: Callable[[str], Outcome]


def compilers() -> Iterator[Compiler | str]:
    """Yield every compiler found, or one line that says which is missing."""
    for name, compile_ in (("nvcc", _nvcc), ("hipcc", _hipcc)):
        yield Compiler(name, compile_) if shutil.which(name) else f"{name}: not here"
    library = _nvrtc_library()
    yield (
        Compiler("nvrtc", _Nvrtc(library).compile)
        if library
        else "nvrtc: not here (pip install nvidia-cuda-nvrtc)"
    )


def _nvcc(source: str) -> Outcome:
    targets = [part for t in NVIDIA for part in ("-gencode", f"arch={t.replace('sm', 'compute')},code={t}")]
    good, said = _command(source, ["nvcc", *targets, "-fatbin", "-Xptxas", "-v"], {})
    return Outcome(good, nvcc_usage(said), said)


def _hipcc(source: str) -> Outcome:
    options = ["--genco", *(f"--offload-arch={t}" for t in AMD), "-x", "hip", "-include", "hip/hip_runtime.h"]
    remarks = "-Rpass-analysis=kernel-resource-usage"
    # With nvcc on the PATH hipcc would silently compile for NVIDIA.
    good, said = _command(source, ["hipcc", *options, remarks], {"HIP_PLATFORM": "amd"})
    return Outcome(good, hipcc_usage(said), said)


def _command(source: str, command: list[str], environment: dict[str, str]) -> tuple[bool, str]:
    with tempfile.TemporaryDirectory() as folder:
        unit, code = Path(folder, "unit.cu"), Path(folder, "code")
        unit.write_text(source, encoding="utf-8")
        run = subprocess.run(
            [*command, "-std=c++17", "-O3", "-o", str(code), str(unit)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
        )
        return run.returncode == 0 and code.stat().st_size > 0, run.stderr


def nvcc_usage(said: str) -> dict[str, list[Usage]]:
    """Read registers and spill stores of every kernel out of ptxas' messages, which nvcc and NVRTC pass on."""
    pattern = (
        r"entry function '(\w+)' for '(\w+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads"
        r".*?Used (\d+) registers"
    )
    usage: dict[str, list[Usage]] = {}
    for kernel, target, stores, _, registers in re.findall(pattern, said, re.DOTALL):
        usage.setdefault(kernel, []).append(Usage(target, int(registers), int(stores)))
    return usage


def hipcc_usage(said: str) -> dict[str, list[Usage]]:
    """Read registers and spills (counted in registers of four bytes) of every kernel out of clang's remarks."""
    pattern = r"Function Name: (\w+).*?\bVGPRs: (\d+).*?SGPRs Spill: (\d+).*?VGPRs Spill: (\d+)"
    return {
        kernel: [Usage(AMD[0], int(registers), 4 * (int(scalar) + int(vector)))]
        for kernel, registers, scalar, vector in re.findall(pattern, said, re.DOTALL)
    }


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

    def compile(self, source: str) -> Outcome:
        """Compile one unit for every NVIDIA target, in memory."""
        made = [self._cubin(source, target) for target in NVIDIA]
        messages = "".join(said for _, said in made)
        return Outcome(all(good for good, _ in made), nvcc_usage(messages), messages)

    def _cubin(self, source: str, target: str) -> tuple[bool, str]:
        program = ctypes.c_void_p()
        self._check(
            self._library.nvrtcCreateProgram(
                ctypes.byref(program), source.encode(), b"unit.cu", 0, None, None
            )
        )
        options = [f"--gpu-architecture={target}", "--std=c++17", "--ptxas-options=-v"]
        given = (ctypes.c_char_p * len(options))(*(o.encode() for o in options))
        try:
            good = self._library.nvrtcCompileProgram(program, len(options), given) == 0
            return good, self._log(program)
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


def compiled(compiler: Compiler, unit: Sequence[Specialisation]) -> tuple[Outcome, float]:
    """Compile one unit; return what came out and the seconds it took."""
    begin = time.monotonic()
    return compiler.compile(source_of(unit)), time.monotonic() - begin


def check(
    compiler: Compiler, name: str, unit: Sequence[Specialisation], outcome: Outcome, seconds: float
) -> bool:
    """Print a line for each kernel pair of a compiled unit; False when it failed or spills too much."""
    print(f"{compiler.name:6} {name}: {'compiled' if outcome.good else 'FAILED'} in {seconds:.1f} s")
    if not outcome.good:
        print(outcome.messages, file=sys.stderr)
        return False
    return all([_pair(compiler, one, outcome.usage) for one in unit])


def _pair(compiler: Compiler, one: Specialisation, usage: dict[str, list[Usage]]) -> bool:
    """Print what the two kernels of one specialisation take; False when one spills more than the bound."""
    found = [*usage.get(f"{one.name}_filter", ()), *usage.get(f"{one.name}_judge", ())]
    spilled = max((each.spilled for each in found), default=0)
    for target in sorted({each.target for each in found}):
        mine = [each for each in found if each.target == target]
        registers = "/".join(str(each.registers) for each in mine)
        bytes_ = "/".join(str(each.spilled) for each in mine)
        print(f"  {one.family.id:32} {one.name:40} {target:8} registers {registers:8} spilled {bytes_}")
    if spilled > SPILL_BOUND:
        print(f"{one.name}: {spilled} bytes of registers spilled, at most {SPILL_BOUND}", file=sys.stderr)
    return spilled <= SPILL_BOUND


def units(names: Sequence[str]) -> dict[str, list[Specialisation]]:
    """Return the specialisations of the named families (all when none is named) by group."""
    wanted = resolve_families(names) if names else list(FAMILIES)
    chosen = {
        group: [form for one in families if one in wanted for form in forms(one)]
        for group, families in GROUPS.items()
    }
    return {group: unit for group, unit in chosen.items() if unit}


def main(names: list[str]) -> int:
    """Compile the named families with every compiler found, as many units at once as there are processors."""
    found, good = list(compilers()), True
    for missing in (one for one in found if isinstance(one, str)):
        print(f"skipped: {missing}")
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        jobs = [
            (compiler, name, unit, pool.submit(compiled, compiler, unit))
            for compiler in found if not isinstance(compiler, str)
            for name, unit in units(names).items()
        ]  # fmt: skip
        for compiler, name, unit, job in jobs:
            good &= check(compiler, name, unit, *job.result())
    print("compiled, never run on a GPU" if good else "some kernels do not compile, or spill too much")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
