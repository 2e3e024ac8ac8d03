"""The dry run: every parameter with value, bounds and origin, read from the state directory alone."""

from engine.cli import main
from engine.config import load
from engine.parameters import REGISTRY, Parameters
from engine.pipeline.dry_run import dry_run
from engine.pipeline.parameters import PipelineParameters
from state.journal import Journal


def test_without_a_journal_everything_is_a_default_and_nothing_is_written(tmp_path):
    made = dry_run(tmp_path, load(None), ["1", "2", "3", "4", "5", "6"])
    told = {one.name: one for one in made.parameters}
    assert {name for name in told if name.startswith("pipeline.")} == {
        f"pipeline.{name}" for name in PipelineParameters.model_fields
    }
    assert {one.origin for one in told.values()} == {"default"}
    assert all(one.meaning for one in told.values())
    assert all(one.lo <= one.value <= one.hi for one in told.values() if one.tunable)
    assert list(tmp_path.iterdir()) == []


def test_a_recorded_change_shows_who_made_it_and_why_and_a_misfit_is_named(tmp_path):
    with Journal.open(tmp_path) as journal:
        Parameters(journal.parameters, REGISTRY).change("pipeline.twins", 48, by="watcher", why="too few")
        journal.parameters.set("pipeline.rungs", 99, who="operator", why="typo")
    made = dry_run(tmp_path, load(None, {"search.noise": 0.1}), ["2.5"])
    (twins,) = [one for one in made.parameters if one.name == "pipeline.twins"]
    assert twins.value == 48
    assert twins.origin.startswith("watcher at ")
    assert twins.origin.endswith(": too few")
    assert "pipeline.rungs" in made.refused[0]
    assert made.steps == ("2.5",)
    assert not [one for one in made.parameters if one.step in ("1", "4")]


def test_the_command_needs_no_engine_and_refuses_steps_in_the_wrong_order(tmp_path, capsys):
    assert main(["--state", str(tmp_path), "pipeline", "--dry-run", "--end-step", "3"]) == 0
    assert "pipeline.window_rungs" in capsys.readouterr().out
    assert main(["--state", str(tmp_path), "pipeline", "--dry-run", "--save-all-models"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "save_all_models" in line]
    assert row.split()[:6] == ["5", "pipeline.save_all_models", "True", "0..1", "this", "run"]
    assert (
        main(["--state", str(tmp_path), "pipeline", "--dry-run", "--start-step", "5", "--end-step", "3"]) == 2
    )
