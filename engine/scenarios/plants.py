"""Planted streams: chosen at random from the registry within what was asked, replayed by the kernels, made noisy."""

from __future__ import annotations

import numpy as np

from engine.errors import UsageError
from engine.history.injector import Plant, choose_plant
from engine.scenarios.scenario import Asked, Segment
from hip_cuda_kernels import host
from hip_cuda_kernels.errors import KernelError


def choose(asked: Asked, rng: np.random.Generator, gap: int = 0) -> Plant:
    """Return a truth within what was asked, with this gap."""
    plant = choose_plant(
        rng, families=asked.families, ranges=(asked.range,), seeds=asked.seeds, starts=asked.starts
    )
    return Plant(plant.family, plant.mapping, plant.lo, plant.hi, plant.seed, plant.start, gap)


def again(plant: Plant, asked: Asked, rng: np.random.Generator) -> Plant:
    """Return the same generator under another seed, as a program that seeds itself anew."""
    seed = int(rng.integers(asked.seeds, dtype=np.uint64))
    return Plant(plant.family, plant.mapping, plant.lo, plant.hi, seed, plant.start, plant.gap)


def replay(plant: Plant, count: int) -> np.ndarray:
    """Return the stream's first draws, int64 (count,); raise UsageError where the mapping cannot make such a range."""
    try:
        return host.values(
            plant.family,
            plant.mapping,
            plant.seed,
            plant.lo,
            plant.hi,
            count,
            start=plant.start,
            gap=plant.gap,
        )
    except KernelError as error:
        raise UsageError(f"scenario: {error}") from None


def segment(plant: Plant, first: int, session: str | None = None) -> Segment:
    """Return the truth of one stream."""
    return Segment(first, plant.family, plant.mapping, plant.seed, plant.start, plant.gap, session)


def spoil(
    values: np.ndarray, share: float, span: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return the draws with a share of them made wrong, and which; a wrong draw never has the right value."""
    if not 0.0 <= share < 1.0 or span[1] <= span[0]:
        raise UsageError(f"noise {share} on {span[0]}..{span[1]}: wants a share in [0, 1) and two values")
    wrong = np.flatnonzero(rng.random(len(values)) < share)
    size = span[1] - span[0] + 1
    spoilt = values.copy()
    spoilt[wrong] = span[0] + (values[wrong] - span[0] + rng.integers(1, size, size=len(wrong))) % size
    return spoilt, tuple(wrong.tolist())
