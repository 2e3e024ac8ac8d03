"""Count the vector operations of a route's inner loop in the built extension, and the seeds a second that they allow at most.

A loop is found by what only it contains, so no symbol is needed. Moves and loads are not counted: an operation is what takes one of
the processor's four vector units for a cycle. Everything outside the inner loop is left out, so the bound is on the high side.
Run: python benchmarks/inner_loops.py [--ghz 3.2]   (needs objdump)
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import hip_cuda_kernels._host as _host
from hip_cuda_kernels import host

UNITS = 4  # vector operations a cycle: Zen 2 and later; fewer elsewhere
REGISTERS = {"sse41": ("xmm", 4), "avx2": ("ymm", 8), "avx512": ("zmm", 16)}  # name, 32-bit lanes
NOT_COUNTED = re.compile(r"v?mov|vpbroadcast|vzero")
LINE = re.compile(r"\s*([0-9a-f]+):\s+(\S+)\s*(.*)")


@dataclass(frozen=True)
class Instruction:
    """One line of the disassembly."""

    address: int
    name: str
    operands: str


@dataclass(frozen=True)
class Loop:
    """A route's inner loop: how to know it, and how often a vector of seeds runs through it."""

    is_it: Callable[[list[Instruction]], bool]
    marker: str  # stands once for every vector and turn
    turns: int


def _count(loop: list[Instruction], name: str, operand: str = "") -> int:
    return sum(i.name.removeprefix("v") == name and operand in i.operands for i in loop)


LOOPS = {
    "twister_chain": Loop(
        lambda loop: _count(loop, "psrld", "$0x1e") == _count(loop, "pmulld") > 12, "pmulld", 396
    ),
    "lehmer_sums": Loop(
        lambda loop: _count(loop, "pcmpgtd") == _count(loop, "pand") == _count(loop, "paddd") == 12,
        "pand",
        30,
    ),
}


def disassembled(path: str) -> list[Instruction]:
    """Return the instructions of an object file."""
    text = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=True
    ).stdout
    matches = (LINE.match(line) for line in text.splitlines())
    return [Instruction(int(m[1], 16), m[2], m[3]) for m in matches if m]


def innermost_loops(code: list[Instruction]) -> Iterator[list[Instruction]]:
    """Yield the stretches between a jump back and its target that hold no other jump."""
    place = {instruction.address: i for i, instruction in enumerate(code)}
    for end, instruction in enumerate(code):
        target = (
            re.match(r"([0-9a-f]+)\b", instruction.operands) if instruction.name.startswith("j") else None
        )
        begin = place.get(int(target[1], 16)) if target else None
        if begin is not None and begin < end and not any(i.name.startswith("j") for i in code[begin:end]):
            yield code[begin : end + 1]


def operations(route: str, code: list[Instruction], register: str) -> float | None:
    """Return the vector operations that one vector of seeds takes in the inner loop, or None when it is not found."""
    known = LOOPS[route]
    for loop in innermost_loops(code):
        vector = [i for i in loop if register in i.operands]
        if known.is_it(vector):
            counted = [i for i in vector if not NOT_COUNTED.match(i.name)]
            return len(counted) / _count(vector, known.marker) * known.turns
    return None


def bounds(ghz: float) -> dict[str, float]:
    """Return seeds a second that each known inner loop allows on the instruction set in use; {} without objdump."""
    if shutil.which("objdump") is None or host.isa() not in REGISTERS:
        return {}
    register, lanes = REGISTERS[host.isa()]
    code = disassembled(_host.__file__)
    counts = {route: operations(route, code, register) for route in LOOPS}
    return {route: lanes * UNITS * ghz * 1e9 / n for route, n in counts.items() if n}


def main() -> int:
    """Print the bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ghz", type=float, default=3.2, help="clock of one core under load")
    options = parser.parse_args()
    for route, bound in bounds(options.ghz).items():
        lanes = REGISTERS[host.isa()][1]
        print(
            f"{route:16} {lanes * UNITS * options.ghz * 1e9 / bound:8.0f} operations for {lanes} seeds, at most {bound / 1e6:.1f} M/s"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
