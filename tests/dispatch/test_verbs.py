"""The verbs of the command line against a real engine: what they do, and one clear line with its exit code for what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main
from engine.client import call
from engine.errors import MimicryError

Told = tuple[int, str, str]
Run = Callable[..., Told]
ROOT = Path(__file__).parents[2]
ROOM = """
test_mode = true
[synthetic_injection]
enabled = true
[history]
range = "0:9999"
[[schedule]]
name = "nightly"
cron = "@daily"
request = { type = "selfplay_retrain" }
"""
# Without this the first draws start a search, and with it a cluster of workers.
NO_SEARCH = {"approvals": {"requests": [{"type": "*", "origin": "history"}]}}


class Engine:
    """A real engine over a state directory of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        state.mkdir(parents=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "engine.cli", "--state", str(self.state), "--no-ui"]
        with (self.state / "engine.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                call(self.state, "snapshot")
                return
            except (MimicryError, OSError):
                time.sleep(0.05)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One engine for all of these tests; nothing in them needs another one."""
    made = Engine(tmp_path_factory.mktemp("verbs") / "state")
    (made.state / "room.toml").write_text(ROOM)
    (made.state / "watcher_policies.json").write_text(json.dumps(NO_SEARCH))
    made.start()
    yield made
    made.process.kill()
    made.process.wait()


@pytest.fixture
def run(engine: Engine, capsys: pytest.CaptureFixture[str]) -> Run:
    def told(*words: str) -> Told:
        code = main(["--state", str(engine.state), *words])
        out, err = capsys.readouterr()
        return code, out, err

    return told


def until(run: Run, id: str, states: tuple[str, ...]) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        _, out, _ = run("requests", "--json", "--filter", f"id={id}")
        rows = json.loads(out)["rows"]
        if rows and rows[0]["state"] in states:
            return dict(rows[0])
        time.sleep(0.05)
    raise AssertionError(f"{id} did not become {states}")


def asked(run: Run, *words: str) -> str:
    code, out, err = run("request", *words, "--json")
    assert code == 0, err
    return str(json.loads(out)["id"])


def test_a_request_is_asked_once_for_each_key_and_done(run: Run) -> None:
    words = ("inject_draw", "--arg", "value=7", "--key", "once", "--reason", "by hand", "--priority", "80")
    first = asked(run, *words)
    assert asked(run, *words) == first
    row = until(run, first, ("done",))
    assert (row["priority"], row["kind"]) == (80, "inject_draw")


def test_a_request_that_waits_says_why_and_can_be_cancelled(run: Run) -> None:
    name = asked(run, "learning_loop", "--arg", "steps=3,6", "--needs", "llm")
    assert "needs llm" in until(run, name, ("queued",))["why"]
    code, out, _ = run("cancel", name, "--reason", "not today")
    assert code == 0
    assert f"{name} cancelled" in out
    assert run("cancel", name, "--reason", "again")[0] == 2


def test_a_waiting_request_is_given_another_priority_and_one_that_ended_is_not(
    run: Run, engine: Engine
) -> None:
    name = asked(run, "learning_loop", "--arg", "steps=3,6", "--needs", "llm")
    assert run("priority", name, "90")[0] == 2  # without a reason
    assert "from 0 to 100" in run("priority", name, "101", "--reason", "more")[2]
    code, out, _ = run("priority", name, "90", "--reason", "it is urgent", "--json")
    assert (code, json.loads(out)["priority"]) == (0, 90)
    assert until(run, name, ("queued",))["priority"] == 90
    story = call(engine.state, "row", name="requests", key=name).data["story"]
    (changed,) = [each["data"] for each in story if each["kind"] == "request.priority"]
    assert (changed["before"], changed["priority"], changed["why"]) == (50, 90, "it is urgent")
    assert changed["who"]
    past = call(engine.state, "past").data["requests"]
    assert {each["priority"] for each in past if each["id"] == name} == {90}
    assert run("cancel", name, "--reason", "enough")[0] == 0
    code, _, err = run("priority", name, "10", "--reason", "late")
    assert code == 2
    assert f"request {name}: is cancelled; only one that waits has a turn to change" in err


def test_a_request_without_a_type_tells_what_may_be_asked(run: Run) -> None:
    code, out, _ = run("request")
    assert code == 0
    assert "step_force: Run one step" in out
    known = {each["type"]: each for each in json.loads(run("request", "--json")[1])["forms"]}
    step = known["step_force"]["parameters"][0]
    assert (step["name"], step["needed"]) == ("step", True)
    steps = known["learning_loop"]["parameters"][0]
    assert steps["default"] == "3,5,6"


def test_policies_are_compared_and_an_unknown_one_is_one_line(run: Run) -> None:
    code, out, _ = run("policy", "--diff", "0", "--json")
    told = json.loads(out)
    assert (code, told["schema"], told["same"]) == (0, "policy_diff/1", True)
    assert [row["part"] for row in told["rows"]] == ["filter", "weight", "mask", "window"]
    code, _, err = run("policy", "--diff", "0", "cand-9")
    assert code == 2
    assert "no version or candidate" in err


def test_nothing_is_asked_again_where_no_model_server_is(run: Run) -> None:
    code, _, err = run("llm", "again", "1700000000-0123abcd")
    assert code == 5
    assert "no model server to ask" in err


def test_an_approval_is_answered_and_explained(run: Run) -> None:
    rule = '[{"type": "step_force", "origin": "*"}, {"type": "*", "origin": "history"}]'
    assert run("policies", "approvals.requests", rule, "--reason", "I look first")[0] == 0
    name = asked(run, "step_force", "--arg", "step=5")
    _, out, _ = run("approvals", "--json", "--filter", f"about={name}")
    (question,) = json.loads(out)["rows"]
    assert question["diff"] == "step - -> 5"
    assert question["id"] in until(run, name, ("queued",))["why"]
    assert "no open question holds it" in run("reject", "r-999", "--reason", "no")[2]
    assert run("reject", name, "--reason", "no")[0] == 0  # by the request that the question holds
    assert "rejected by" in until(run, name, ("rejected",))["why"]
    entry = json.loads(run("decisions", "--json", "--filter", f"request={name}")[1])["rows"][0]
    code, text, _ = run("explain", str(entry["id"]))
    assert code == 0
    assert "approval.open" in text
    assert "person's entry" in run("decision", f"d-{entry['id']}", "--replay")[1]
    assert "I look first" in run("policies", "approvals.requests")[1]


def test_an_operator_sets_a_parameter_and_the_record_says_who_and_why(run: Run) -> None:
    assert run("parameters", "pipeline.save_all_models", "1", "--reason", "compare them")[:2] == (
        0, "pipeline.save_all_models: 0 -> 1\n",
    )  # fmt: skip
    _, out, _ = run("parameters", "--json", "--filter", "name=pipeline.save_all_models")
    (row,) = json.loads(out)["rows"]
    assert (row["value"], row["default"], row["why"]) == (1, 0, "compare them")
    assert row["who"].startswith("operator ")
    assert "compare them" in run("parameters", "pipeline.save_all_models")[1]
    assert "none passes" in run("parameters", "pipeline.save_all_models", "--filter", "who~nobody")[1]
    assert run("parameters", "pipeline.twins")[1].startswith("pipeline.twins is 24 and was never changed")


@pytest.mark.parametrize(
    "verb", ["schedule", "parameters", "sources", "fingerprints", "policies", "approvals", "requests"]
)
def test_each_list_prints(run: Run, verb: str) -> None:
    code, out, err = run(verb)
    assert (code, err) == (0, "")
    assert out.strip()


def test_process_takes_the_inbox_in(run: Run) -> None:
    assert run("requests", "--process")[0] == 0


def test_a_broken_policy_edit_shows_as_degraded_and_mends(run: Run, engine: Engine) -> None:
    path = engine.state / "watcher_policies.json"
    good = path.read_text()
    path.write_text(good.replace('"total_retries"', '"total_retry"'))
    deadline = time.monotonic() + 30
    while "total_retries" not in (line := run("status")[1]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "the policies before this edit stay in force" in line
    path.write_text(good)
    while "policies:" in run("status")[1] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "policies:" not in run("status")[1]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("request", "pipeline_reru"), 2, "did you mean pipeline_rerun?"),
        (("request", "step_force", "--arg", "stp=3"), 2, "did you mean step?"),
        (("request", "step_force", "--arg", "step"), 2, "KEY=VALUE"),
        (("request", "step_force", "--arg", "step=9"), 2, "step"),
        (("request", "learning_loop", "--arg", "steps=3,3"), 2, "named twice"),
        (("request", "learning_loop", "--needs", "vram"), 2, "needs"),
        (("request", "learning_loop", "--priority", "200"), 2, "priority"),
        (("request", "inject_draw", "--arg", "value=seven"), 2, "value"),
        (("request", "selfplay_retrain", "--arg", "episodes=0"), 2, "episodes"),
        (("cancel", "r-999", "--reason", "x"), 2, "r-999"),
        (("cancel", "x", "--reason", "x"), 2, "ids look like r-12"),
        (("cancel", "1"), 2, "needs a reason"),
        (("approve", "a-99"), 2, "a-99"),
        (("approve", "../etc"), 2, "ids look like a-3"),
        (("reject", "1"), 2, "needs a reason"),
        (("decision", "99"), 2, "decision 99"),
        (("decision", "x"), 2, "ids look like 12 or d-12"),
        (("decision", "1", "--overrule", "PROCEED"), 2, "needs a reason"),
        (("decision", "999", "--overrule", "RETRY", "--reason", "x"), 2, "999"),
        (("explain", "one"), 2, "not a decision's number"),
        (("policies", "total_retrys", "3", "--reason", "x"), 2, "total_retries"),
        (("policies", "total_retries", "3"), 2, "needs a reason"),
        (("policies", "total_retries", "many", "--reason", "x"), 2, "as an integer\n"),
        (("parameters", "pipeline.twinz", "48", "--reason", "x"), 2, "the nearest is 'pipeline.twins'"),
        (("parameters", "pipeline.twins", "4800", "--reason", "x"), 2, "12 to 192"),
        (("parameters", "pipeline.twins", "many", "--reason", "x"), 2, "must be a number"),
        (("parameters", "pipeline.twins", "48"), 2, "needs a reason"),
        (("approvals", "--filter", "sate=open"), 2, "state"),
        (("decision", "1", "--replay", "--overrule", "RETRY"), 2, "--replay belongs to a decision that is not overruled"),
        (("policies", "--reason", "x"), 2, "--reason belongs to a change"),
        (("llm", "status", "x"), 2, "'x' belongs to llm ask, again, call"),
        (("scenario", "--draws", "3"), 2, "--draws belongs to one scenario"),
        (("approvals", "--sort", "sate"), 2, "sort: no column 'sate'"),
        (("policies", "total_retrys"), 2, "none is called 'total_retrys'; nearest: total_retries"),
        (("parameters", "pipeline.twinz"), 2, "nearest: pipeline.twins"),
        (("rig", "drain", "zeus"), 2, "rig drain zeus: this engine has no rigs"),
        (("pipeline", "--start-step", "5", "--end-step", "2"), 2, "--start-step 5 comes after --end-step 2"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_with_its_exit_code(
    run: Run, words: tuple[str, ...], code: int, told: str
) -> None:
    found, out, err = run(*words)
    assert (found, out) == (code, ""), err
    assert told in err
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("mimicry: ")


def test_without_an_engine_each_verb_says_so(tmp_path: Path) -> None:
    for words in (
        ["approvals"],
        ["policies"],
        ["schedule"],
        ["request", "learning_loop"],
        ["cancel", "1", "--reason", "x"],
    ):
        assert main(["--state", str(tmp_path), *words]) == 6
