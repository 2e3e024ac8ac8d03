"""Readings of a claimed stream: every other native one, and every pattern of gaps where the claimed one leaves draws unexplained."""

from dataclasses import replace

import numpy as np

from engine.recovery.problem import Patterns
from engine.search.cell import Cell
from engine.search.claims import Claim, Hit, predicted, score
from engine.search.ranges import Range
from engine.search.readings import patterns, siblings

CELL = Cell(
    "lcg48/java", "java_bounded", 0, 999, Range(0, 2**16 - 1), (0, 5), (0, 3), 0.2, 9, 4, 36, None, 1.0, 1.0
)  # fmt: skip
TURNS = replace(CELL, law="periodic", period=2)


def claimed(cell: Cell, hit: tuple[int, int, int], draws: np.ndarray) -> Claim:
    return score(cell, Hit(*hit), draws, 1e-3, None, 1)


def test_siblings_are_all_other_native_readings() -> None:
    found = siblings(claimed(CELL, (77, 0, 2), predicted(CELL, 77, 0, 2, 40)), [(0, 999), (0, 1023)])
    assert CELL not in found
    assert {(cell.mapping, cell.hi) for cell in found} >= {("java_bounded", 1023), ("shift(1)", 999)}


def test_a_pattern_that_shares_turns_leads_to_the_right_one_of_another_period() -> None:
    three = replace(TURNS, period=3)
    right = (77, 4, Patterns(0, 3, 3).code((0, 2, 1)))
    draws = predicted(three, *right, 60)
    looks, best = patterns(claimed(TURNS, (77, 4, Patterns(0, 3, 2).code((1, 1))), draws), draws)
    assert looks == 6 * (4**2 + 4**3)
    assert (three, right) in best


def test_a_pattern_that_explains_every_draw_is_looked_at_no_further() -> None:
    hit = (77, 4, Patterns(0, 3, 2).code((3, 1)))
    draws = predicted(TURNS, *hit, 40)
    assert patterns(claimed(TURNS, hit, draws), draws) == (0, [])


def test_patterns_that_were_too_many_to_search_are_not_read_either() -> None:
    wide = replace(TURNS, gaps=(0, 41))
    hit = (77, 4, Patterns(0, 41, 2).code((1, 1)))
    draws = predicted(replace(TURNS, period=3), 77, 4, Patterns(0, 3, 3).code((0, 2, 1)), 60)
    looks, best = patterns(claimed(wide, hit, draws), draws)
    assert (looks, [cell.period for cell, _ in best]) == (6 * 42**2, [2])
