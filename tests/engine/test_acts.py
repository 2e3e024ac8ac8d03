"""`rig deploy` and its rollback leave who did what: through the engine where one runs, else in the journal, else nothing is touched."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.cli import main
from engine.errors import BadInput
from engine.peer import ACT
from engine.protocol import Command
from engine.rigs import deploy
from engine.rigs.verbs import act
from state.journal import Journal

ROOM = '[[rigs]]\nname = "rig-a"\nhost = "127.0.0.1"\nuser = "nobody"\nkey = "key"\nhost_keys = ["ssh-ed25519 AAAA"]\n'
LOOKED: list[str] = []
FLEET: Any = SimpleNamespace(look_again=lambda target: LOOKED.append(target))


@pytest.fixture
def touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is done to the rig, which stands behind the functions that would enter it."""
    done: list[str] = []

    async def put(settings: Any, bundle: deploy.Bundle) -> deploy.Deployed:
        done.append("deploy")
        if "broken" in bundle.manifest:
            raise BadInput("it does not import")
        return deploy.Deployed(settings.name, bundle.digest, None, 1)

    async def back(settings: Any) -> deploy.Deployed:
        done.append("rollback")
        return deploy.Deployed(settings.name, "before", None, 0)

    monkeypatch.setattr(deploy, "deploy", put)
    monkeypatch.setattr(deploy, "rollback", back)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a-1-py3-none-any.whl").write_bytes(b"wheel")
    (tmp_path / "room.toml").write_text(ROOM)
    return done


def run(state: Path, *words: str) -> int:
    return main(["--state", str(state), "rig", "deploy", "rig-a", *words])


def acts(journal: Journal) -> list[dict[str, Any]]:
    """Return the arguments of the acts; all are of this process."""
    found = list(journal.events(kinds=[ACT]))
    assert all((one.data["verb"], one.data["uid"], one.data["pid"]) == ("rig", os.getuid(), os.getpid()) for one in found)  # fmt: skip
    return [json.loads(one.data["args"]) for one in found]


def recorded(state: Path) -> list[tuple[str, str, str]]:
    with Journal.read_only(state) as journal:
        return [(one["action"], one["target"], one["reason"]) for one in acts(journal)]


def test_without_an_engine_the_journal_says_who_began_what_and_how_it_ended(
    tmp_path: Path, touched: list[str]
) -> None:
    digest = deploy.Bundle.of(tmp_path / "wheels").digest
    assert run(tmp_path, "--wheels", str(tmp_path / "wheels")) == 0
    assert run(tmp_path, "--rollback") == 0
    assert recorded(tmp_path) == [
        ("deploy", "rig-a", f"{digest}: begins"),
        ("deploy", "rig-a", f"{digest}: done, current {digest}"),
        ("rollback", "rig-a", "the version before: begins"),
        ("rollback", "rig-a", "the version before: done, current before"),
    ]
    assert touched == ["deploy", "rollback"]


def test_one_that_fails_is_on_record_as_failed(
    tmp_path: Path, touched: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        deploy.Bundle, "of", classmethod(lambda cls, folder: cls((folder,), {"broken": "x"}, "d1"))
    )
    assert run(tmp_path, "--wheels", str(tmp_path / "wheels")) == 3
    assert "it does not import" in capsys.readouterr().err
    assert recorded(tmp_path)[-1] == ("deploy", "rig-a", "d1: failed: it does not import")


def test_where_nothing_can_be_recorded_nothing_is_touched(
    tmp_path: Path, touched: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal.open(tmp_path):  # somebody owns the state and answers no socket
        assert run(tmp_path, "--rollback") == 5
    assert touched == []
    told = capsys.readouterr().err
    assert f"no rollback, for who does it could not be recorded: process {os.getpid()} owns" in told


async def test_an_engine_that_runs_takes_the_record(
    small_engine: Any, tmp_path: Path, touched: list[str]
) -> None:
    async def rig(command: Command, by: str) -> dict[str, Any]:
        return act(FLEET, command.args, by)

    LOOKED.clear()
    async with small_engine.serving({"rig": rig}):
        assert await asyncio.to_thread(run, tmp_path, "--rollback") == 0
    assert LOOKED[-1] == "rig-a", "workers that were refused for their code are tried again"
    assert [one["action"] for one in acts(small_engine.journal)] == ["rollback", "rollback"]
    assert touched == ["rollback"]


def test_a_rig_that_the_file_describes_wrongly_is_named_with_its_fault(
    tmp_path: Path, touched: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "room.toml").write_text(ROOM + ROOM.replace("rig-a", "rig-b").replace("key = ", "kee = "))
    assert main(["--state", str(tmp_path), "rig", "deploy", "rig-b", "--rollback"]) == 2
    assert "it names rig-a; rig rig-b: left out: 'kee' is unknown" in capsys.readouterr().err
