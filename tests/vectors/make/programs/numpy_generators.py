"""Oracle: NumPy's bit generators seeded through SeedSequence; arguments GENERATOR.CALL LO HI COUNT SEED... (seeds in hex)."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

DIGITS = {"MT19937": 8}


def random_raw(source: Any, lo: int, hi: int, count: int) -> list[str]:
    """Return the bit generator's own words in hex."""
    digits = DIGITS.get(type(source).__name__, 16)
    return [f"{int(word):0{digits}x}" for word in source.random_raw(count)]


def random(source: Any, lo: int, hi: int, count: int) -> list[str]:
    """Return floor(Generator.random() * M) over the range."""
    return [str(lo + int(u * (hi - lo + 1))) for u in np.random.Generator(source).random(count)]


def integers(source: Any, lo: int, hi: int, count: int) -> list[str]:
    """Return Generator.integers(lo, hi + 1)."""
    return [str(v) for v in np.random.Generator(source).integers(lo, hi + 1, size=count)]


CALLS: dict[str, Callable[[Any, int, int, int], list[str]]] = {
    "random_raw": random_raw,
    "random": random,
    "integers": integers,
}


def main() -> None:
    """Print one line a seed: the seed, then COUNT values."""
    generator, call = sys.argv[1].split(".")
    lo, hi, count = (int(text) for text in sys.argv[2:5])
    for seed in sys.argv[5:]:
        source = getattr(np.random, generator)(int(seed, 16))
        print(seed, *CALLS[call](source, lo, hi, count), sep=",")


if __name__ == "__main__":
    main()
