"""Check that a built wheel holds what an installed mimicry needs at run time, and nothing of the tests."""

import sys
import zipfile

NEEDED = (
    "engine/cli.py",
    "tui/control.tcss",
    "grammars/agent_decision.gbnf",
    "hip_cuda_kernels/device.h",
    "hip_cuda_kernels/sieve.h",
    "hip_cuda_kernels/generators/mt19937.h",
    "state/schema/",
    "hip_cuda_kernels/_host",
    "hip_cuda_kernels/_gf2",
)
UNWANTED = ("tests/", ".cpp", "CMakeLists", "examples/", "benchmarks/")


def main(path: str) -> int:
    """Print what is missing or should not be there; return 1 if anything is."""
    names = zipfile.ZipFile(path).namelist()
    missing = [need for need in NEEDED if not any(name.startswith(need) for name in names)]
    extra = [name for name in names if any(bad in name for bad in UNWANTED)]
    for name in missing:
        print(f"missing from the wheel: {name}")
    for name in extra:
        print(f"should not be in the wheel: {name}")
    print(f"{path}: {len(names)} files")
    return 1 if missing or extra else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
