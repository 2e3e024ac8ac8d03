"""Oracle: the generators that the program dieharder carries; arguments NUMBER[%] LO HI COUNT SEED... (seeds in hex)."""

import subprocess
import sys


def words(number: str, seed: int, count: str) -> list[int]:
    """Return the words of one seed: dieharder prints them in decimal under a header of its own."""
    command = ["dieharder", "-o", "-g", number, "-S", str(seed), "-t", count]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [int(line) for line in made.splitlines() if line.strip().isdigit()]


def main() -> None:
    """Print one line a seed: the seed, then COUNT words, or for NUMBER% their residues in LO..HI."""
    number, lo, hi = sys.argv[1].rstrip("%"), int(sys.argv[2]), int(sys.argv[3])
    for seed in sys.argv[5:]:
        made = words(number, int(seed, 16), sys.argv[4])
        residues = [str(lo + word % (hi - lo + 1)) for word in made]
        print(seed, *(residues if sys.argv[1] != number else (f"{word:08x}" for word in made)), sep=",")


if __name__ == "__main__":
    main()
