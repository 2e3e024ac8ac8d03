"""Oracle: the PyPI package randomgen; arguments CALL LO HI COUNT SEED... (seeds in hex)."""

import sys

import randomgen


def philox(seed: int, count: int) -> list[int]:
    """Return philox4x32-10 words; randomgen steps its counter before the first block, so start it one below 0."""
    source = randomgen.Philox(key=seed, counter=2**128 - 1, number=4, width=32)
    return [int(word) for word in source.random_raw(count)]


def main() -> None:
    """Print one line a seed: the seed, then COUNT words."""
    if sys.argv[1] != "philox4x32":
        raise SystemExit(2)
    for seed in sys.argv[5:]:
        print(seed, *(f"{word:08x}" for word in philox(int(seed, 16), int(sys.argv[4]))), sep=",")


if __name__ == "__main__":
    main()
