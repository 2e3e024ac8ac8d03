"""A run on the record: shown whole from the journal alone, compared with another by what really differs."""

import json

import pytest

from engine.cli import main
from engine.errors import UsageError
from engine.pipeline.run_record import difference, read
from engine.pipeline.runner import run_pipeline


@pytest.fixture(scope="module")
def two_runs(make_context, steps):
    """Return the folder of a journal that holds two runs of steps 2.5 and 3, the second with more trials."""
    import asyncio

    ctx = steps["with_first_step"](make_context, steps["planted_history"]())
    for trials in (4, 6):
        row = ctx.journal.runs.open("pipeline", {"trials": trials}, request=None)
        changed = ctx.parameters.model_copy(update={"scorer_trials": trials})
        asyncio.run(
            run_pipeline(steps["replace"](ctx, run=row.id, parameters=changed), ("2.5", "3"), lambda _: None)
        )
        ctx.journal.runs.move(row.id, "done", "both steps stand")
    return ctx.journal.path.parent


def test_a_run_tells_its_steps_with_parameters_inputs_outputs_and_gates(two_runs):
    record = read(two_runs, "run-0001")
    assert (record.state, list(record.steps), record.trials) == ("done", ["2.5", "3"], {"2.5": 4})
    scorer, scored = record.steps["2.5"], record.steps["3"]
    assert scorer.parameters["scorer_trials"] == 4
    assert scored.inputs["optimal_scorer_config.json"] == scorer.outputs["optimal_scorer_config.json"]
    assert {row["metric"] for row in scored.evidence} >= {"rows", "features", "leaks"}
    assert read(two_runs, "last").id == "run-0002"


def test_two_runs_differ_in_what_was_changed_and_in_what_follows_from_it(two_runs):
    a, b = read(two_runs, "run-0001"), read(two_runs, "run-0002")
    found = {(one.step, one.what, one.name): (one.a, one.b) for one in difference(a, b)}
    assert found["2.5", "parameter", "scorer_trials"] == (4, 6)
    assert ("2.5", "output", "optimal_scorer_config.json") in found
    assert ("3", "input", "optimal_scorer_config.json") in found
    assert not [key for key in found if key[0] == "3" and key[1] == "parameter"]
    assert difference(a, a) == []


def test_an_unknown_run_is_refused_with_the_nearest(two_runs):
    with pytest.raises(UsageError, match="run-0001"):
        read(two_runs, "run-001")


def test_the_command_prints_both(two_runs, capsys):
    assert main(["--state", str(two_runs), "run", "show", "run-0001", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "run/1"
    assert main(["--state", str(two_runs), "run", "diff", "run-0001", "run-0002"]) == 0
    assert "scorer_trials" in capsys.readouterr().out
    assert main(["--state", str(two_runs), "run", "diff", "run-0001"]) == 2
    assert "give 2 runs" in capsys.readouterr().err
