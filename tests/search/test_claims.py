"""Claims: the e-value never pays out under chance, is paid for, and one stream is one discovery."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.evidence.evalue import required_bits
from engine.search.cell import Cell
from engine.search.claims import Hit, predicted, score, settle
from engine.search.ranges import Range

CELL = Cell(
    "lcg48/java", "java_bounded", 0, 999, Range(0, 2**16 - 1), (0, 0), (0, 3), 0.0, 4, 4, 36, None, 1.0, 1.0
)  # fmt: skip
P = 1e-3


def test_a_true_hypothesis_is_scored_on_unseen_draws_only() -> None:
    draws = predicted(CELL, 77, 0, 2, 40)
    claim = score(CELL, Hit(77, 0, 2), draws, P, None, 1)
    assert (claim.confirmed.matched, claim.confirmed.scored) == (36, 36)
    assert (claim.matched, claim.scored) == (40, 40)
    assert claim.bits > required_bits(1e-6)


def test_every_later_survivor_pays_more() -> None:
    draws = predicted(CELL, 77, 0, 2, 40)
    bits = [score(CELL, Hit(77, 0, 2), draws, P, None, rank).bits for rank in (1, 2, 10, 1000)]
    assert bits == sorted(bits, reverse=True)
    assert bits[0] - bits[3] == pytest.approx(math.log2(1000 * 1001) - 1)


def test_without_a_confirm_block_every_hypothesis_tried_is_paid() -> None:
    draws = predicted(CELL, 77, 0, 2, 7)
    alone = replace(CELL, block=7, threshold=7, confirm=0)
    claim = score(alone, Hit(77, 0, 2), draws, P, None, 1)
    ceiling = 7 * math.log2(1000) - math.log2(alone.hypotheses)
    assert claim.bits < ceiling


def test_chance_hypotheses_average_to_an_e_value_below_one() -> None:
    rng = np.random.default_rng(12)
    draws = rng.integers(0, 1000, 40)
    claims = [score(CELL, Hit(int(seed), 0, 1), draws, P, None, 1) for seed in rng.integers(0, 2**16, 400)]
    assert np.mean([2.0**claim.bits for claim in claims]) <= 1.0
    assert max(claim.bits for claim in claims) < required_bits(1e-6)


def test_readings_of_one_stream_through_other_ranges_are_one_discovery() -> None:
    draws = predicted(CELL, 77, 0, 2, 40)
    exact = score(CELL, Hit(77, 0, 2), draws, P, None, 1)
    blurred = replace(exact, cell=replace(CELL, hi=997), bits=exact.bits - 60)
    settled = settle([blurred, exact], {None: 40})
    assert [(claim.cell.hi, equal) for claim, equal, _ in settled] == [(999, 1)]
    assert settled[0][2].tolist() == predicted(CELL, 77, 0, 2, 50)[40:].tolist()


def test_seeds_that_give_the_same_stream_count_as_equivalents() -> None:
    cell = replace(CELL, family="lcg31/minstd48271", mapping="mod")
    draws = predicted(cell, 1, 0, 0, 40)
    claims = [
        score(cell, Hit(seed, 0, 0), draws, P, None, rank)
        for rank, seed in enumerate((1, 0x7FFFFFFF + 1), start=1)
    ]
    settled = settle(claims, {None: 40})
    assert [(claim.seed, equal) for claim, equal, _ in settled] == [(1, 2)]
