"""A scenario as the demo's source: the same draws again after a restart, its truth private, a finite one ends with a word."""

import stat

import pytest

from engine.errors import EnvironmentFault, UsageError
from engine.scenarios.catalog import make
from engine.scenarios.scenario import Asked
from engine.scenarios.source import TRUTH, ScenarioSource

ASKED = Asked(draws=30, every=10)


def test_a_restarted_source_goes_on_where_it_stood(tmp_path):
    first = ScenarioSource.create(tmp_path, "interleaved", ASKED)
    early = [first.next_draw() for _ in range(12)]
    again = ScenarioSource.open(tmp_path)
    again.position = 12
    late = [again.next_draw() for _ in range(18)]
    made = make("interleaved", ASKED)
    assert tuple(one.value for one in early + late) == made.values
    assert tuple(one.session for one in early + late) == made.sessions
    assert len({one.id for one in early + late}) == 30
    with pytest.raises(UsageError, match="all delivered"):
        again.next_draw()


def test_the_truth_is_private_and_the_ids_tell_nothing(tmp_path):
    source = ScenarioSource.create(tmp_path, "reseeded", ASKED)
    assert stat.S_IMODE((tmp_path / TRUTH).stat().st_mode) == 0o600
    assert "reseeded" not in source.next_draw().id


def test_what_a_restart_could_not_repeat_is_refused(tmp_path):
    with pytest.raises(UsageError, match="not repeatable"):
        ScenarioSource.create(tmp_path, "entropy", ASKED)
    (tmp_path / TRUTH).write_text("{}")
    with pytest.raises(EnvironmentFault, match="not a planted scenario"):
        ScenarioSource.open(tmp_path)
