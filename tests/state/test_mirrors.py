"""Mirrors: whatever happens to the file, it ends as the journal says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from state.errors import DiskFull
from state.journal import Journal
from state.mirrors import HEALTH_KIND, JsonlMirror, Mirrors

EVIDENCE = [{"metric": "bits", "value": 30.0, "limit": 19.93, "ok": True}]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def mirror(path: Path) -> JsonlMirror:
    return JsonlMirror(path / "m.jsonl", ["test."])


def numbers(path: Path) -> list[int]:
    return [line["n"] for line in lines(path / "m.jsonl")]


def test_each_event_is_one_line_with_seq(tmp_path: Path, journal: Journal) -> None:
    one = mirror(tmp_path)
    seqs = [journal.append("test.event", {"n": n, "kind": "own", "text": "a\nb"}) for n in range(3)]
    journal.append("other", {})
    assert one.pump(journal) == 3
    assert one.pump(journal) == 0
    assert [line["seq"] for line in lines(tmp_path / "m.jsonl")] == seqs
    assert lines(tmp_path / "m.jsonl")[0] | {"at": ""} == {
        "seq": seqs[0],
        "at": "",
        "event": "test.event",
        "n": 0,
        "kind": "own",
        "text": "a\nb",
    }


@pytest.mark.parametrize("cut", [1, 7, 40, 10_000])
def test_a_torn_tail_is_cut_and_written_again(tmp_path: Path, journal: Journal, cut: int) -> None:
    for n in range(5):
        journal.append("test.event", {"n": n})
    mirror(tmp_path).pump(journal)
    whole = (tmp_path / "m.jsonl").read_bytes()
    (tmp_path / "m.jsonl").write_bytes(whole[:-cut] if cut < len(whole) else b"")
    journal.append("test.event", {"n": 5})
    mirror(tmp_path).pump(journal)
    assert numbers(tmp_path) == [0, 1, 2, 3, 4, 5]


def test_long_lines_are_cut_whole(tmp_path: Path, journal: Journal) -> None:
    for n in range(3):
        journal.append("test.event", {"n": n, "text": "x" * 200_000})
    mirror(tmp_path).pump(journal)
    path = tmp_path / "m.jsonl"
    path.write_bytes(path.read_bytes()[:-100_000])
    assert mirror(tmp_path).pump(journal) == 1
    assert numbers(tmp_path) == [0, 1, 2]


@pytest.mark.parametrize("foreign", ['{"seq": 999999, "n": -1}\n', "not json\n", '{"n": 3}\n', "[]\n"])
def test_a_file_that_is_not_this_journals_is_moved_aside(
    tmp_path: Path, journal: Journal, foreign: str
) -> None:
    journal.append("test.event", {"n": 0})
    (tmp_path / "m.jsonl").write_text(foreign)
    mirror(tmp_path).pump(journal)
    assert numbers(tmp_path) == [0]
    assert (tmp_path / "m.jsonl.aside-1").read_text() == foreign


def test_more_events_than_a_page_are_all_written(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("state.mirrors._PAGE", 4)
    for n in range(12):
        journal.append("test.event", {"n": n})
    assert mirror(tmp_path).pump(journal) == 12
    assert numbers(tmp_path) == list(range(12))


def test_a_full_disk_leaves_whole_lines(small_disk: Path, journal: Journal) -> None:
    one = JsonlMirror(small_disk / "m.jsonl", ["test."])
    journal.append("test.event", {"n": 0})
    one.pump(journal)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 2_000_000)
    journal.append("test.event", {"n": 1, "text": "x" * 300_000})
    with pytest.raises(DiskFull):
        one.pump(journal)
    assert [line["n"] for line in lines(small_disk / "m.jsonl")] == [0]
    ballast.unlink()
    one.pump(journal)
    assert [line["n"] for line in lines(small_disk / "m.jsonl")] == [0, 1]


def test_the_known_files_follow_the_journal(tmp_path: Path, journal: Journal) -> None:
    mirrors = Mirrors.standard(tmp_path, journal)
    mirrors.pump()
    history = json.loads((tmp_path / "watcher_history.json").read_text())
    assert (history["schema"], history["decisions"], history["runs"]) == ("watcher_history/1", [], [])
    assert not (tmp_path / "telemetry").exists()
    run = journal.runs.open("pipeline", {})
    journal.decisions.add(
        step="1", action="PROCEED", reason="bits", source="rule", rule="r", evidence=EVIDENCE, run=run.id
    )
    journal.halt_set("now", "check", "ops")
    journal.append(HEALTH_KIND, {"brier": 0.2})
    journal.append(HEALTH_KIND, {"brier": 0.1})
    assert mirrors.pump() > 0
    assert mirrors.pump() == 0
    assert [line["event"] for line in lines(tmp_path / "watcher_decisions.jsonl")] == [
        "decision",
        "halt.asked",
    ]
    history = json.loads((tmp_path / "watcher_history.json").read_text())
    assert [row["action"] for row in history["decisions"]] == ["PROCEED"]
    assert history["runs"][0]["id"] == "run-0001"
    health = json.loads((tmp_path / "telemetry" / "learning_health_latest.json").read_text())
    assert (health["brier"], health["schema"]) == (0.1, "learning_health/1")


def test_a_long_mirror_is_moved_aside_once_and_goes_on_without_a_hole(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("state.mirrors.FILE_BYTES", 500)
    one = mirror(tmp_path)
    for n in range(40):
        journal.append("test.event", {"n": n})
        one.pump(journal)
    both = lines(tmp_path / "m.jsonl.1") + lines(tmp_path / "m.jsonl")
    assert [line["n"] for line in both] == list(range(both[0]["n"], 40))
    assert sorted(path.name for path in tmp_path.glob("m.jsonl*")) == ["m.jsonl", "m.jsonl.1"]
    (tmp_path / "m.jsonl").unlink()  # a crash just after the move
    mirror(tmp_path).pump(journal)
    again = lines(tmp_path / "m.jsonl.1") + lines(tmp_path / "m.jsonl")
    assert [line["n"] for line in again] == list(range(again[0]["n"], 40))


def test_sectors_that_a_power_loss_kept_from_coming_are_written_again(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        for number in range(4):
            journal.halt_set("finish", f"halt {number}", "test")
        path = tmp_path / "watcher_decisions.jsonl"
        Mirrors.standard(tmp_path, journal).pump()
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 3] + bytes(64) + whole[len(whole) // 3 + 64 :])
        Mirrors.standard(tmp_path, journal).pump()
        assert path.read_bytes() == whole
