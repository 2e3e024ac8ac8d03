"""Roll a loaded die driven by the operating system's entropy: six with 35 %, each other face 13 %; arguments COUNT."""

import secrets
import sys


def roll() -> int:
    """Return one face: 35 of 100 equally likely tickets say six, 13 each other face."""
    ticket = secrets.randbelow(100)
    return 6 if ticket < 35 else 1 + (ticket - 35) // 13


def main() -> None:
    """Print the rolls as CSV; no two runs agree."""
    print("draw,value")
    for draw in range(1, int(sys.argv[1]) + 1):
        print(f"{draw},{roll()}")


if __name__ == "__main__":
    main()
