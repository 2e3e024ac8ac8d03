"""A process's sieve: the GPU's once it passed its check, the host's where the GPU cannot search or was caught lying."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from host_device import HostDevice

from hip_cuda_kernels import host, routes, together
from hip_cuda_kernels.errors import DeviceRefused, KernelError
from hip_cuda_kernels.gpu import in_use
from hip_cuda_kernels.registry import family
from hip_cuda_kernels.together import Reading

SCOPE: dict[str, Any] = {"seed_lo": 500, "seed_count": 400, "starts": (0, 3), "gaps": (0, 4)}


@pytest.fixture(autouse=True)
def host_again() -> Iterator[None]:
    yield
    in_use.leave()


def job(name: str, mapping: str | None = None) -> tuple[Any, ...]:
    mapping = mapping or family(name).mappings[0]
    draws = host.values(name, mapping, 777, 0, 9, 9, start=1, gap=2)[None, :]
    return name, mapping, 0, 9, draws, np.array([5])


def test_searches_run_on_the_gpu_once_it_is_taken_and_give_the_hosts_hits() -> None:
    device = HostDevice()
    before = routes.search(*job("splitmix64/raw_seed"), **SCOPE)
    assert in_use.take(device) == "host stand-in"
    launched = len(device.launches)
    after = routes.search(*job("splitmix64/raw_seed"), **SCOPE)
    assert len(device.launches) > launched
    assert len(after.hits)
    assert np.array_equal(before.hits, after.hits)
    in_use.leave()
    launched = len(device.launches)
    routes.search(*job("splitmix64/raw_seed"), **SCOPE)
    assert len(device.launches) == launched


def test_searches_of_one_pass_run_on_the_gpu_one_after_another_and_give_the_hosts_hits() -> None:
    draws, least = job("splitmix64/raw_seed")[4:]
    asked = [
        Reading(mapping, lo, lo + 9, draws + lo, least, SCOPE["starts"], SCOPE["gaps"])
        for mapping, lo in product(family("splitmix64/raw_seed").mappings[:2], (0, 1))
    ]
    seeds = {name: SCOPE[name] for name in ("seed_lo", "seed_count")}
    before = together.search("splitmix64/raw_seed", asked, **seeds)
    device = HostDevice()
    in_use.take(device)
    launched = len(device.launches)
    after = together.search("splitmix64/raw_seed", asked, **seeds)
    assert len(device.launches) >= launched + len(asked)
    assert sum(len(one.hits) for one in before) > 0
    assert all(np.array_equal(a.hits, b.hits) for a, b in zip(before, after, strict=True))


def test_what_is_no_plain_sieve_stays_on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    device = HostDevice()
    in_use.take(device)
    launched, ways = len(device.launches), []
    monkeypatch.setattr(in_use.host, "sieve", lambda *job, route, **rest: ways.append(route))
    in_use.sieve(*job("lcg48/java"), **SCOPE, route="low_bits")
    in_use.sieve("lcg48/java", "digits(2)", 0, 9, None, None, **SCOPE, route="sieve")
    assert ways == ["low_bits", "sieve"]
    assert len(device.launches) == launched


def test_a_gpu_that_fails_its_check_is_not_taken() -> None:
    with pytest.raises(DeviceRefused, match="disagrees with the host"):
        in_use.take(HostDevice(lose_hits=True))
    assert len(routes.search(*job("splitmix64/raw_seed"), **SCOPE).hits)


def test_a_gpu_that_is_caught_later_is_left_for_the_host_and_says_why() -> None:
    device = HostDevice()
    in_use.take(device)
    device.lose_hits = True
    found = routes.search(*job("splitmix64/raw_seed"), **SCOPE)
    assert np.array_equal(found.hits, host.sieve(*job("splitmix64/raw_seed"), **SCOPE).hits)
    assert "disagrees with the host on splitmix64" in in_use.note()


def test_a_machine_without_a_gpu_runtime_says_so() -> None:
    with pytest.raises(KernelError, match=r"no GPU runtime|does not exist|no GPU driver"):
        in_use.take()
