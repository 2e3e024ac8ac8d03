"""A stream and its twins: the parts that chunks and algebra take of it."""

import numpy as np

from engine.search.chunk import REAL, SHUFFLED, UNIFORM
from engine.search.twins import Stream

MISSING = (0, 3, 4, 5, 6, 11)


def made() -> Stream:
    values = np.arange(20)
    values[list(MISSING)] = -1
    return Stream.of(values, 0, 19, np.random.default_rng(1))


def test_a_part_holds_all_three_rows_and_the_twins_miss_what_the_draws_miss() -> None:
    stream = made()
    part = stream.part(2, 9)
    for vector in (REAL, SHUFFLED, UNIFORM):
        assert part[vector].tolist() == stream.row(vector)[2:9].tolist()
    assert ((part < 0) == (part[REAL] < 0)).all()
    assert sorted(stream.row(SHUFFLED)) == sorted(stream.row(REAL))


def test_the_first_draws_of_a_block_end_with_its_last_present_one() -> None:
    stream = made()
    for block in range(1, 15):
        first = stream.first(block)
        assert (first[REAL] >= 0).sum() == block
        assert (first[:, -1] >= 0).all()
