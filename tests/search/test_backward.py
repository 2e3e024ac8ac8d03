"""Backward: the inverse step from the window's start meets the draws before it; a block of earlier draws where there is none."""

import pytest

from engine.search.analysis import Tally
from engine.search.backward import by, earlier
from engine.search.cell import Cell
from engine.search.claims import Claim, predicted
from engine.search.ranges import Range


def claim(family, mapping, law="constant", span=(0, 99)):
    cell = Cell(
        family, mapping, *span, Range(0, 9999), (0, 7), (0, 3), 0.0, 8, 8, 10, None, 1.0, 1.0, 25, law=law
    )
    return Claim(cell, 4711, 2, 1, 8, 8, Tally(matched=8, scored=8), 9.0)


@pytest.mark.parametrize(
    ("family", "mapping", "way"),
    [
        ("lcg48/java", "java_bounded", "inverse"),
        ("glibc_random/type3", "mod", "inverse"),
        ("pcg64/seed_sequence", "halves:lemire", "inverse"),
        ("mt19937/init_genrand", "mod", "block"),
        ("lcg48/java", "digits(2)", "block"),
    ],
)
def test_the_draws_before_the_window_come_out_the_same_by_another_way(family, mapping, way):
    one = claim(family, mapping)
    assert by(one) == way
    assert earlier(one).tolist() == predicted(one.cell, one.seed, one.start, one.gap, 25).tolist()


def test_words_that_a_mapping_draws_again_do_not_shift_the_way_back():
    one = claim(
        "lcg48/java", "java_bounded", span=(0, (1 << 30) + 1)
    )  # nearly every second word is drawn again
    assert earlier(one).tolist() == predicted(one.cell, one.seed, one.start, one.gap, 25).tolist()


def test_seeding_anew_has_no_way_back():
    assert by(claim("lcg48/java", "java_bounded", law="reseed")) == "block"
