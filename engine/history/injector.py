"""Synthetic draws for tests and soaks: a planted truth that the analyst cannot see, or pure chance."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import BadInput, EnvironmentFault, UsageError
from engine.history.cursor import write_json
from engine.history.store import Arrival
from hip_cuda_kernels.errors import KernelError

TRUTH = "synthetic_truth.json"
BLOCK = 256
RANGES = ((0, 9), (1, 6), (0, 99), (1, 49), (0, 999), (0, 9999))


@dataclass(frozen=True)
class Plant:
    """A planted hypothesis: draws are mapping calls of the seeded family, a share `noise` replaced by chance."""

    family: str
    mapping: str
    lo: int
    hi: int
    seed: int
    start: int = 0
    gap: int = 0
    noise: float = 0.0


class Injector:
    """A source of planted draws. Draw n depends on n alone, so delivering it again after a crash changes nothing.

    Its truth lies in a file of its own (mode 0600) that no analysis reads; `position` is how many draws were
    delivered already, which the store of draws knows by their ids (`store.known(injector.prefix)`).
    """

    def __init__(self, plant: Plant, key: int, position: int = 0) -> None:
        self._plant, self._key, self.position = plant, key, position
        self._block: tuple[int, list[int]] = (-1, [])

    @classmethod
    def create(cls, directory: Path, plant: Plant, rng: np.random.Generator) -> Injector:
        """Plant a truth in an empty directory; raise if one is planted there already."""
        path = directory / TRUTH
        if path.exists():
            raise UsageError(f"{path}: a truth is planted here already; open it, or use another directory")
        injector = cls(_checked(plant), int(rng.integers(2**63)))
        injector._draws(0)
        write_json(path, {"schema": "synthetic_truth/1", "plant": asdict(plant), "key": injector._key})
        return injector

    @classmethod
    def open(cls, directory: Path, position: int = 0) -> Injector:
        """Continue a planted truth after `position` draws."""
        path = directory / TRUTH
        try:
            record: dict[str, Any] = json.loads(path.read_text())
            return cls(_checked(Plant(**record["plant"])), int(record["key"]), position)
        except FileNotFoundError:
            raise UsageError(f"{path}: no truth is planted here; create one first") from None
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise EnvironmentFault(
                f"{path}: not a planted truth ({error}); plant a new one elsewhere"
            ) from None

    @property
    def prefix(self) -> str:
        """Return the start of this source's draw ids; it tells nothing of the truth."""
        return f"synthetic-{np.random.SeedSequence(self._key).generate_state(1)[0]:08x}-"

    def next_draw(self, time: datetime | None = None, session: str | None = None) -> Arrival:
        """Return the next draw and move on."""
        number = self.position
        noise = np.random.default_rng([self._key, number])
        value = self._draws(number // BLOCK)[number % BLOCK]
        if noise.random() < self._plant.noise:
            value = int(noise.integers(self._plant.lo, self._plant.hi + 1))
        self.position = number + 1
        return Arrival(value, time, session, f"{self.prefix}{number}")

    def reveal(self) -> Plant:
        """Return the truth. For tests and for the verdict of a soak only."""
        return self._plant

    def _draws(self, block: int) -> list[int]:
        if self._block[0] != block:
            from hip_cuda_kernels import host

            plant = self._plant
            first = plant.start + block * BLOCK * (plant.gap + 1)
            with _translated():
                found = host.values(
                    plant.family,
                    plant.mapping,
                    plant.seed,
                    plant.lo,
                    plant.hi,
                    BLOCK,
                    start=first,
                    gap=plant.gap,
                )
            self._block = (block, found.tolist())
        return self._block[1]


class ChanceSource:
    """A source with no truth: the operating system's entropy, for null runs."""

    def __init__(self, lo: int, hi: int, position: int = 0) -> None:
        if not 0 <= lo < hi:
            raise UsageError(f"range {lo}:{hi}: wants two values or more, from 0")
        self.lo, self.hi, self.position, self.prefix = lo, hi, position, f"chance-{secrets.token_hex(4)}-"

    def next_draw(self, time: datetime | None = None, session: str | None = None) -> Arrival:
        """Return the next draw; unlike a planted one it is not repeatable."""
        self.position += 1
        value = self.lo + secrets.randbelow(self.hi - self.lo + 1)
        return Arrival(value, time, session, f"{self.prefix}{self.position - 1}")


def choose_plant(
    rng: np.random.Generator,
    *,
    families: Sequence[str] = ("all",),
    ranges: Sequence[tuple[int, int]] = RANGES,
    seeds: int = 2**32,
    starts: int = 1,
    gaps: int = 1,
    noise: float = 0.0,
) -> Plant:
    """Choose a truth at random: a registered family, one of its native mappings, a seed below `seeds`, and so on."""
    from hip_cuda_kernels.registry import resolve_families

    with _translated():
        known = resolve_families(families)
    family = known[int(rng.integers(len(known)))]
    lo, hi = ranges[int(rng.integers(len(ranges)))]
    return Plant(
        family.id,
        family.mappings[int(rng.integers(len(family.mappings)))],
        lo,
        hi,
        int(rng.integers(min(seeds, 2**family.seed_bits), dtype=np.uint64)),
        int(rng.integers(starts)),
        int(rng.integers(gaps)),
        noise,
    )


def _checked(plant: Plant) -> Plant:
    if (
        not 0 <= plant.lo < plant.hi
        or not 0.0 <= plant.noise <= 1.0
        or min(plant.seed, plant.start, plant.gap) < 0
    ):
        raise BadInput(f"{plant}: wants 0 <= lo < hi, noise in 0..1, and seed, start and gap from 0")
    return plant


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except KernelError as error:
        raise UsageError(f"planted truth: {error}") from None
