"""Test mode stands in the soak's own settings file and nowhere else; of the operator's settings only what a soak may use holds."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.config import load
from engine.errors import UsageError
from engine.soak import after, ground, hand, runner
from engine.soak.plan import Plan, faults_of
from engine.soak.scenarios.table import SCENARIOS

OPERATOR = """
test_mode = false
[compute]
workers = 3
[history]
file = "/srv/draws.csv"
[search]
families = ["mt19937/init_genrand"]
[alerts]
webhook = "https://example.org/wake-up"
hot_raise = 80.0
hot_clear = 70.0
[llm]
command = ["llama-server"]
context = 8192
[[schedule]]
name = "nightly"
cron = "0 3 * * *"
request = {type = "pipeline_rerun"}
[[rigs]]
name = "rig-1"
host = "10.0.0.7"
key = "id"
host_keys = ["ssh-ed25519 AAAA"]
env = {HSA_OVERRIDE_GFX_VERSION = "10.3.0"}
"""


def test_the_settings_of_a_soak_are_the_operators_where_it_may_use_them_and_test_mode(tmp_path: Path) -> None:
    operator = tmp_path / "room.toml"
    operator.write_text(OPERATOR)
    made = ground.new(tmp_path, "c")
    scenario = SCENARIOS["c"]
    ground.write_config(
        made, scenario.settings(Plan(scenario="c", hours=1.0), {"draws": str(made.draws)}), operator
    )
    told = load(made.config)
    assert told.testing
    assert (told.compute.workers, told.llm.context, told.alerts.hot_raise) == (3, 8192, 80.0)
    assert [(rig.name, rig.env) for rig in told.rigs] == [("rig-1", {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"})]
    assert told.alerts.webhook is None, "a soak wakes nobody"
    assert told.schedule == ()
    assert told.history.file == made.draws
    assert told.search.families == ("lcg48/java",)
    assert stat.S_IMODE(made.config.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700


@pytest.mark.parametrize("relay", [True, False])
def test_the_model_server_of_a_soak_stands_behind_the_relay_where_a_fault_needs_it(
    relay: bool, tmp_path: Path
) -> None:
    operator, made = tmp_path / "room.toml", ground.new(tmp_path, "a")
    operator.write_text(OPERATOR)
    ground.write_config(made, {}, operator, relay=relay)
    command = load(made.config).llm.command
    assert command[-1] == "llama-server"
    assert ("engine.soak.faults.relay" in command) is relay
    assert (str(made.path / "refuse") in command) is relay


def test_a_soak_whose_plan_refuses_grammars_writes_the_relay_into_its_settings(tmp_path: Path) -> None:
    operator = tmp_path / "room.toml"
    operator.write_text(OPERATOR)
    for faults, relay in (("kill_llm", False), ("kill_llm,grammar_400", True)):
        made = ground.new(tmp_path, "a")
        asked = faults_of(faults, ["kill_llm", "grammar_400"])
        runner.begin(made, Plan(scenario="a", hours=1.0, faults=asked), operator)
        assert ("engine.soak.faults.relay" in load(made.config).llm.command) is relay


def test_a_room_without_a_model_server_gets_no_relay(tmp_path: Path) -> None:
    made = ground.new(tmp_path, "a")
    ground.write_config(made, {}, None, relay=True)
    assert load(made.config).llm.command == ()


def test_an_ordinary_engine_over_the_state_of_a_soak_is_not_in_test_mode(tmp_path: Path) -> None:
    made = ground.new(tmp_path, "a")
    ground.write_config(made, {}, None)
    assert load(made.config).testing
    left = after.left_over(made)
    assert not left["test_mode_elsewhere"]
    (made.room / "room.toml").write_text("test_mode = true\n[synthetic_injection]\nenabled = true\n")
    assert after.left_over(made)["test_mode_elsewhere"]


def test_a_faulty_file_of_the_operator_is_refused_before_anything_starts(tmp_path: Path) -> None:
    operator = tmp_path / "room.toml"
    operator.write_text("[compute]\nworker = 3\n")
    with pytest.raises(UsageError, match=r"the nearest is 'compute\.workers'"):
        ground.write_config(ground.new(tmp_path, "a"), {}, operator)


def test_soaks_are_found_by_id_letter_directory_and_last(tmp_path: Path) -> None:
    first, second, third = (ground.new(tmp_path, letter) for letter in "abb")
    assert [one.id for one in ground.known(tmp_path)] == sorted([first.id, second.id, third.id])
    assert ground.find(tmp_path, first.id) == first
    assert ground.find(tmp_path, "b").id == third.id != second.id
    (tmp_path / "soaks" / "notes").mkdir()
    assert ground.find(tmp_path, "last").id == third.id
    with pytest.raises(UsageError, match="there is none under"):
        ground.find(tmp_path, "c")


def test_the_machine_class_names_no_machine() -> None:
    told = ground.machine()
    assert {"cores", "memory_gib", "arch", "kernel", "python", "load"} == set(told)


def test_a_room_knows_its_soak_by_the_file_beside_it(tmp_path: Path) -> None:
    made = ground.new(tmp_path, "a")
    assert hand.running(made.room) is None
    (made.path / "status.json").write_text('{"schema": "soak_status/1", "id": "a"}')
    assert hand.running(made.room) == (made, {"schema": "soak_status/1", "id": "a"})
    (made.path / "status.json").write_text("{")
    assert hand.running(made.room) is None
    assert hand.running(tmp_path) is None
