"""Pipeline parameters: bounds hold, unknown keys are errors, each one is read by a step."""

import pytest

from engine.errors import UsageError
from engine.pipeline.parameters import USED_BY, PipelineParameters


def test_an_unknown_key_is_refused_by_name():
    with pytest.raises(UsageError, match="window_trails"):
        PipelineParameters.read({"window_trails": 3})


def test_a_value_outside_its_bounds_is_refused():
    with pytest.raises(UsageError, match="permutations"):
        PipelineParameters.read({"permutations": 99})


def test_every_parameter_belongs_to_exactly_one_step_or_to_all():
    used = [name for names in USED_BY.values() for name in names]
    assert sorted(used) == sorted(PipelineParameters.model_fields)
