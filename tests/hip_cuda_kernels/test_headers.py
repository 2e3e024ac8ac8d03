"""The headers stay single-source: no vendor word outside device.h, no include but our own flat names, no standard library."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

import hip_cuda_kernels

FOLDER = Path(hip_cuda_kernels.__file__).parent
SHARED = sorted([*FOLDER.glob("*.h"), *(FOLDER / "parts").glob("*.h"), *(FOLDER / "generators").glob("*.h")])
VENDOR = r"\b__\w+__\b|\b__(?:host|device|global|shared|restrict|launch\w*|builtin\w*|m\d+i?|attribute)\w*|\b_mm\d*_\w+|\b(?:blockIdx|threadIdx|blockDim|gridDim|atomic\w+|cuda\w*|hip[A-Z]\w*|CUDA\w*|HIP\w*|NVRTC)\b"


def code_of(path: Path) -> str:
    return re.sub(r"//.*", "", path.read_text())


@pytest.mark.parametrize("path", SHARED, ids=lambda p: p.name)
def test_vendor_words_stand_in_device_h_alone(path: Path) -> None:
    words = re.findall(VENDOR, code_of(path))
    assert (path.name == "device.h") == bool(words), words


@pytest.mark.parametrize("path", SHARED, ids=lambda p: p.name)
def test_includes_are_our_own_flat_names(path: Path) -> None:
    names = {p.name for p in SHARED}
    for included in re.findall(r"^\s*#\s*include\s+(.+)$", path.read_text(), re.MULTILINE):
        assert included.startswith('"'), f"{path.name} includes {included}"
        assert included.strip('"') in names
    assert "std::" not in code_of(path)


def test_flat_names_are_unique() -> None:
    assert len({p.name for p in SHARED}) == len(SHARED)


@pytest.mark.parametrize("path", [*SHARED, *sorted((FOLDER / "cpu").glob("*.*"))], ids=lambda p: p.name)
def test_the_first_line_says_what_the_file_is(path: Path) -> None:
    assert re.match(r'(//|""")\s?\S.{20,}', path.read_text())


def test_headers_are_reachable_as_package_data() -> None:
    package = files("hip_cuda_kernels")
    assert package.joinpath("sieve_kernel.h").is_file()
    assert package.joinpath("generators/mt19937.h").is_file()
