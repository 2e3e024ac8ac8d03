"""The daemon as its own process: starts, answers, refuses a second one, ends, survives kill -9, halts and resumes, works for real."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.client import call
from engine.errors import Unreachable
from state.journal import Journal

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0
SMALL = """
[compute]
workers = 1
[search]
families = ["lcg48/java"]
mappings = ["java_bounded"]
seeds = "0:16383"
starts = "0:3"
gaps = "0:3"
"""
# no shortcut serves this family, so the search takes minutes
LONG = SMALL.replace("16383", "2^32-1").replace("lcg48/java", "philox4x32/key").replace("java_bounded", "mod")


class Daemon:
    """One daemon process over one state directory."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.process: subprocess.Popen[str] | None = None

    def start(self, *flags: str, wait: bool = True) -> subprocess.Popen[str]:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "--state", str(self.state), "--no-ui", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        if wait:
            self.until(lambda shot: shot["mode"] != "starting")
        return self.process

    def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        reply = call(self.state, verb, **args)
        assert reply.ok, reply.error
        return reply.data

    def until(self, true: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE) -> dict[str, Any]:
        """Look until a snapshot satisfies the condition; fail with the last one."""
        deadline, shot = time.monotonic() + seconds, {}
        while time.monotonic() < deadline:
            try:
                shot = self.ask("snapshot")
                if true(shot):
                    return shot
            except Unreachable:
                if self.process is not None and self.process.poll() is not None:
                    pytest.fail(f"the daemon ended: {self.process.communicate()[1][-2000:]}")
            time.sleep(0.05)
        log = (self.state / "logs" / "watcher_agent.log").read_text()[-3000:]
        pytest.fail(f"not within {seconds} s; last snapshot {json.dumps(shot, indent=1)[-3000:]}\n{log}")

    def end(self, sign: int = signal.SIGTERM, seconds: float = 30.0) -> int:
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait(seconds)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path / "state")
    made.state.mkdir()
    yield made
    if made.process is not None:
        if made.process.poll() is None:
            made.process.kill()
        made.process.communicate()


def configure(daemon: Daemon, text: str) -> None:
    (daemon.state / "room.toml").write_text(text)


def test_an_idle_daemon_is_light_answers_and_ends_cleanly_not_halted(daemon: Daemon) -> None:
    daemon.start()
    shot = daemon.until(lambda shot: shot["engine"]["rss_mb"] > 0)
    assert shot["mode"] == "idle"
    assert shot["engine"]["rss_mb"] <= 150
    assert shot["degraded"] == ["advice: none(not configured)"]
    assert daemon.end() == 0
    with Journal.read_only(daemon.state) as journal:
        assert journal.halt_state() is None
        assert journal.verify() > 0
    assert not (daemon.state / "control.sock").exists()


def test_an_idle_daemon_has_loaded_no_terminal_toolkit_numpy_dask_or_ml(daemon: Daemon) -> None:
    process = daemon.start()
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    for name in (
        "textual",
        "rich",
        "numpy",
        "torch",
        "distributed",
        "lightgbm",
        "xgboost",
        "catboost",
        "scipy",
        "optuna",
    ):
        assert f"/{name}/" not in maps, name
    code = "import sys, engine.room; heavy = {'textual','rich','numpy','torch','distributed','dask','scipy','optuna','lightgbm'}"
    code += "; print(sorted(heavy & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "[]"


def test_a_second_daemon_on_the_same_state_is_refused_in_one_line(daemon: Daemon) -> None:
    first = daemon.start()
    second = Daemon(daemon.state).start(wait=False)
    _, told = second.communicate(timeout=30)
    assert second.returncode == 5
    assert f"{first.pid}" in told
    assert len(told.splitlines()) == 1
    assert daemon.ask("snapshot")["mode"] == "idle"


def test_a_halt_survives_a_restart_and_resume_lifts_it(daemon: Daemon) -> None:
    daemon.start()
    row = daemon.ask("halt", kind="now", reason="smoke in the rack")
    assert row["reason"] == "smoke in the rack"
    daemon.until(lambda shot: shot["mode"] == "halted", 10)
    assert daemon.end() == 0
    daemon.start()
    shot = daemon.until(lambda shot: shot["mode"] == "halted", 10)
    assert shot["halt"]["reason"] == "smoke in the rack"
    assert daemon.ask("resume", reason="all clear")["resumed"]
    daemon.until(lambda shot: shot["mode"] == "idle", 10)
    actions = [row["action"] for row in daemon.ask("table", name="decisions")["rows"]]
    assert actions == ["RESUME", "HALT"]


def test_wrong_commands_are_refused_in_one_line_and_change_nothing(daemon: Daemon) -> None:
    daemon.start()
    for verb, args, says in [
        ("explain", {"id": 7}, "decision 7"),
        ("submit", {"request": {"type": "pipelin_rerun"}}, "pipeline_rerun"),
        ("inject", {"value": 5}, "test mode"),
        ("table", {"name": "decisions", "limit": 0}, "1 to 1000"),
        ("table", {"name": "requests", "rows": 5}, "limit"),
    ]:
        reply = call(daemon.state, verb, **args)
        assert not reply.ok
        assert reply.error is not None
        assert says in reply.error
        assert "\n" not in reply.error
    assert daemon.ask("table", name="requests")["rows"] == []


def test_work_without_a_history_is_rejected_with_the_reason(daemon: Daemon) -> None:
    daemon.start()
    daemon.ask("submit", request={"type": "pipeline_rerun"})
    daemon.ask("submit", request={"type": "selfplay_retrain"})
    shot = daemon.until(
        lambda shot: (
            all(one["state"] == "rejected" for one in shot["requests"]) and len(shot["requests"]) == 2
        )
    )
    assert "draws are stored" in next(
        one["why"] for one in shot["requests"] if one["kind"] == "pipeline_rerun"
    )


def test_a_request_that_was_running_when_the_daemon_was_killed_is_taken_again(daemon: Daemon) -> None:
    configure(daemon, LONG)
    feed(daemon, chance(40))
    daemon.start()
    daemon.until(lambda shot: shot["evidence"]["line"].startswith("searching"))
    assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
    daemon.start()
    shot = daemon.until(lambda shot: shot["evidence"]["line"].startswith("searching"))
    assert [(one["kind"], one["state"]) for one in shot["requests"]] == [("pipeline_rerun", "running")]
    with Journal.read_only(daemon.state) as journal:
        row = journal.requests.list()[0]
        assert (row.attempts, row.run) == (2, "run-0001")
        assert len(journal.runs.newest()) == 1, "the same run goes on"


def planted(draws: int) -> list[int]:
    from hip_cuda_kernels import host

    return [int(value) for value in host.values("lcg48/java", "java_bounded", 4711, 0, 999, draws)]


def chance(draws: int) -> list[int]:
    """Draws that no searched seed explains: the search goes on until somebody stops it."""
    rng = random.Random(1)
    return [rng.randrange(1000) for _ in range(draws)]


def feed(daemon: Daemon, values: list[int]) -> None:
    """Give the room a history as a file."""
    path = daemon.state / "draws.csv"
    path.write_text("value\n" + "".join(f"{value}\n" for value in values))
    text = (daemon.state / "room.toml").read_text()
    (daemon.state / "room.toml").write_text(
        text + f'[history]\nfile = "{path}"\npoll_s = 0.2\nrange = "0:999"\n'
    )


def test_a_halt_reaches_running_kernels_a_checkpoint_halt_lets_them_finish_and_resume_goes_on(
    daemon: Daemon,
) -> None:
    configure(daemon, LONG)
    feed(daemon, chance(40))
    daemon.start()
    daemon.until(lambda shot: shot["evidence"]["line"].startswith("searching"))
    began = time.monotonic()
    daemon.ask("halt", kind="now", reason="test")
    daemon.until(lambda shot: shot["mode"] == "halted", 10)
    assert time.monotonic() - began < 3.0, "the whole round trip, on a busy machine"
    shot = daemon.ask("snapshot")
    assert [one["state"] for one in shot["requests"]] == ["deferred"], "halted work is deferred, never failed"
    with Journal.read_only(daemon.state) as journal:
        halt = journal.halt_state()
        assert halt is not None
        assert halt.reached is not None
        before = sum(1 for _ in journal.events(kinds=("chunk.done",)))
    daemon.ask("resume")
    daemon.until(lambda shot: shot["mode"] == "run" and shot["evidence"]["line"].startswith("searching"))
    word = (daemon.state / "stop.word").read_bytes()
    daemon.ask("halt", kind="checkpoint", reason="soon")
    shot = daemon.until(lambda shot: shot["mode"] == "halted", 30)
    assert [one["state"] for one in shot["requests"]] == ["deferred"]
    assert (daemon.state / "stop.word").read_bytes() == word, (
        "a checkpoint halt lets the running piece finish"
    )
    daemon.ask("resume")
    shot = daemon.until(
        lambda shot: shot["mode"] == "run" and shot["evidence"]["line"].startswith("searching")
    )
    assert shot["pipeline"]["steps"][0]["status"] == "running"
    assert shot["pipeline"]["steps"][0]["total"] > 0
    with Journal.read_only(daemon.state) as journal:
        assert sum(1 for _ in journal.events(kinds=("chunk.done",))) >= before
    assert daemon.end() == 0
    with Journal.read_only(daemon.state) as journal:
        assert journal.requests.list()[0].state in ("queued", "deferred")
        assert journal.halt_state() is None


def test_too_few_draws_for_models_still_give_a_verdict_and_its_pool(daemon: Daemon) -> None:
    configure(daemon, SMALL)
    feed(daemon, planted(8))
    daemon.start()
    shot = daemon.until(lambda shot: any(one["state"] in ("done", "failed") for one in shot["requests"]))
    assert [one["state"] for one in shot["requests"]] == ["done"]
    assert "no models: 8 draws" in shot["requests"][0]["why"]
    assert shot["evidence"]["verdict"] == "identified"
    assert shot["pipeline"]["steps"][0]["status"] == "skipped", "searched, and nothing to optimize"
    with Journal.read_only(daemon.state) as journal:
        pool = journal.predictions.committed(8)
        assert pool is not None
        assert pool.pool["heads"][0][0] == planted(9)[8]
        assert journal.halt_state() is None


@pytest.mark.slow
def test_chance_draws_end_calmly_in_a_uniform_pool(daemon: Daemon) -> None:
    """About 40 s on two cores: no evidence is a verdict, every step proceeds, nothing is named, nothing is halted."""
    configure(daemon, SMALL)
    feed(daemon, chance(60))
    daemon.start()
    shot = daemon.until(lambda shot: any(one["state"] in ("done", "failed") for one in shot["requests"]), 400)
    assert [one["state"] for one in shot["requests"]] == ["done"]
    assert shot["evidence"]["verdict"] == "no_evidence"
    assert shot["evidence"]["pool"].startswith("uniform")
    assert {row["action"] for row in daemon.ask("table", name="decisions")["rows"]} == {"PROCEED"}
    assert shot["mode"] == "idle"


@pytest.mark.slow
def test_the_demo_is_visibly_test_mode_and_decides_soon(daemon: Daemon) -> None:
    """About 30 s on two cores: the first decision, the first pool, draws that go on."""
    daemon.start("--demo")
    shot = daemon.until(lambda shot: shot["decisions"] != [])
    assert shot["test_mode"] is True
    assert shot["evidence"]["verdict"] == "identified"
    assert shot["engine"]["uptime"] < 60
    first = daemon.until(lambda shot: " with " in shot["evidence"]["pool"], 200)["evidence"]["pool"]
    daemon.until(lambda shot: shot["evidence"]["pool"] != first, 30)
    assert "index" in daemon.ask("inject", value=5)
    assert daemon.end() == 0


@pytest.mark.slow
def test_a_planted_history_is_identified_forecast_and_judged(daemon: Daemon) -> None:
    """The whole way, about 60 s on two cores: file, search, six steps with decisions, pool, next draw, judgement."""
    configure(daemon, SMALL)
    feed(daemon, planted(40))
    daemon.start()
    shot = daemon.until(lambda shot: any(one["state"] in ("done", "failed") for one in shot["requests"]), 400)
    assert [one["state"] for one in shot["requests"]] == ["done"], shot["requests"]
    assert shot["evidence"]["verdict"] == "identified"
    assert [step["status"] for step in shot["pipeline"]["steps"]] == ["done"] * 6
    assert " draw 40 with" in shot["evidence"]["pool"]
    decisions = daemon.ask("table", name="decisions")["rows"]
    assert [row["step"] for row in reversed(decisions)] == ["1", "2.5", "3", "4", "5", "6"]
    told = daemon.ask("explain", id=decisions[0]["id"])
    assert told["replayed_action"] == decisions[0]["action"] == "PROCEED"
    feed_one_more(daemon)
    daemon.until(lambda shot: " draw 41 with" in shot["evidence"]["pool"], 30)
    with Journal.read_only(daemon.state) as journal:
        judged = journal.predictions.judgement(40)
        assert judged is not None
        assert judged.forecast
        assert judged.score["hit"] is True
    assert daemon.end() == 0
    health = json.loads((daemon.state / "telemetry" / "learning_health_latest.json").read_text())
    assert health["hits"] == 1
    lines = (daemon.state / "watcher_decisions.jsonl").read_text().splitlines()
    assert len(lines) == 6


def feed_one_more(daemon: Daemon, count: int = 41) -> None:
    with (daemon.state / "draws.csv").open("a") as file:
        file.write(f"{planted(count)[-1]}\n")


@pytest.mark.slow
def test_every_kind_of_request_runs_for_real_and_the_inbox_is_archived(daemon: Daemon) -> None:
    """Selfplay, a learning loop on a longer history, a forced step from the inbox: about 120 s on two cores."""
    configure(daemon, SMALL)
    feed(daemon, planted(60))
    daemon.start()
    settled(daemon, 1)
    daemon.ask("submit", request={"type": "selfplay_retrain"})
    settled(daemon, 2)
    feed_one_more(daemon, 61)
    daemon.until(
        lambda shot: shot["evidence"]["draws"] == 61, 60
    )  # on the history it has, the loop has nothing to do
    daemon.ask("submit", request={"type": "learning_loop", "reason": "a longer history"})
    settled(daemon, 3)
    (daemon.state / "watcher_requests" / "again.json").write_text('{"type": "step_force", "step": "6"}')
    settled(daemon, 4)
    daemon.until(lambda _: any((daemon.state / "watcher_requests" / "archive").glob("*.result.json")), 10)
    rows = {row["kind"]: row for row in daemon.ask("table", name="requests")["rows"]}
    assert {row["state"] for row in rows.values()} == {"done"}, rows
    assert rows["step_force"]["origin"] == "inbox"
    with Journal.read_only(daemon.state) as journal:
        made: dict[str, Any] = {row.kind: row.result for row in journal.requests.list()}
        assert made["selfplay_retrain"]["episodes"] >= 12
        steps = {step: at["status"] for step, at in made["learning_loop"]["steps"].items()}
        carried = dict.fromkeys(("1", "2.5", "4"), "skipped")
        assert steps == carried | dict.fromkeys(("3", "5", "6"), "done"), "exactly the named steps ran"
        run = journal.runs.get(made["learning_loop"]["run"])
        assert "carried over" in run.steps["2.5"]["note"]
        assert [row.step for row in journal.decisions.of_run(run.id)] == ["3", "5", "6"]
        episodes = [event.data for event in journal.events(kinds=("selfplay.episode",))]
        assert len({episode["fitness"] for episode in episodes}) > len(episodes) // 3, (
            "episodes must not repeat themselves"
        )
        assert journal.verify() > 0
    assert json.loads((daemon.state / "policy_history" / "active.json").read_text())["version"] == 0
    assert daemon.end() == 0


def settled(daemon: Daemon, count: int) -> None:
    """Wait until so many requests were seen and all have ended."""
    ended = ("done", "failed", "rejected")
    daemon.until(
        lambda shot: (
            len(shot["requests"]) == count and all(one["state"] in ended for one in shot["requests"])
        ),
        400,
    )
