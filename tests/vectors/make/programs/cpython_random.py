"""Oracle: CPython's own random module; arguments CALL LO HI COUNT SEED... (seeds in hex)."""

import math
import random
import sys
from collections.abc import Callable

Draw = Callable[[random.Random, int, int], str]
CALLS: dict[str, Draw] = {
    "getrandbits": lambda source, lo, hi: f"{source.getrandbits(32):08x}",
    "random": lambda source, lo, hi: str(lo + math.floor(source.random() * (hi - lo + 1))),
    "randrange": lambda source, lo, hi: str(source.randrange(lo, hi + 1)),
    "randint": lambda source, lo, hi: str(source.randint(lo, hi)),
}


def main() -> None:
    """Print one line a seed: the seed, then COUNT values."""
    draw, lo, hi, count = CALLS[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    for seed in sys.argv[5:]:
        source = random.Random(int(seed, 16))
        print(seed, *(draw(source, lo, hi) for _ in range(count)), sep=",")


if __name__ == "__main__":
    main()
