"""Oracle: NumPy's legacy RandomState and its MT19937; arguments CALL LO HI COUNT SEED... (seeds in hex)."""

import sys
from collections.abc import Callable

import numpy as np

Words = Callable[[int, int, int, int], list[str]]


def raw(seed: int, lo: int, hi: int, count: int) -> list[str]:
    """Return full 32-bit words: a range of 2**32 makes randint return them unchanged."""
    words = np.random.RandomState(seed).randint(0, 2**32, size=count, dtype=np.uint32)
    return [f"{int(word):08x}" for word in words]


def by_array(seed: int, lo: int, hi: int, count: int) -> list[str]:
    """Return words after init_by_array over the seed's 32-bit words, low word first."""
    key = [seed >> shift & 0xFFFFFFFF for shift in range(0, max(seed.bit_length(), 1), 32)]
    words = np.random.RandomState(key).randint(0, 2**32, size=count, dtype=np.uint32)
    return [f"{int(word):08x}" for word in words]


def random_sample(seed: int, lo: int, hi: int, count: int) -> list[str]:
    """Return floor(random_sample() * M) over the range."""
    samples = np.random.RandomState(seed).random_sample(count)
    return [str(lo + int(np.floor(sample * (hi - lo + 1)))) for sample in samples]


def randint(seed: int, lo: int, hi: int, count: int) -> list[str]:
    """Return randint(lo, hi + 1), one call for all."""
    return [str(v) for v in np.random.RandomState(seed).randint(lo, hi + 1, size=count)]


def integers(seed: int, lo: int, hi: int, count: int) -> list[str]:
    """Return Generator.integers over the legacy seeded MT19937: a 32-bit multiply and shift."""
    source = np.random.MT19937()
    source._legacy_seeding(seed)
    return [str(v) for v in np.random.Generator(source).integers(lo, hi + 1, size=count, dtype=np.uint32)]


CALLS: dict[str, Words] = {
    "raw": raw,
    "by_array": by_array,
    "random_sample": random_sample,
    "randint": randint,
    "integers": integers,
}


def main() -> None:
    """Print one line a seed: the seed, then COUNT values."""
    words, lo, hi, count = CALLS[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    for seed in sys.argv[5:]:
        print(seed, *words(int(seed, 16), lo, hi, count), sep=",")


if __name__ == "__main__":
    main()
