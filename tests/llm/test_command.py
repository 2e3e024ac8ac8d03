"""`mimicry llm`: one question by hand, with an engine and without, and what a room with an advisor shows and cancels."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from heard import SERVER, STEP

from engine.cli import main
from engine.compute.stop import StopWord
from engine.config import load
from engine.halt import halt_offline
from engine.room import Room
from state.journal import Journal

ROOT = Path(__file__).parents[2]


@pytest.fixture
def room(tmp_path: Path, tiny: Path) -> Path:
    command = ", ".join(map(json.dumps, SERVER))
    (tmp_path / "room.toml").write_text(f'[llm]\ncommand = [{command}]\nmodel = "{tiny}"\ncontext = 4096\n')
    (tmp_path / "step.json").write_text(json.dumps(STEP))
    return tmp_path


def run(*words: str, state: Path) -> int:
    return main(["--state", str(state), "llm", *words])


def test_a_question_without_an_engine_starts_the_configured_server_for_it(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(room / "step.json")
    assert run("ask", "agent_decision", "--kind", "1", "--context", file, "--json", state=room) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["schema"], said["source"]) == ("llm_answer/1", "llm")
    assert said["answer"]["decision"] in ("PROCEED", "RETRY", "ESCALATE")
    assert "power 0.9 >= 0.8 ok" in said["prompt"]
    assert not (room / "journal.db").exists()


BAD = {
    "no question": (("ask",), 2, "it takes a question"),
    "unknown": (("ask", "agent_decisions", "--context", "{file}"), 2, "nearest: agent_decision"),
    "no file": (("ask", "agent_decision", "--context", "/nowhere.json"), 3, "cannot be read as JSON"),
    "wrong kind": (
        ("ask", "agent_decision", "--kind", "selfplay", "--context", "{file}"),
        3,
        "not 'selfplay'",
    ),
    "no engine": (("status",), 6, ""),
    "halted": (("ask", "agent_decision", "--context", "{file}"), 4, "halted (now) by ann: quiet, please"),
    "no command": (("ask", "agent_decision", "--context", "{file}"), 5, "no [llm] command"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_one_line_and_a_code(
    case: str, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, code, said = BAD[case]
    if case == "no command":
        (room / "room.toml").unlink()
    if case == "halted":
        halt_offline(room, reason="quiet, please", by="ann")
    assert run(*(word.replace("{file}", str(room / "step.json")) for word in words), state=room) == code
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error


async def test_a_halt_ends_a_stuck_question_within_a_second(room: Path) -> None:
    with Journal.open(room) as journal, StopWord(room / "stop.word") as word:
        made = Room(room, load(room / "room.toml"), journal, word, demo=False)
        living = asyncio.create_task(made.live())
        live = await made.desk.advisor._keeper.ready()  # type: ignore[attr-defined]
        assert made.snapshot().degraded == []
        os.kill(live.server.pid, signal.SIGSTOP)
        from engine.llm.questions import WATCHER_DECISION

        asking = asyncio.create_task(made.desk.advisor.ask(WATCHER_DECISION, STEP))
        await asyncio.sleep(0.2)
        begun = time.monotonic()
        await asyncio.to_thread(made.desk.halt.ask, "now", "quiet, please", "operator")
        reply = await asking
        assert time.monotonic() - begun < 1.0
        assert reply.advice.line() == "none(cancelled: halted: quiet, please)"
        assert made.snapshot().advisor.startswith(("ready", "busy"))
        assert made.snapshot().degraded == []
        made.stop()
        assert await asyncio.wait_for(living, 30) == 0


@pytest.mark.slow
def test_the_engine_answers_status_ask_and_calls_and_leaves_no_server_behind(room: Path) -> None:
    """About 10 s: a daemon of its own."""
    state = ["--state", str(room)]
    daemon = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", *state, "--no-ui"], cwd=ROOT, stderr=subprocess.DEVNULL
    )

    def ask(*words: str) -> dict[str, object]:
        done = subprocess.run(
            [sys.executable, "-m", "engine.cli", *state, "llm", *words, "--json"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(done.stdout) if done.stdout else {}

    try:
        deadline = time.monotonic() + 60
        while ask("status").get("state") != "ready" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert ask("ask", "agent_decision", "--context", str(room / "step.json"))["source"] == "llm"
        status, calls = ask("status"), ask("calls", "--filter", "source=llm & question~decision")
        assert (status["valid"], status["degraded"]) == (1, [])
        assert calls["matched"] == 1
        server = int(str(status["pid"]))
        assert Path(f"/proc/{server}").exists()
    finally:
        daemon.terminate()
        daemon.wait(30)
    assert not Path(f"/proc/{server}").exists()
