"""A sample and its rank are one another's inverse, over all samples of small pools and at the ends of large ones."""

from __future__ import annotations

from itertools import combinations, permutations
from math import comb, perm

import pytest

from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.samples import pool_of, rank_sample, sample_count, unrank_sample


@pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 6), (3, 3), (2, 5), (3, 6), (4, 7)])
def test_ranks_number_all_samples_once(k: int, n: int) -> None:
    for ordered, samples in ((False, combinations(range(n), k)), (True, permutations(range(n), k))):
        every = [list(one) for one in samples]
        ranks = [rank_sample(one, n, ordered=ordered) for one in every]
        assert sorted(ranks) == list(range(sample_count(k, n, ordered=ordered)))
        assert [unrank_sample(rank, k, n, ordered=ordered) for rank in ranks] == every


def test_ordered_ranks_follow_the_first_number() -> None:
    assert rank_sample([0, 1, 2], 5, ordered=True) == 0
    assert rank_sample([4, 3, 2], 5, ordered=True) == perm(5, 3) - 1
    assert rank_sample([2, 0, 1], 5, ordered=True) == 2 * perm(4, 2)


def test_sorted_ranks_are_those_of_the_combinatorial_number_system() -> None:
    assert rank_sample([5, 3, 8], 9, ordered=False) == comb(3, 1) + comb(5, 2) + comb(8, 3)
    last = list(range(60, 80))
    assert rank_sample(last, 80, ordered=False) == comb(80, 20) - 1
    assert unrank_sample(comb(80, 20) - 1, 20, 80, ordered=False) == last


def test_the_pool_follows_from_the_number_of_samples() -> None:
    assert pool_of(comb(49, 6), 6, ordered=False) == 49
    assert pool_of(perm(49, 6), 6, ordered=True) == 49
    assert pool_of(comb(49, 6) + 1, 6, ordered=False) is None


@pytest.mark.parametrize(
    ("k", "n", "ordered"), [(0, 5, False), (6, 5, False), (5, 300, False), (20, 80, True), (40, 80, False)]
)
def test_samples_that_do_not_fit_are_refused(k: int, n: int, ordered: bool) -> None:
    with pytest.raises(KernelError):
        sample_count(k, n, ordered=ordered)


@pytest.mark.parametrize("numbers", [[1, 1], [0, 5], [-1, 2]])
def test_what_is_no_sample_is_refused(numbers: list[int]) -> None:
    with pytest.raises(KernelError, match="distinct numbers of 0 to 4"):
        rank_sample(numbers, 5, ordered=False)
