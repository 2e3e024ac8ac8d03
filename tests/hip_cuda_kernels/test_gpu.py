"""The GPU front without a GPU: refused clearly where CuPy is missing, and right against a CuPy whose device is the host."""

from __future__ import annotations

import contextlib
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hip_cuda_kernels import _host, gpu, host
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.gpu_source import kernel_source, room_for
from hip_cuda_kernels.registry import FAMILIES, family


class HostDevice(contextlib.nullcontext[None]):
    """A device to stand on, with a number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.id = number


class HostCupy:
    """What gpu.py uses of CuPy; a launch runs the per-thread function of sieve.h on the host."""

    uint8, asarray, asnumpy, zeros = (
        np.uint8,
        staticmethod(np.asarray),
        staticmethod(np.asarray),
        staticmethod(np.zeros),
    )

    def __init__(self, *, devices: int = 1, lose_hits: bool = False) -> None:
        self.sources: list[str] = []
        self.lose_hits = lose_hits
        runtime = SimpleNamespace(getDeviceCount=lambda: devices, CUDARuntimeError=OSError)
        self.cuda = SimpleNamespace(runtime=runtime, Device=HostDevice)

    def RawModule(self, code: str, options: tuple[str, ...]) -> Any:
        self.sources.append(code)
        name = next(f.id for f in FAMILIES if f"typedef {f.kernel}<u32>" in code)
        return SimpleNamespace(get_function=lambda entry: self.launcher(name))

    def launcher(self, name: str) -> Any:
        def launch(grid: tuple[int], block: tuple[int], arguments: tuple[Any, ...]) -> None:
            numbers, unit, arrays, seed_lo, seeds, calls, max_hits, found, hits = arguments
            new = _host.emulate(name, numbers, unit, arrays, seed_lo, seeds, calls)[
                24 if self.lose_hits else 0 :
            ]
            at, kept = int(found[0]) * 24, hits[int(found[0]) * 24 : int(max_hits) * 24]
            kept[: len(new)] = new[: len(hits) - at]
            found[0] += len(new) // 24

        return launch


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> HostCupy:
    double = HostCupy()
    monkeypatch.setitem(sys.modules, "cupy", double)
    return double


def job(name: str, lo: int, hi: int) -> tuple[Any, ...]:
    draws = host.values(name, family(name).mappings[0], 777, lo, hi, 9, start=1, gap=2)[None, :]
    return name, family(name).mappings[0], lo, hi, draws, np.array([5])


SCOPE = {"seed_lo": 500, "seed_count": 400, "starts": (0, 3), "gaps": (0, 4)}


@pytest.mark.parametrize("name", ["mt19937/init_genrand", "lcg48/java", "splitmix64/raw_seed"])
def test_the_device_finds_what_the_host_finds(cupy: HostCupy, name: str) -> None:
    mine = gpu.GpuSieve().sieve(*job(name, 0, 9), **SCOPE)
    exact = host.sieve(*job(name, 0, 9), **SCOPE)
    assert len(exact.hits)
    assert np.array_equal(mine.hits, exact.hits)
    assert (mine.seeds_done, mine.stopped, mine.overflow) == (400, False, False)


def test_kernels_are_compiled_once_and_the_short_form_is_used_where_it_reaches(cupy: HostCupy) -> None:
    sieve = gpu.GpuSieve()
    for _ in range(2):
        sieve.sieve(*job("php", 0, 999)[:1], "mod", *job("php", 0, 999)[2:], **SCOPE)
    assert len([s for s in cupy.sources if "Beyond" not in s]) == 1
    sieve.sieve(*job("php", 0, 999)[:1], "mod", *job("php", 0, 999)[2:], **{**SCOPE, "starts": (300, 301)})
    assert any("Mt19937InitGenrand<u32>::Beyond" in s for s in cupy.sources)


def test_a_device_that_loses_hits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", HostCupy(lose_hits=True))
    with pytest.raises(KernelError, match="disagrees with the host on xorshift32"):
        gpu.GpuSieve().sieve(*job("xorshift32/raw_seed", 0, 9), **SCOPE)


def test_stop_and_overflow_are_reported(cupy: HostCupy) -> None:
    sieve = gpu.GpuSieve()
    stopped = sieve.sieve(*job("xorshift32", 0, 9), **SCOPE, stop=np.ones(1, dtype=np.uint32))
    assert (stopped.stopped, stopped.seeds_done) == (True, 0)
    cut = sieve.sieve(*job("xorshift32", 0, 9), **SCOPE, max_hits=1)
    assert cut.overflow
    assert len(cut.hits) == 1


def test_without_cupy_the_refusal_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(KernelError, match=r"CuPy is not installed.*mimicry\[cuda\]"):
        gpu.GpuSieve()


def test_a_missing_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", HostCupy(devices=0))
    with pytest.raises(KernelError, match="GPU 0 does not exist, 0 found"):
        gpu.GpuSieve()


def test_rooms_are_powers_of_two_that_hold_the_calls() -> None:
    assert [room_for(n) for n in (1, 64, 65, 1000)] == [64, 64, 128, 1024]


@pytest.mark.parametrize("entry", FAMILIES, ids=lambda f: f.id)
def test_the_source_names_the_header_and_the_generator(entry: Any) -> None:
    source = kernel_source(entry, unlimited=False, room=128)
    assert f'#include "{entry.header}"' in source
    assert f"typedef {entry.kernel}<u32> Generator;" in source
    assert "room = 128" in source
