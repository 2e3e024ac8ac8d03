"""How a worker lays draws into a stream, by the law of gaps: plant a truth, search seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from hip_cuda_kernels import host, variable_gaps

MAX_HITS = 1 << 16
Params = Mapping[str, Any]
Truth = tuple[int, int, int]  # seed, start, gap as a hit reports them


class StopFlag(Protocol):
    """What a kernel polls: a shared generation word, and the generation under which the work was asked for."""

    @property
    def array(self) -> np.ndarray: ...
    @property
    def generation(self) -> int: ...
    def asked(self) -> bool: ...


class Layout(Protocol):
    """What a law of gaps answers to a worker."""

    def tile(self, gaps: Sequence[int], group: int, groups: int) -> tuple[int, int]:
        """Return the part of the gaps that one group of planted truths stands for."""

    def plant(
        self, params: Params, count: int, seed: int, rng: np.random.Generator
    ) -> tuple[Truth, np.ndarray]:
        """Return a random alignment of `seed` and its int64 (count,) draws."""

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Return every alignment of the seeds [first, first + count) that reaches the threshold on a row of `draws`; exact."""


class ConstantGaps:
    """The same number of calls between any two draws."""

    def tile(self, gaps: Sequence[int], group: int, groups: int) -> tuple[int, int]:
        """Cut the gaps into `groups` parts: setting a kernel up costs time for every alignment."""
        lo, count = gaps[0], gaps[1] - gaps[0] + 1
        first, end = group * count // groups, (group + 1) * count // groups
        return lo + first, lo + max(first, end - 1)

    def plant(
        self, params: Params, count: int, seed: int, rng: np.random.Generator
    ) -> tuple[Truth, np.ndarray]:
        """Plant at a random start and gap."""
        start = int(rng.integers(params["starts"][0], params["starts"][1], endpoint=True))
        gap = int(rng.integers(params["gaps"][0], params["gaps"][1], endpoint=True))
        shifted = start + params["window"] * (gap + 1)
        draws = host.values(
            params["family"],
            params["mapping"],
            seed,
            params["lo"],
            params["hi"],
            count,
            start=shifted,
            gap=gap,
        )
        return (seed, start, gap), draws

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Call the kernel; a window that starts inside the history shifts the start by its own gap, so gaps run one by one."""
        starts, gaps = tuple(params["starts"]), tuple(params["gaps"])
        if params["window"] == 0:
            return _call(host.sieve, params, draws, first, count, starts, gaps, stop)
        parts = []
        for gap in range(gaps[0], gaps[1] + 1):
            shift = params["window"] * (gap + 1)
            moved = (starts[0] + shift, starts[1] + shift)
            part = _call(host.sieve, params, draws, first, count, moved, (gap, gap), stop)
            part.hits["start"] -= shift
            parts.append(part)
            if part.stopped:
                break
        return host.SieveResult(
            hits=np.concatenate([part.hits for part in parts]),
            seeds_done=min(part.seeds_done for part in parts),
            stopped=any(part.stopped for part in parts),
            overflow=any(part.overflow for part in parts),
        )


class VariableGaps:
    """Any number of calls within bounds between two draws, another one each time; a hit names the seed alone."""

    def tile(self, gaps: Sequence[int], group: int, groups: int) -> tuple[int, int]:
        """Keep all gaps: every draw may take any."""
        return gaps[0], gaps[1]

    def plant(
        self, params: Params, count: int, seed: int, rng: np.random.Generator
    ) -> tuple[Truth, np.ndarray]:
        """Plant at a random start with a random gap before every draw."""
        steps = rng.integers(params["gaps"][0] + 1, params["gaps"][1] + 1, size=count, endpoint=True)
        steps[0] = rng.integers(params["starts"][0], params["starts"][1], endpoint=True)
        calls = np.cumsum(steps)
        stream = host.values(
            params["family"], params["mapping"], seed, params["lo"], params["hi"], int(calls[-1]) + 1
        )
        return (seed, 0, 0), stream[calls]

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Call the kernel."""
        starts, gaps = tuple(params["starts"]), tuple(params["gaps"])
        return _call(variable_gaps.sieve, params, draws, first, count, starts, gaps, stop)


def _call(
    kernel: Any,
    params: Params,
    draws: np.ndarray,
    first: int,
    count: int,
    starts: tuple[int, ...],
    gaps: tuple[int, ...],
    stop: StopFlag,
) -> host.SieveResult:
    found: host.SieveResult = kernel(
        params["family"], params["mapping"], params["lo"], params["hi"], draws,
        np.full(len(draws), params["threshold"], dtype=np.uint32), seed_lo=first, seed_count=count, starts=starts, gaps=gaps,
        max_hits=MAX_HITS, stop=stop.array, stop_generation=stop.generation,
    )  # fmt: skip
    return found


LAYOUTS: Mapping[str, Layout] = MappingProxyType({"constant": ConstantGaps(), "range": VariableGaps()})
