"""Oracle: PyTorch's CPU generator; arguments CALL LO HI COUNT SEED... (seeds in hex)."""

import sys

import torch

# CALL -> what it draws over lo..hi
CALLS = {
    "randint": lambda lo, hi, count: torch.randint(lo, hi + 1, (count,)).tolist(),
    "rand": lambda lo, hi, count: [lo + int(u * (hi - lo + 1)) for u in torch.rand(count).tolist()],
}

if __name__ == "__main__":
    draw, low, high, many = CALLS[sys.argv[1]], *(int(part) for part in sys.argv[2:5])
    for seed in sys.argv[5:]:
        torch.manual_seed(int(seed, 16))
        print(seed, *draw(low, high, many), sep=",")
