"""The lint: what carries nothing is dropped by name, what knows the future is called a leak."""

import numpy as np
import pytest

from engine.pipeline import features, lint
from engine.pipeline.board import Board
from engine.pipeline.features import Table
from engine.pipeline.features_meta import ARRAYS, Meta


def table(**columns):
    return Table(
        tuple(columns), np.stack([np.asarray(one, dtype=float) for one in columns.values()], axis=-1)[None]
    )


def checked(made, trials=(0, 0, 0, 0), **more):
    return lint.check(
        made, first_read=30, provenance=more.pop("provenance", {}), trials=np.array(trials), **more
    )


def rules(verdict):
    return {one.name: one.rule for one in verdict.dropped}


def test_constant_and_copied_columns_are_dropped_by_name():
    verdict = checked(table(a=[1, 2, 3, 5], same=[7, 7, 7, 7], b=[-2, -4, -6, -10], c=[1, 0, 1, 0]))
    assert rules(verdict) == {"same": "constant", "b": "copy"}
    assert verdict.kept == ("a", "c")


def test_a_column_that_names_the_trial_is_dropped():
    made = table(a=[1, 2, 3, 5, 4, 4, 7], window=[8, 8, 8, 9, 9, 9, 7])
    assert rules(checked(made, trials=(0, 0, 0, 1, 1, 1, 2))) == {"window": "trial"}


def test_a_lone_truth_in_a_trial_of_its_own_does_not_make_its_hits_a_trial_mark():
    made = table(rate=[0.1, 0.1, 0.1, 1.0])
    assert checked(made, trials=(0, 0, 0, 1)).dropped == ()


def test_a_record_counted_beyond_the_first_slot_is_dropped():
    made = table(**{"record.confirm_rate": [1, 0, 0, 0], "a": [1, 2, 3, 5]})
    verdict = checked(made, provenance={"record.confirm_rate": 31})
    assert rules(verdict) == {"record.confirm_rate": "later"}
    assert checked(made, provenance={"record.confirm_rate": 30}).dropped == ()


@pytest.fixture
def chance():
    rng = np.random.default_rng(0)
    return Board(rng.integers(0, 50, (6, 60)), rng.integers(0, 50, 60), 0, 49), Meta(
        {name: np.zeros(6) for name in ARRAYS}
    )


def test_the_families_of_this_wing_are_blind_to_the_future(chance):
    assert lint.future_blind(*chance, [30, 40, 50], np.random.default_rng(1)) == []


def test_a_planted_column_that_looks_one_draw_ahead_is_caught(chance, monkeypatch):
    monkeypatch.setattr(features, "past", lambda board, reads: board.head(reads + 1))
    leaks = lint.future_blind(*chance, [30, 40], np.random.default_rng(1))
    assert "match.rate" in leaks
    assert "distance.mean" in leaks


def test_a_column_that_predicts_decoys_is_caught():
    rng = np.random.default_rng(0)
    hits = rng.integers(0, 3, (2, 20))
    targets = np.stack([hits, np.full((2, 20), 10)])
    x = np.stack([hits, rng.normal(size=(2, 20))], axis=-1).astype(float)
    made = Table(("leak", "noise"), np.concatenate([x, x[:1]]))
    assert lint.chance_leaks(made, targets, np.arange(20)) == ["leak"]
    assert lint.chance_leaks(made, targets * 0, np.arange(20)) == []


def test_a_column_that_is_dead_by_construction_is_found_on_the_probe(monkeypatch):
    monkeypatch.setitem(features.FAMILIES, "run", lambda board: {
        "longest": np.ones(len(board.predicted)), "count": board.matched / np.maximum(1, board.scored)
    })  # fmt: skip
    assert rules_of(lint.dead(lint.probe())) == {"run.longest": "constant", "run.count": "copy"}


def test_what_slips_into_a_finished_table_is_barren():
    made = table(a=[1, 2, 3, 5, 4, 4], window=[8, 8, 8, 9, 9, 9], same=[1] * 6, b=[2, 4, 6, 10, 8, 8])
    assert rules_of(lint.barren(made, np.array([0, 0, 0, 1, 1, 1]))) == {
        "same": "constant", "window": "trial", "b": "copy"
    }  # fmt: skip


def rules_of(dropped):
    return {one.name: one.rule for one in dropped}
