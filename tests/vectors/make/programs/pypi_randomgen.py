"""Oracle: the PyPI package randomgen; arguments CALL LO HI COUNT SEED... (seeds in hex)."""

import sys
from collections.abc import Callable
from typing import Any

import numpy
import randomgen

LAST = 2**128 - 1  # randomgen steps its counters before the first block, so they start one below 0

SOURCES: dict[str, Callable[[int], Any]] = {
    "philox4x32": lambda seed: randomgen.Philox(key=seed, counter=LAST, number=4, width=32),
    "threefry2x64": lambda seed: randomgen.ThreeFry(key=seed, counter=LAST, number=2, width=64),
    "threefry4x64": lambda seed: randomgen.ThreeFry(key=seed, counter=2**256 - 1, number=4, width=64),
    "xorshift1024": randomgen.Xorshift1024,
    "xoroshiro128": randomgen.Xoroshiro128,
    "lcg128_upper": lambda seed: randomgen.LCG128Mix(seed, output="upper"),
    "jsf64": randomgen.JSF,
    "efiix64": randomgen.EFIIX64,
    "romu_quad": randomgen.Romu,
    "romu_trio": lambda seed: randomgen.Romu(seed, variant="trio"),
    "tyche": randomgen.Tyche,
    "squares32": lambda seed: randomgen.Squares(key=seed, counter=0, variant=32),
    "squares64": lambda seed: randomgen.Squares(key=seed, counter=0, variant=64),
    "mwc64x32": randomgen.MWC64X32,
    "mwc128x32": randomgen.MWC128X32,
    "mwc128x": randomgen.MWC128X,
    "mwc192x": randomgen.MWC192X,
}
FIRST_ABOVE = ("tyche",)  # two words of 32 bits come as one of 64: the first is the upper half
FIRST_BELOW = ("squares32",)


def jenkins(seed: int, size: int) -> Any:
    """Return JSF as its author starts it: one number in three words of the state, twenty words dropped."""
    source = randomgen.JSF(size=size)
    state = source.state
    state["state"].update(a=0xF1EA5EED, b=seed, c=seed, d=seed)
    source.state = state
    source.random_raw(20)
    return source


SOURCES["jsf64_jenkins"] = lambda seed: jenkins(seed, 64)
SOURCES["jsf32_jenkins"] = lambda seed: jenkins(seed, 32)


def words(call: str, seed: int, count: int) -> list[int]:
    """Return `count` raw words of one seed."""
    raw = [int(word) for word in SOURCES[call](seed).random_raw(count)]
    if call not in FIRST_ABOVE + FIRST_BELOW:
        return raw
    shifts = (32, 0) if call in FIRST_ABOVE else (0, 32)
    return [word >> shift & 0xFFFFFFFF for word in raw for shift in shifts][:count]


def uniforms(call: str, seed: int, lo: int, hi: int, count: int) -> list[int]:
    """Return `count` values lo + int(random() * M) of NumPy's Generator over the source."""
    source = numpy.random.Generator(SOURCES[call](seed))
    return [lo + int(source.random() * (hi - lo + 1)) for _ in range(count)]


def main() -> None:
    """Print one line a seed: the seed, then COUNT words, or COUNT draws of CALL* or CALL%."""
    call, lo, hi, count = sys.argv[1], *map(int, sys.argv[2:5])
    for seed in sys.argv[5:]:
        if call.endswith("*"):
            print(seed, *uniforms(call[:-1], int(seed, 16), lo, hi, count), sep=",")
        elif call.endswith("%"):
            made = words(call[:-1], int(seed, 16), count)
            print(seed, *(lo + word % (hi - lo + 1) for word in made), sep=",")
        else:
            print(seed, *(f"{word:08x}" for word in words(call, int(seed, 16), count)), sep=",")


if __name__ == "__main__":
    main()
