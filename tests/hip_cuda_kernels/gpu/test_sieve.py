"""The GPU search over a stand-in device: the host's hits, checked forms, one list reused, paced launches, stop and overflow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from host_device import HostDevice

from hip_cuda_kernels import host
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.gpu import sieve as gpu
from hip_cuda_kernels.gpu.sieve import GpuSieve
from hip_cuda_kernels.registry import family

SCOPE: dict[str, Any] = {"seed_lo": 500, "seed_count": 400, "starts": (0, 3), "gaps": (0, 4)}


def job(name: str, lo: int, hi: int) -> tuple[Any, ...]:
    draws = host.values(name, family(name).mappings[0], 777, lo, hi, 9, start=1, gap=2)[None, :]
    return name, family(name).mappings[0], lo, hi, draws, np.array([5])


@pytest.mark.parametrize("name", ["mt19937/init_genrand", "lcg48/java", "splitmix64/raw_seed"])
def test_the_device_finds_what_the_host_finds(name: str) -> None:
    mine = GpuSieve(HostDevice()).sieve(*job(name, 0, 9), **SCOPE)
    exact = host.sieve(*job(name, 0, 9), **SCOPE)
    assert len(exact.hits)
    assert np.array_equal(mine.hits, exact.hits)
    assert (mine.seeds_done, mine.stopped, mine.overflow) == (400, False, False)


def test_kernels_are_compiled_once_a_form_and_the_short_form_serves_where_it_reaches() -> None:
    device = HostDevice()
    sieve = GpuSieve(device)
    arguments = ("php", "mod", *job("php", 0, 999)[2:])
    for _ in range(2):
        sieve.sieve(*arguments, **SCOPE)
    assert len(device.sources) == 2  # php_range may reject, so the check of the family takes the long form
    sieve.sieve(*arguments, **{**SCOPE, "starts": (300, 301)})
    assert len(device.sources) == 2


def test_no_buffer_is_allocated_for_a_second_search() -> None:
    device = HostDevice()
    sieve = GpuSieve(device)
    sieve.sieve(*job("xorshift32", 0, 9), **SCOPE)
    before = device.allocated
    sieve.sieve(*job("xorshift32", 0, 9), **{**SCOPE, "seed_lo": 9000})
    assert device.allocated == before


def test_a_device_that_loses_hits_is_refused_each_time() -> None:
    sieve = GpuSieve(HostDevice(lose_hits=True))
    for _ in range(2):
        with pytest.raises(KernelError, match="stand-in disagrees with the host on xorshift32"):
            sieve.sieve(*job("xorshift32/raw_seed", 0, 9), **SCOPE)


def test_a_launch_that_proposes_too_much_is_done_again_with_fewer_seeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = host.sieve(*job("xorshift32", 0, 9), **SCOPE)
    monkeypatch.setattr(gpu, "MOST_PROPOSALS", 4)
    device = HostDevice()
    cut = GpuSieve(device).sieve(*job("xorshift32", 0, 9), **SCOPE)
    assert np.array_equal(cut.hits, whole.hits)
    assert min(seeds for kind, seeds in device.launches if kind == "filter") < 400


def test_one_seed_that_proposes_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sieve = GpuSieve(HostDevice())
    sieve.sieve(*job("xorshift32", 0, 9), **SCOPE)
    monkeypatch.setattr(gpu, "MOST_PROPOSALS", 1)
    loose = (*job("xorshift32", 0, 1)[:5], np.array([1]))
    with pytest.raises(KernelError, match="raise the threshold"):
        sieve.sieve(*loose, **SCOPE)


def test_stop_progress_and_overflow_are_reported() -> None:
    sieve = GpuSieve(HostDevice())
    progress = np.zeros(1, dtype=np.uint64)
    stopped = sieve.sieve(*job("xorshift32", 0, 9), **SCOPE, stop=np.ones(1, dtype=np.uint32))
    assert (stopped.stopped, stopped.seeds_done) == (True, 0)
    cut = sieve.sieve(*job("xorshift32", 0, 9), **SCOPE, max_hits=1, progress=progress)
    assert (cut.overflow, len(cut.hits), int(progress[0])) == (True, 1, 400)


def test_more_calls_than_a_thread_keeps_are_refused() -> None:
    with pytest.raises(KernelError, match="search fewer starts at a time"):
        GpuSieve(HostDevice()).sieve(*job("xorshift32", 0, 9), **{**SCOPE, "starts": (0, 1 << 15)})
