"""Print floor(random_sample() * 1000) of NumPy's RandomState, one number a line; arguments SEED COUNT."""

import sys

import numpy as np


def main() -> None:
    """Print the draws as plain text."""
    source = np.random.RandomState(int(sys.argv[1]))
    for value in np.floor(source.random_sample(int(sys.argv[2])) * 1000).astype(int):
        print(value)


if __name__ == "__main__":
    main()
