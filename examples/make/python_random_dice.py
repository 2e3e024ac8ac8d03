"""Roll a die with random.randint(1, 6); arguments SEED COUNT."""

import random
import sys


def main() -> None:
    """Print the rolls as CSV."""
    random.seed(int(sys.argv[1]))
    print("draw,value")
    for draw in range(1, int(sys.argv[2]) + 1):
        print(f"{draw},{random.randint(1, 6)}")


if __name__ == "__main__":
    main()
