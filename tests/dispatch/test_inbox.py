"""The inbox: every file becomes one request or one rejection, whatever happens in between."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.dispatch import inbox as inboxes
from engine.dispatch.inbox import Inbox, Scan
from engine.dispatch.queue import Queue
from state.errors import DiskFull
from state.journal import Journal

GOOD = {"type": "pipeline_rerun", "start_step": "3", "end_step": "6"}


class Clock:
    """Monotonic time that moves when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(tmp_path: Path, journal: Journal, queue: Queue, clock: Clock) -> Inbox:
    return Inbox(tmp_path, journal, queue, clock=clock)


def drop(inbox: Inbox, name: str, content: object, *, at: int = 1_700_000_000) -> Path:
    path = inbox.folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    os.utime(path, (at, at))
    return path


def settle(inbox: Inbox, clock: Clock, seconds: float = 1.1) -> Scan:
    first = inbox.scan()
    clock.now += seconds
    second = inbox.scan()
    return Scan(
        *(getattr(first, name) + getattr(second, name) for name in ("queued", "rejected", "archived"))
    )


def result(inbox: Inbox, name: str) -> dict[str, Any]:
    return json.loads((inbox.archive / name).read_text())


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file() or path.is_symlink())


def test_a_file_becomes_a_request_and_is_archived_with_its_result(
    inbox: Inbox, clock: Clock, queue: Queue, journal: Journal
) -> None:
    drop(inbox, "rerun.json", GOOD)
    assert inbox.scan() == Scan()
    clock.now += 1.1
    assert inbox.scan() == Scan(queued=["r-1"])
    row = queue.get("r-1")
    assert (row.kind, row.args, row.origin) == (
        "pipeline_rerun",
        {"start_step": "3", "end_step": "6"},
        "inbox",
    )
    assert files(inbox.folder) == []
    assert inbox.scan() == Scan()
    queue.claim()
    queue.start("r-1", run="run-0001")
    journal.decisions.add(step="3", action="ESCALATE", reason="thin", source="rule", rule="W5", request="r-1")
    queue.finish("r-1", "done", "all ran", result={"steps": 4})
    assert inbox.scan() == Scan(archived=["r-1"])
    assert files(inbox.claimed) == []
    assert files(inbox.archive) == ["r-1-rerun.json", "r-1-rerun.result.json"]
    assert json.loads((inbox.archive / "r-1-rerun.json").read_text()) == GOOD
    told = result(inbox, "r-1-rerun.result.json")
    assert (told["schema"], told["state"], told["why"]) == ("request_result/1", "done", "all ran")
    assert (told["result"], told["run"], told["request"]) == ({"steps": 4}, "run-0001", "r-1")
    assert told["decision"] == "d-1"
    assert 0 <= told["seconds"] < 60


def test_a_file_that_still_changes_is_left_alone(inbox: Inbox, clock: Clock) -> None:
    for length in range(5):
        drop(inbox, "a.json", {"type": "learning_loop", "reason": "x" * length})
        assert inbox.scan() == Scan()
        clock.now += 0.9
    clock.now += 0.2
    assert inbox.scan().queued == ["r-1"]


def test_half_a_file_waits_a_minute_then_is_rejected(inbox: Inbox, clock: Clock, queue: Queue) -> None:
    drop(inbox, "half.json", b'{"type": "learn')
    assert settle(inbox, clock, 30.0) == Scan()
    clock.now += 29.0
    assert inbox.scan() == Scan()
    clock.now += 2.0
    assert inbox.scan() == Scan(rejected=["r-1"], archived=["r-1"])
    assert files(inbox.archive) == ["r-1-half.json", "r-1-half.result.json"]
    assert "half.json: is not JSON" in result(inbox, "r-1-half.result.json")["why"]
    assert queue.get("r-1").state == "rejected"


def test_half_a_file_that_is_finished_in_time_is_taken(inbox: Inbox, clock: Clock) -> None:
    drop(inbox, "half.json", b'{"type": "learn')
    settle(inbox, clock, 50.0)
    drop(inbox, "half.json", {"type": "learning_loop"})
    clock.now += 20.0
    assert settle(inbox, clock).queued == ["r-1"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"type": "pipeline_rerun", "start_stp": "3"}, "unknown key 'start_stp', did you mean start_step?"),
        ({"type": "pipline_rerun"}, "did you mean pipeline_rerun?"),
        ([1, 2], "must be a JSON object"),
        (b'{"type": "inject_draw", "value": 7.5}', "value: Input should be a valid integer"),
    ],
)
def test_a_whole_file_that_is_no_request_is_rejected_at_once(
    inbox: Inbox, clock: Clock, content: object, told: str
) -> None:
    drop(inbox, "bad.json", content)
    assert settle(inbox, clock) == Scan(rejected=["r-1"], archived=["r-1"])
    assert told in result(inbox, "r-1-bad.result.json")["why"]


@pytest.mark.parametrize(
    "content", [b'{"type": "inject_draw", "value": NaN}', b"[" * 200_000, b"\xff\xfe{}", b""]
)
def test_content_that_never_parses_is_rejected_after_its_minute(
    inbox: Inbox, clock: Clock, content: bytes
) -> None:
    drop(inbox, "bad.json", content)
    assert settle(inbox, clock, 61.0).rejected == ["r-1"]
    assert "is not JSON" in result(inbox, "r-1-bad.result.json")["why"]


def test_links_pipes_and_huge_files_are_rejected_unread(inbox: Inbox, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(json.dumps(GOOD))
    (inbox.folder / "a-link.json").symlink_to(tmp_path / "secret")
    os.mkfifo(inbox.folder / "b-pipe.json")
    drop(inbox, "c-huge.json", b" " * (inboxes.SIZE_LIMIT + 1))
    (inbox.folder / "d-folder.json").mkdir()
    drop(inbox, ".hidden.json", GOOD)
    drop(inbox, "notes.txt", GOOD)
    scan = inbox.scan()
    assert len(scan.rejected) == 3
    why = {name: result(inbox, name)["why"] for name in files(inbox.archive) if name.endswith(".result.json")}
    assert sum("not a regular file" in text for text in why.values()) == 2
    assert sum("a request may have" in text for text in why.values()) == 1
    assert (tmp_path / "secret").exists()
    assert files(inbox.folder) == [".hidden.json", "notes.txt"]


def test_requests_keep_the_order_of_their_files(inbox: Inbox, clock: Clock, queue: Queue) -> None:
    for number, name in enumerate(("z", "m", "a", "k", "b")):
        drop(inbox, f"{name}.json", {"type": "inject_draw", "value": number}, at=1_700_000_000 + number)
    settle(inbox, clock)
    assert [queue.claim().args["value"] for _ in range(5)] == [0, 1, 2, 3, 4]


def test_equal_content_in_two_files_is_two_requests(inbox: Inbox, clock: Clock) -> None:
    drop(inbox, "a.json", GOOD)
    drop(inbox, "b.json", GOOD)
    assert settle(inbox, clock).queued == ["r-1", "r-2"]
    drop(inbox, "a.json", GOOD, at=1_700_000_100)
    assert settle(inbox, clock).queued == ["r-3"]


def test_the_same_file_put_back_is_the_same_request(inbox: Inbox, clock: Clock) -> None:
    drop(inbox, "a.json", GOOD)
    settle(inbox, clock)
    drop(inbox, "a.json", GOOD)
    assert settle(inbox, clock) == Scan()
    assert len(files(inbox.claimed)) == 1


# -- crashes ----------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process ended here."""


def test_a_kill_between_rename_and_row_loses_nothing(
    inbox: Inbox,
    clock: Clock,
    queue: Queue,
    journal: Journal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise Killed

    drop(inbox, "a.json", GOOD)
    inbox.scan()
    clock.now += 1.1
    monkeypatch.setattr(queue, "submit", killed)
    with pytest.raises(Killed):
        inbox.scan()
    assert files(inbox.folder) == []
    assert len(files(inbox.claimed)) == 1
    assert journal.requests.waiting() == 0
    monkeypatch.undo()
    after = Inbox(tmp_path, journal, queue, clock=Clock())
    assert after.scan().queued == ["r-1"]
    assert after.scan() == Scan()
    assert journal.requests.waiting() == 1


@pytest.mark.parametrize("where", ["write_atomic", "sync_directory"])
def test_a_kill_while_archiving_runs_nothing_twice(
    inbox: Inbox,
    clock: Clock,
    queue: Queue,
    journal: Journal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    drop(inbox, "a.json", GOOD)
    settle(inbox, clock)
    queue.claim()
    queue.start("r-1")
    queue.finish("r-1", "done", "ran")
    monkeypatch.setattr(inboxes, where, killed)
    with pytest.raises(Killed):
        inbox.scan()
    monkeypatch.undo()
    Inbox(tmp_path, journal, queue).scan()
    assert files(inbox.archive) == ["r-1-a.json", "r-1-a.result.json"]
    assert files(inbox.claimed) == []
    assert [row.id for row in journal.requests.list()] == ["r-1"]


def test_a_full_disk_leaves_the_file_for_the_next_scan(
    inbox: Inbox, clock: Clock, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise DiskFull(Path("journal.db"), "writing")

    drop(inbox, "a.json", GOOD)
    inbox.scan()
    clock.now += 1.1
    monkeypatch.setattr(queue, "submit", full)
    with pytest.raises(DiskFull):
        inbox.scan()
    monkeypatch.undo()
    assert inbox.scan().queued == ["r-1"]


async def test_watching_tells_of_what_it_did(
    tmp_path: Path, journal: Journal, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inboxes, "QUIET_SECONDS", 0.02)
    inbox = Inbox(tmp_path, journal, queue)
    drop(inbox, "a.json", GOOD)

    class Enough(Exception):
        pass

    def told(scan: Scan) -> None:
        assert scan.queued == ["r-1"]
        raise Enough

    with pytest.raises(Enough):
        await inbox.watch(interval=0.01, told=told)


# -- names that are no text -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"bad\xff.json", b"a\nb.json", ("ü€" * 49).encode() + b".json"])
def test_a_file_of_any_name_becomes_a_request_or_a_rejection_and_stops_nobody(
    inbox: Inbox, clock: Clock, name: bytes
) -> None:
    path = Path(os.fsdecode(os.fsencode(inbox.folder) + b"/" + name))
    path.write_bytes(b"no json")
    drop(inbox, "z.json", GOOD, at=1_800_000_000)
    scan = settle(inbox, clock, inboxes.PATIENCE_SECONDS + 1)
    assert len(scan.rejected) == 1
    assert len(scan.queued) == 1
    assert len(scan.archived) == 1


def test_half_a_character_is_no_request(inbox: Inbox, clock: Clock) -> None:
    drop(inbox, "half.json", b'{"type": "step_force", "step": "1", "reason": "\\ud800"}')
    scan = settle(inbox, clock, inboxes.PATIENCE_SECONDS + 1)
    assert len(scan.rejected) == 1


def test_the_record_says_whose_file_it_was(inbox: Inbox, clock: Clock, journal: Journal) -> None:
    drop(inbox, "mine.json", GOOD)
    scan = settle(inbox, clock)
    taken = journal.last([inboxes.TAKEN])
    assert taken is not None
    assert taken.data["request"] == scan.queued[0]
    assert taken.data["uid"] == os.getuid()


@pytest.mark.parametrize("kind", ["link", "pipe", "directory link"])
def test_links_and_pipes_are_archived_unread(inbox: Inbox, clock: Clock, tmp_path: Path, kind: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("root:x:0:0")
    path = inbox.folder / "x.json"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(secret if kind == "link" else tmp_path)
    scan = inbox.scan()
    assert len(scan.rejected) == (0 if kind == "directory link" else 1)
    told = "".join(one.read_text() for one in inbox.archive.glob("*.result.json"))
    assert "root:x" not in told
