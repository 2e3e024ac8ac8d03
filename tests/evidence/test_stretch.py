"""Evidence on a stretch: an e-value under chance, strong where a truth ended, and careful about whether it still lasts."""

import itertools

import numpy as np
import pytest

from engine.evidence.evalue import log2_evidence
from engine.evidence.stretch import log2_stretch, log2_two_sided


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("p", [0.5, 0.1])
def test_it_averages_to_one_under_chance(p, lasting):
    rows = np.array(list(itertools.product([False, True], repeat=8)))
    chance = np.prod(np.where(rows, p, 1 - p), axis=1)
    assert chance @ np.exp2(log2_stretch(rows, p, lasting=lasting)) == pytest.approx(1.0)
    both = log2_two_sided(rows[:, :4], rows[:, 4:], p, lasting=lasting)
    assert chance @ np.exp2(both) == pytest.approx(1.0)


def test_a_truth_that_ended_is_seen_where_all_draws_together_hide_it():
    hits = np.zeros((1, 200), dtype=bool)
    hits[0, :8] = True
    assert log2_evidence(8, 200, 0.001) < 0
    assert log2_stretch(hits, 0.001)[0] > 50
    assert log2_stretch(hits, 0.001, lasting=True)[0] < 0


def test_nothing_unseen_says_nothing():
    none = np.zeros((3, 0), dtype=bool)
    assert log2_stretch(none, 0.01) == pytest.approx([0, 0, 0])
    assert log2_two_sided(none, none, 0.01) == pytest.approx([0, 0, 0])
