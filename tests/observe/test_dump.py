"""The bundle for a bug report: whole, bounded, without a secret, made of whatever state there is."""

from __future__ import annotations

import json
import sqlite3
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest

from engine import logs
from engine.cli import main
from engine.errors import EnvironmentFault
from engine.observe import dump
from engine.observe.dump import Job, write
from state.journal import Journal

SECRET = "pl4ntedWebhookSecretXYZ"
CLOUD = "pl4ntedKeyOfTheCloud"
ROOM = f"""
[alerts]
webhook = "https://hooks.example.com/services/{SECRET}"
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory with secrets planted in settings, log, journal, a table and the environment."""
    made = tmp_path / "state"
    monkeypatch.setenv("ANTHROPIC_API_KEY", CLOUD)
    with Journal.open(made) as journal:
        journal.append(
            "alert.raised",
            {"level": "fail", "text": f"POST https://hooks.example.com/services/{SECRET}: 500"},
        )
        journal.requests.enqueue("pipeline_rerun", {"note": f"key {CLOUD}"}, origin="test")
        journal.append("test.long", {"text": "x" * 100_000})
    (made / "room.toml").write_text(ROOM)
    (made / "logs").mkdir()
    line = {
        "at": "2026-01-01T00:00:00.000Z",
        "level": "warning",
        "text": f"sk-ant-pl4nted-0123456789 and {CLOUD}",
    }
    (made / "logs" / "watcher_agent.log").write_text(json.dumps(line) + "\n")
    (made / "history").mkdir()
    (made / "history" / "draws.jsonl").write_text('{"seq":1,"value":777777}\n')
    return made


@pytest.fixture(autouse=True)
def cheap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what looks at this machine and not at the state, but for the test of the whole."""
    if "the_whole_of" not in request.node.name:
        monkeypatch.setattr(
            dump,
            "PARTS",
            {n: make for n, make in dump.PARTS.items() if n not in ("versions.json", "doctor.json")},
        )


def unpacked(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        found = {}
        for member in archive.getmembers():
            stream = archive.extractfile(member)
            assert stream is not None
            found[member.name.partition("/")[2]] = stream.read().decode()
        return found


def test_it_holds_the_whole_of_what_a_bug_report_needs_and_not_one_planted_secret(
    state: Path, tmp_path: Path
) -> None:
    target = tmp_path / "bundle.tar.gz"
    manifest = write(Job(state), target)
    parts = unpacked(target)
    assert set(manifest["parts"]) | {"manifest.json"} == set(parts)
    assert {"versions.json", "settings.json", "integrity.json", "doctor.json", "files.txt", "journal/events.jsonl",
            "journal/requests.jsonl", "logs/watcher_agent.log"} <= set(parts)  # fmt: skip
    for name, text in parts.items():
        assert "pl4nted" not in text, name
    assert "[masked]" in parts["room.toml"]
    assert "hooks.example.com" in parts["room.toml"]
    assert "777777" not in "".join(parts.values()), "draws stay at home"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_what_cannot_be_told_is_named_and_costs_the_rest_nothing(state: Path, tmp_path: Path) -> None:
    manifest = write(Job(state), tmp_path / "b.tar.gz")
    assert set(manifest["faults"]) == {"status.json", "stacks"}, "no engine runs"
    assert "no engine answers" in manifest["faults"]["stacks"]


def test_a_damaged_journal_is_a_result(state: Path, tmp_path: Path) -> None:
    db = sqlite3.connect(state / "journal.db")
    db.execute("UPDATE events SET data = '{}' WHERE seq = 2")
    db.commit()
    db.close()
    write(Job(state), tmp_path / "b.tar.gz")
    told: dict[str, Any] = json.loads(unpacked(tmp_path / "b.tar.gz")["integrity.json"])
    assert told["ok"] is False
    assert "event 2" in told["fault"]
    (state / "journal.db").write_bytes(b"no database at all, but long enough to be taken for one" * 100)
    for extra in ("journal.db-wal", "journal.db-shm"):
        (state / extra).unlink(missing_ok=True)
    manifest = write(Job(state), tmp_path / "c.tar.gz")
    assert "journal" in manifest["faults"]
    assert "logs/watcher_agent.log" in manifest["parts"]


def test_an_empty_state_and_broken_settings_make_a_bundle_too(tmp_path: Path) -> None:
    (tmp_path / "room.toml").write_text(f'nonsense = [\n[alerts]\nwebhook = "https://h.example/{SECRET}"\n')
    manifest = write(Job(tmp_path), tmp_path / "b.tar.gz")
    assert "settings.json" in manifest["faults"]
    assert "pl4nted" not in "".join(unpacked(tmp_path / "b.tar.gz").values())


def test_full_recomputes_the_whole_chain(state: Path, tmp_path: Path) -> None:
    write(Job(state, full=True), tmp_path / "b.tar.gz")
    told = json.loads(unpacked(tmp_path / "b.tar.gz")["integrity.json"])
    assert (told["ok"], told["checked"]) == (True, "whole chain")
    assert told["records"] >= 4


def test_every_part_is_bounded(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "LOG_BYTES", 10_000)
    monkeypatch.setattr(dump, "EVENTS", 3)
    for number in range(40):
        (state / "logs" / f"old-{number:02}.log").write_text("line\n" * 10_000)
    write(Job(state), tmp_path / "b.tar.gz")
    parts = unpacked(tmp_path / "b.tar.gz")
    kept = [text for name, text in parts.items() if name.startswith("logs/")]
    assert len(kept) == dump.LOG_FILES
    assert all(len(text) <= 10_000 for text in kept)
    events = parts["journal/events.jsonl"].splitlines()
    assert len(events) == 3
    assert all(len(line) < 3 * dump.CELL for line in events)


def test_the_command_writes_one_file_and_never_over_another(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "b.tar.gz"
    assert main(["--state", str(state), "dump", str(target)]) == 0
    assert "read it before you send it" in capsys.readouterr().out
    before = target.read_bytes()
    assert main(["--state", str(state), "dump", str(target)]) == 2
    assert target.read_bytes() == before


def test_a_place_that_cannot_be_written_is_one_line_and_leaves_nothing(state: Path, tmp_path: Path) -> None:
    for place in (
        tmp_path / "absent" / "b.tar.gz",
        tmp_path / ("b" * 255),
    ):  # the latter refuses even the removal
        with pytest.raises(EnvironmentFault, match="cannot write"):
            write(Job(state), place)
    assert not (tmp_path / "absent").exists()


def test_the_log_it_takes_is_the_daemons() -> None:
    assert Path("logs") / "watcher_agent.log" == logs.FILE
