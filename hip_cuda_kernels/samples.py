"""k of N numbers as one integer: the rank of an ordered or a sorted sample, and back. Pure functions on 0..N-1.

A sorted sample c0 < c1 < … has the rank C(c0, 1) + C(c1, 2) + … (the combinatorial number system); an ordered one the rank of its
places among the numbers not yet taken, in mixed radix N, N-1, …, the first number most significant (the Lehmer code).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, perm

from hip_cuda_kernels.errors import KernelError

MOST_NUMBERS = 256
LARGEST = (1 << 63) - 1


def sample_count(k: int, n: int, *, ordered: bool) -> int:
    """Return how many samples of k of n there are; KernelError where they do not fit 63 bits."""
    if not 1 <= k <= n <= MOST_NUMBERS:
        raise KernelError(
            f"{k} of {n} numbers: a sample takes 1 to N of at most {MOST_NUMBERS} numbers; write k/N"
        )
    count = perm(n, k) if ordered else comb(n, k)
    if count > LARGEST:
        raise KernelError(
            f"{k} of {n} numbers: {count} samples do not fit 63 bits; use fewer numbers of each draw"
        )
    return count


def pool_of(count: int, k: int, *, ordered: bool) -> int | None:
    """Return the N for which there are `count` samples of k numbers, None where there is none."""
    for n in range(k, MOST_NUMBERS + 1):
        have = perm(n, k) if ordered else comb(n, k)
        if have >= count:
            return n if have == count else None
    return None


def rank_sample(numbers: Sequence[int], n: int, *, ordered: bool) -> int:
    """Return the rank of distinct `numbers` of 0..n-1, from 0 to `sample_count` - 1; the order counts where `ordered`."""
    if len(set(numbers)) != len(numbers) or not all(0 <= number < n for number in numbers):
        raise KernelError(f"sample {list(numbers)}: give distinct numbers of 0 to {n - 1}")
    if not ordered:
        return sum(comb(number, place) for place, number in enumerate(sorted(numbers), start=1))
    rank = 0
    for place, number in enumerate(numbers):
        smaller = sum(other < number for other in numbers[:place])
        rank = rank * (n - place) + number - smaller
    return rank


def unrank_sample(rank: int, k: int, n: int, *, ordered: bool) -> list[int]:
    """Return the k numbers of 0..n-1 whose rank is given, sorted unless `ordered`."""
    if not 0 <= rank < sample_count(k, n, ordered=ordered):
        raise KernelError(f"rank {rank} lies outside the samples of {k} of {n} numbers")
    return _in_order(rank, k, n) if ordered else _sorted(rank, k, n)


def _in_order(rank: int, k: int, n: int) -> list[int]:
    places = []
    for radix in range(n - k + 1, n + 1):
        rank, place = divmod(rank, radix)
        places.append(place)
    left = list(range(n))
    return [left.pop(place) for place in reversed(places)]


def _sorted(rank: int, k: int, n: int) -> list[int]:
    numbers = []
    for place in range(k, 0, -1):
        number = max(c for c in range(n) if comb(c, place) <= rank)
        numbers.append(number)
        rank -= comb(number, place)
    return numbers[::-1]
