"""A recording: what a slice holds, what a damaged or foreign file says, and that it shows what the journal showed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine import playback, recording
from engine.client import Client
from engine.errors import BadInput, EnvironmentFault, UsageError
from engine.playback import Playback
from engine.protocol import Command
from engine.replay import Past
from state.errors import NoJournal
from state.journal import Journal


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A journal in which a request ran, trials were made, a decision was taken and the room was halted."""
    folder = tmp_path / "room"
    with Journal.open(folder) as journal:
        row = journal.requests.enqueue("learn", {}, origin="test", why="asked")
        journal.requests.claim()
        journal.requests.move(row.id, "running", "a device is free")
        for number in range(30):
            told = {"study": "s", "run": "run-0001", "step": "1", "trial": number, "params": {}}
            journal.append(
                "trial.finished", {**told, "value": float(number), "state": "complete", "seconds": 0.1}
            )
        journal.decisions.add(step="1", action="RETRY", reason="few", source="rule", rule="W2")
        journal.halt_set("now", "thermal", "ops (console)")
        journal.halt_reached()
        journal.samples.add("engine.rss_mb", 101.0)
    return folder


def recorded(state: Path, **ends: Any) -> Path:
    target = state.parent / "slice.mimicry"
    recording.record(state, target, **ends)
    return target


def test_a_recording_shows_what_the_journal_showed(state: Path, tmp_path: Path) -> None:
    file = recorded(state)
    (tmp_path / "open").mkdir()
    shown = Playback(file, tmp_path / "open")
    with Journal.read_only(state) as journal:
        for seq in range(1, journal.seq + 1):
            before, after = (
                past.snapshot(seq, host=shown.header.host, test_mode=False).model_dump()
                for past in (Past(journal), shown.desk.past)
            )
            for moving in (before, after):
                moving["engine"].pop("uptime")
            assert before == after
        assert shown.header.head == journal.head
    assert shown.snapshot().mode == "halted"
    shown.close()


def test_a_slice_keeps_from_before_only_what_says_how_the_room_stood(state: Path, tmp_path: Path) -> None:
    with Journal.read_only(state) as journal:
        halted = journal.last(["halt."])
        assert halted is not None
    file = recorded(state, since=halted.at)
    header = recording.header_of(file)
    assert header.first.at == halted.at  # others may stand in the same millisecond
    assert header.first.seq <= halted.seq
    assert header.events + header.before < header.last.seq - 20  # the trials stayed away
    (tmp_path / "open").mkdir()
    shown = Playback(file, tmp_path / "open")
    assert [each.why for each in shown.snapshot().requests] == ["a device is free"]
    assert next(shown.events()).seq == header.first.seq
    shown.close()


def test_the_same_slice_packs_to_the_same_events_and_is_readable_by_its_owner_alone(state: Path) -> None:
    file = recorded(state)
    assert file.stat().st_mode & 0o077 == 0
    assert not list(file.parent.glob(".slice*"))
    lines = [json.loads(line) for line in playback.told(file, None)]
    assert [line.get("schema", line.get("type")) for line in (lines[0], lines[1], lines[-1])] == [
        "recording/1",
        "event",
        "final",
    ]
    assert lines[-1]["snapshot"]["mode"] == "halted"
    assert [line["seq"] for line in lines[1:-1]] == list(range(1, lines[0]["last"]["seq"] + 1))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: data[:-40] + bytes(40), "damaged"),
        (lambda data: data[: len(data) // 2], "damaged: sha-256"),
        (lambda data: data.replace(b'"recording/1"', b'"recording/2"', 1), "version 2, this program reads 1: upgrade this program"),
        (lambda data: data.replace(b'"recording/1"', b'"recording/0"', 1), "record it again with this program"),
        (lambda data: data.replace(b'"recording/1"', b'"analysis/1"', 1), "is a 'analysis/1', not a recording"),
        (lambda data: data.replace(b'"host"', b'"hots"', 1), "first line: host: field required"),
        (lambda data: b"draws\n1\n2\n", "not a recording"),
        (lambda data: b"", "not a recording"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_shown_says_why_in_one_line(
    spoil: Any, says: str, state: Path, tmp_path: Path
) -> None:
    file = recorded(state)
    file.write_bytes(spoil(file.read_bytes()))
    (tmp_path / "open").mkdir()
    with pytest.raises(BadInput, match=says) as told:
        recording.unpack(file, tmp_path / "open")
    assert "\n" not in str(told.value)


def test_a_changed_event_is_found_although_the_digest_was_made_again(state: Path, tmp_path: Path) -> None:
    import hashlib
    import zlib

    file = recorded(state)
    line, _, payload = file.read_bytes().partition(b"\n")
    changed = zlib.compress(zlib.decompress(payload).replace(b"thermal", b"themral"))
    header = {**json.loads(line), "bytes": len(changed), "sha256": hashlib.sha256(changed).hexdigest()}
    file.write_bytes(json.dumps(header).encode() + b"\n" + changed)
    (tmp_path / "open").mkdir()
    with pytest.raises(BadInput, match="the record was changed"):
        recording.unpack(file, tmp_path / "open")


def test_nothing_is_recorded_where_there_is_nothing(state: Path, tmp_path: Path) -> None:
    with pytest.raises(NoJournal):
        recording.record(tmp_path / "none", tmp_path / "x")
    with pytest.raises(UsageError, match="not a time"):
        recorded(state, since="tomorrow")
    with pytest.raises(UsageError, match="no event within --since 2999-01-01; the journal holds 2"):
        recorded(state, since="2999-01-01")
    with pytest.raises(UsageError, match="--since 2999-01-01 comes after --until 2998-01-01"):
        recorded(state, since="2999-01-01", until="2998-01-01")
    file = recorded(state)
    for at, says in (
        ("2999-01-01", "this recording holds 2"),
        ("1999-01-01", "this recording holds 2"),
        ("noon", "--at: 'noon' is not a time"),
    ):
        with pytest.raises(UsageError, match=says):  # before anything is told
            next(playback.told(file, at))
    assert not (tmp_path / "x").exists()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EnvironmentFault, match="is there and no file"):
        recording.record(state, tmp_path / "pipe")


async def test_lists_of_a_recording_stand_as_they_stood_and_nothing_acts(state: Path, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    shown = Playback(recorded(state), tmp_path / "open")
    asks = shown.handlers()

    async def ask(verb: str, **args: Any) -> Any:
        return await asks[verb](Command(id="1", client="t", verb=verb, args=args), "test")

    page = await ask("table", name="trials", limit=5, skip=10)
    assert (page["total"], page["offset"], page["rows"][0]["trial"]) == (30, 10, 19)
    early = await ask("table", name="trials", limit=50, at=10)
    assert early["total"] < 30
    assert (await ask("past", start=1, step=-1))["seq"] >= shown.header.first.seq
    with pytest.raises(UsageError, match="only the running engine knows it"):
        await ask("table", name="gpus")
    assert "halt" not in asks
    shown.close()


async def test_a_viewer_of_a_recording_gets_its_end_and_is_refused_what_acts(
    state: Path, tmp_path: Path
) -> None:
    from engine.server import Server

    (tmp_path / "open").mkdir()
    shown = Playback(recorded(state), tmp_path / "open")
    final = shown.snapshot()
    server = Server(shown.folder, shown.journal, playback._Still(), lambda: final, shown.handlers())
    await server.start()
    try:
        client = await Client.connect(shown.folder)
        assert (await anext(client.snapshots())).seq == final.seq
        reply = await client.command("halt", kind="now", reason="x")
        assert (reply.ok, reply.error) == (
            False,
            "this is a recording: nothing runs here that could be halted",
        )
        await client.close()
    finally:
        await server.close()
        shown.close()
