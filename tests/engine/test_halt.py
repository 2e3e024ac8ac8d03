"""The one halt: its kinds, its row, its reach."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import state
from engine.compute.stop import NAME, StopWord
from engine.errors import EnvironmentFault, Halted, UsageError
from engine.halt import NO_REASON, Halt, halt_offline
from state.errors import DiskFull
from state.halts import HaltRow
from state.journal import Journal


@pytest.mark.parametrize(
    ("kind", "inside", "checkpoint", "end"),
    [("now", True, True, True), ("checkpoint", False, True, True), ("finish", False, False, True)],
)
def test_each_kind_binds_where_it_says(
    small_engine: Any, kind: str, inside: bool, checkpoint: bool, end: bool
) -> None:
    halt = small_engine.halt
    assert not halt.asked("end")
    halt.ask(kind, "thermal check", "ops")
    assert (halt.asked("inside"), halt.asked("checkpoint"), halt.asked("end")) == (inside, checkpoint, end)
    halt.resume("ops")
    halt.raise_if_asked("end")
    assert not halt.asked("end")


def test_halted_work_is_told_who_and_why(small_engine: Any) -> None:
    small_engine.halt.ask("now", "thermal check", "ops")
    with pytest.raises(Halted, match=r"now\) by ops: thermal check"):
        small_engine.halt.raise_if_asked()


def test_only_now_moves_the_stop_word(small_engine: Any) -> None:
    for kind in ("finish", "checkpoint"):
        small_engine.halt.ask(kind, "r", "ops")
    assert small_engine.switch.generation == 0
    small_engine.halt.ask("now", "r", "ops")
    first = small_engine.switch.generation
    assert first > 0
    small_engine.halt.ask("now", "again", "ops")
    assert small_engine.switch.generation > first


def test_a_stronger_halt_replaces_and_a_weaker_one_is_only_noted(small_engine: Any) -> None:
    halt = small_engine.halt
    halt.ask("finish", "first", "a")
    halt.ask("now", "second", "b")
    row = halt.ask("checkpoint", "third", "c")
    assert (row.kind, row.reason, row.by) == ("now", "second", "b")
    assert small_engine.journal.halt_state() == row == halt.state
    assert [e.kind for e in small_engine.journal.events(kinds=["halt."])] == [
        "halt.asked",
        "halt.asked",
        "halt.repeated",
    ]


def test_a_halt_is_pending_until_everything_stands(small_engine: Any) -> None:
    halt = small_engine.halt
    assert halt.reached() is None
    halt.ask("checkpoint", "r", "ops")
    assert halt.pending
    row = halt.reached()
    assert not halt.pending
    assert row.reached is not None
    assert halt.reached() == row
    assert halt.record().reached == row.reached


def test_halted_survives_restarts_until_resumed(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal, StopWord(tmp_path / NAME) as word:
        Halt(journal, word).ask("finish", "night", "ops")
    with Journal.open(tmp_path) as journal, StopWord(tmp_path / NAME) as word:
        halt = Halt(journal, word)
        assert halt.asked("end")
        assert not halt.pending
        assert halt.resume("ops", "morning")
        assert not halt.resume("ops")
    with Journal.open(tmp_path) as journal, StopWord(tmp_path / NAME) as word:
        assert Halt(journal, word).state is None
        cleared = journal.last(["halt.cleared"])
        assert cleared is not None
        assert cleared.data["reason"] == "morning"


def test_the_real_stop_word_moves_before_the_row_is_written(tmp_path: Path) -> None:
    seen: list[int] = []
    with Journal.open(tmp_path) as journal, StopWord(tmp_path / NAME) as word:
        before = word.generation()
        halt = Halt(journal, word)
        journal.listen(lambda _: seen.append(word.generation()))
        halt.ask("now", "r", "ops")
        assert seen[0] != before


def test_listeners_hear_every_change(small_engine: Any) -> None:
    heard: list[HaltRow | None] = []
    stop = small_engine.halt.listen(heard.append)
    small_engine.halt.ask("finish", "r", "ops")
    small_engine.halt.ask("finish", "r", "ops")
    small_engine.halt.reached()
    small_engine.halt.resume("ops")
    stop()
    small_engine.halt.ask("now", "r", "ops")
    assert [row and (row.kind, row.reached is not None) for row in heard] == [
        ("finish", False),
        ("finish", True),
        None,
    ]


def test_a_full_disk_does_not_prevent_a_halt(small_engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise DiskFull(Path("journal.db"), "writing")

    monkeypatch.setattr(small_engine.journal, "halt_set", full)
    with pytest.raises(EnvironmentFault, match="halted, but only until this process ends"):
        small_engine.halt.ask("now", "r", "ops")
    assert small_engine.halt.asked()
    assert small_engine.switch.generation > 0
    monkeypatch.undo()
    assert small_engine.halt.resume("ops")


def test_an_unknown_kind_and_an_untidy_reason(small_engine: Any) -> None:
    with pytest.raises(UsageError, match="finish, checkpoint, now"):
        small_engine.halt.ask("later", "r", "ops")
    assert small_engine.switch.generation == 0
    assert small_engine.halt.ask("finish", "  ", "ops").reason == NO_REASON
    assert len(small_engine.halt.ask("now", "two\nlines " + "x" * 5000, "ops").reason) <= 500


def test_many_threads_halt_once(small_engine: Any) -> None:
    threads = [
        threading.Thread(target=small_engine.halt.ask, args=("now", f"r{n}", f"t{n}")) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kinds = [e.kind for e in small_engine.journal.events(kinds=["halt."])]
    assert kinds == ["halt.asked"] + ["halt.repeated"] * 7


def test_without_a_daemon_the_next_start_is_halted(tmp_path: Path) -> None:
    row = halt_offline(tmp_path / "new", kind="checkpoint", reason="before the move")
    assert row.kind == "checkpoint"
    with Journal.open(tmp_path / "new") as journal:
        assert journal.halt_state().reason == "before the move"


HOLD = "import sys, time; from pathlib import Path; from state.journal import Journal; j = Journal.open(Path(sys.argv[1])); print(1, flush=True); time.sleep(60)"


def test_a_process_that_does_not_answer_is_stopped_by_the_word(tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(Path(state.__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, env=env)
    try:
        process.stdout.readline()
        with StopWord(tmp_path / NAME) as word:
            with pytest.raises(EnvironmentFault, match=f"process {process.pid} .* kernels were told to stop"):
                halt_offline(tmp_path, kind="now", reason="r")
            assert word.generation() == 1
    finally:
        process.kill()
        process.communicate()
