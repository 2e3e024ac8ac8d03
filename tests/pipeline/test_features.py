"""Features: every family against a plain computation, chance scores near nothing, and no slot sees its future."""

from pathlib import Path

import numpy as np
import pytest

from engine.evidence.chance import log2_tail
from engine.evidence.evalue import log2_evidence
from engine.pipeline import features, features_hits, features_values, lint
from engine.pipeline.board import Board, excess, tail_bits
from engine.pipeline.features_catalog import BY_NAME, FEATURES, page
from engine.pipeline.features_catalog import FAMILIES as CATALOGUED
from engine.pipeline.features_meta import ARRAYS, Meta
from engine.pipeline.replay import NONE


def blank(rows):
    return Meta({name: np.zeros(rows) for name in ARRAYS})


def board(hits, modulus=100, seed=0):
    """Return a board with the given hit pattern (rows of 0/1, -1 = missing prediction); misses are random."""
    rng = np.random.default_rng(seed)
    hits = np.atleast_2d(hits)
    drawn = rng.integers(0, modulus, hits.shape[1])
    other = (drawn + rng.integers(1, modulus, hits.shape)) % modulus
    predicted = np.where(hits == 1, drawn, other)
    return Board(np.where(hits < 0, NONE, predicted), drawn, 0, modulus - 1)


def test_the_catalogue_names_every_column_and_there_are_more_than_50():
    wide = Board(*board(np.zeros((3, 40)), modulus=1000).__dict__.values())
    table = features.build(wide, blank(3), [20, 30])
    assert {one.name for one in FEATURES} == set(table.names)
    assert len(table.names) >= 50
    assert {features.family_of(name) for name in table.names} == set(features.FAMILY_NAMES)
    assert {*features.FAMILY_NAMES, "score"} == set(CATALOGUED)
    assert table.x.shape == (2, 3, len(table.names))


def test_the_stored_page_is_current():
    stored = Path(__file__).parents[2] / "docs" / "features.md"
    assert stored.read_text() == page(), "run: python -m engine.pipeline.features_catalog > docs/features.md"


@pytest.mark.parametrize("span", [(0, 16), (1, 49), (0, 997)])
def test_no_column_is_dead_on_varied_draws(span):
    assert lint.dead(lint.probe(*span)) == []


@pytest.mark.parametrize("modulus", [2, 3, 4, 5, 6, 10, 100, 1 << 17, 1 << 40])
def test_every_column_keeps_its_range_and_is_finite(modulus):
    columns = lint.probe(0, modulus - 1)
    limits = {
        "0..1": (0, 1),
        "-1..1": (-1, 1),
        "0..0.5": (0, 0.5),
        "0..": (0, np.inf),
        "bits, 0..": (0, np.inf),
    }
    for name, column in columns.items():
        assert np.isfinite(column).all(), name
        lo, hi = limits.get(BY_NAME[name].range, (-np.inf, np.inf))
        assert lo - 1e-9 <= column.min() <= column.max() <= hi + 1e-9, name


def test_match_columns_agree_with_the_evidence_wing():
    made = board([[1, 0, 1, 1, 0, 0, 0, 0, -1, 1]])
    got = features_hits.match(made)
    assert got["rate"][0] == pytest.approx(4 / 9)
    assert got["rarity"][0] == pytest.approx(-log2_tail(9, 4, 0.01))
    assert got["evidence"][0] == pytest.approx(log2_evidence(4, 9, 0.01))
    perfect = board(np.ones((1, 12)))
    assert features_hits.match(perfect)["evidence"][0] == pytest.approx(log2_evidence(12, 12, 0.01))


def test_runs_are_counted_as_a_reader_would():
    got = features_hits.run(board([[1, 1, 0, 1, 1, 1, 0, 0, 0, 1], [0] * 10]))
    assert got["longest"].tolist() == [3, 0]
    assert got["count"].tolist() == [3, 0]
    assert got["mean"].tolist() == [2, 0]
    assert got["open"].tolist() == [1, 0]
    assert got["drought"].tolist() == [0.3, 1.0]


def test_recency_knows_when_the_last_hit_was_and_which_way_hits_go():
    got = features_hits.recency(board([[1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 1]]))
    assert got["since"].tolist() == [6 / 8, 0.0]
    assert got["fast"][0] < got["fast"][1]
    assert got["trend"][0] < 0 < got["trend"][1]


def test_a_period_shows_in_the_spectrum_and_the_autocorrelation():
    every_third = np.tile([1, 0, 0], 12)
    got = features_hits.spectrum(board([every_third, np.zeros(36)]))
    assert got["frequency"][0] == pytest.approx(1 / 3)
    assert got["peak"].tolist()[1] == 0.0
    lags = features_hits.order(board([every_third]))
    assert lags["lag3"][0] > 0.8 > 0 > lags["lag1"][0]


def test_residue_agreement_counts_misses_only_and_stands_out_where_it_is_planted():
    drawn = np.arange(40) % 50
    planted = Board(np.stack([drawn + 50, drawn, (drawn + 27) % 100]), drawn, 0, 99)
    got = features_values.residue(planted)
    assert got["mod5"][0] > 10  # differs by 50, equal modulo 5
    assert got["mod5"][1] == 0  # only hits: nothing to say
    assert got["mod5"][2] < 0
    assert "mod8" not in features_values.residue(Board(drawn[None] % 6, drawn % 6, 0, 5))


def test_digits_and_distance_of_near_misses():
    drawn = np.full(20, 500)
    near = Board(np.stack([drawn + 1, drawn + 100, drawn]), drawn, 0, 999)
    got = features_values.distance(near)
    assert got["near"].tolist() == [1.0, 0.0, 0.0]
    assert got["mean"] == pytest.approx([0.001, 0.1, 0.25])
    digits = features_values.digit(near)
    assert digits["tens"][1] > 5
    assert digits["hundreds"][0] > 5 > digits["hundreds"][1]


def test_waits_are_counted_from_hit_to_hit():
    got = features_hits.wait(board([[1, 0, 1, 0, 0, 1, 0, 1, 0, 0], [0] * 10]))
    assert got["mean"] == pytest.approx([(2 + 3 + 2) / 3 / 10, 1.0])
    assert (got["shortest"][0], got["longest"][0]) == (0.2, 0.3)
    assert got["common"] == pytest.approx([2 / 3, 0.0])


def test_quarters_are_disjoint_blocks_and_a_stretch_shows_where_hits_gather():
    made = board([[0] * 10 + [1] * 10 + [0] * 20, [0] * 30 + [1] * 10])
    got = features_hits.block(made)
    assert (got["second"] > got["first"]).tolist() == [True, False]
    assert got["hit"].tolist() == [1, 1]
    assert got["turn"].tolist() == [0, 1]
    rise = features_hits.stretch(made)
    assert rise["steepest"] == pytest.approx([9.9, 9.9])
    assert rise["lasting"] == pytest.approx([9.7, 9.9])


def test_a_constant_miss_is_coherent_and_a_chance_one_is_not():
    drawn = np.arange(40)
    rng = np.random.default_rng(0)
    got = features_values.distance(
        Board(np.stack([(drawn + 7) % 100, rng.integers(0, 100, 40)]), drawn, 0, 99)
    )
    assert got["coherence"][0] == pytest.approx(1.0)
    assert got["coherence"][1] < 0.5


def test_bits_count_equal_bits_of_misses():
    drawn = np.zeros(8, dtype=np.int64)
    got = features_values.bits(Board(np.stack([drawn + 8, drawn + 1]), drawn, 0, 15))
    assert got["equal"].tolist() == [0.75, 0.75]
    assert got["low"].tolist() == [3, 0]
    assert got["high"].tolist() == [0, 3]


def test_chance_rows_have_no_excess_on_average():
    rng = np.random.default_rng(2)
    made = Board(rng.integers(0, 100, (400, 120)), rng.integers(0, 100, 120), 0, 99)
    columns = features.columns(made, blank(400), 120)
    for name in ("residue.mod2", "residue.mod7", "digit.units", "order.value"):
        assert abs(float(columns[name].mean())) < 0.2, name
    assert abs(float(columns["bits.equal"].mean()) - 0.5) < 0.05


def test_tails_and_excess_of_nothing_are_nothing():
    none = np.zeros(3)
    assert tail_bits(none, none, 0.01).tolist() == [0, 0, 0]
    assert excess(none, none, 0.01).tolist() == [0, 0, 0]


@pytest.mark.parametrize("draws", [0, 1, 2, 3, 7])
def test_the_shortest_pasts_give_finite_numbers(draws):
    columns = features.columns(board(np.zeros((2, 9))), blank(2), draws)
    assert all(np.isfinite(column).all() for column in columns.values())


def test_every_value_missing_gives_finite_numbers():
    columns = features.columns(board(np.full((2, 9), -1)), blank(2), 9)
    assert all(np.isfinite(column).all() for column in columns.values())
