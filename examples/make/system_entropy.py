"""Print COUNT draws of 0..999 from the operating system's entropy, by rejection; arguments COUNT."""

import secrets
import sys


def main() -> None:
    """Print the draws as CSV; no two runs agree."""
    print("draw,value")
    for draw in range(1, int(sys.argv[1]) + 1):
        print(f"{draw},{secrets.randbelow(1000)}")


if __name__ == "__main__":
    main()
