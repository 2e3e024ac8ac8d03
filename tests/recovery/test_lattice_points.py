"""Lattice points in a box: those that counting finds, for many lattices at once; and reduced bases."""

import itertools

import numpy as np
import pytest

from engine.recovery import lattice_points
from engine.recovery.lattice_points import points_in_box, reduced

GRID = np.array(list(itertools.product(range(-30, 31), repeat=3)))


def test_points_in_a_box_are_those_that_counting_finds() -> None:
    rng = np.random.default_rng(13)
    bases = (rng.integers(-2, 3, (3, 3, 3)) + 5 * np.eye(3, dtype=np.int64)) / 8.0
    lattices, targets, box = np.array([0, 0, 1, 2, 2]), rng.random((5, 3)), np.array([1.0, 0.5, 0.75])
    points = points_in_box(bases, lattices, targets, box)
    assert points.complete
    for i, (which, target) in enumerate(zip(lattices, targets, strict=True)):
        placed = target + GRID @ bases[which]
        inside = {tuple(x) for x in GRID[((placed >= 0) & (placed <= box)).all(axis=1)].tolist()}
        found = {tuple(x) for x in points.combinations[points.owners == i].tolist()}
        assert inside <= found, i
    assert len(points.owners) > 5


def test_more_partial_points_than_may_be_held_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lattice_points, "MOST_NODES", 100)
    points = points_in_box(np.eye(3)[None] / 8, np.zeros(1, np.int64), np.zeros((1, 3)), np.ones(3))
    assert not points.complete
    assert points.owners.size == 0


def test_a_reduced_basis_spans_the_same_lattice_with_shorter_rows() -> None:
    rows = [[1, 1_000_003], [0, 1 << 40]]
    short = reduced(rows, [1, 1])
    (a, b), (c, d) = short
    assert abs(a * d - b * c) == 1 << 40
    assert max(abs(x) for row in short for x in row) < 1 << 21
    assert reduced(rows, [1 << 10, 1]) != short
