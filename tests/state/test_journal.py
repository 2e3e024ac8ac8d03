"""The journal: chained, durable, one owner, and clear about damage."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from state import clock
from state.errors import (
    ChainBroken,
    DiskFull,
    JournalCorrupt,
    LedgerError,
    NoJournal,
    ReadOnlyJournal,
    StateError,
    StateLocked,
)
from state.journal import Journal
from state.migrations import versions

FIXTURES = Path(__file__).parent / "fixtures"


def edit(directory: Path, *statements: str) -> None:
    """Change a closed journal behind its back."""
    db = sqlite3.connect(directory / "journal.db")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def filled(directory: Path, events: int = 20) -> Path:
    with Journal.open(directory) as journal:
        for number in range(events):
            journal.append("test.event", {"number": number, "text": "ü" * 200})
    return directory / "journal.db"


# -- events -----------------------------------------------------------------------------------------------------------


def test_events_come_back_in_order_with_a_chain_that_verifies(journal: Journal) -> None:
    first = journal.seq
    seqs = [journal.append("test.event", {"number": number}) for number in range(520)]
    assert seqs == list(range(first + 1, first + 521))
    events = list(journal.events(after=first))
    assert [event.data["number"] for event in events] == list(range(520))
    assert all(after.prev == before.hash for before, after in pairwise(events))
    assert journal.head == events[-1].hash
    assert journal.verify() == journal.seq


def test_events_are_filtered_by_name_and_prefix(journal: Journal) -> None:
    for kind in ("run.step", "runner", "run.done", "decision"):
        journal.append(kind, {})
    assert [event.kind for event in journal.events(kinds=["run.", "decision"])] == [
        "run.step",
        "run.done",
        "decision",
    ]
    assert [event.kind for event in journal.events(kinds=["run."], limit=1)] == ["run.step"]
    assert list(journal.events(kinds=[])) == []
    last = journal.last(["run."])
    assert last is not None
    assert last.kind == "run.done"


def test_reopening_continues_the_chain(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        seq, head = journal.append("one", {}), journal.head
    with Journal.open(tmp_path) as journal:
        opened = next(iter(journal.events(after=seq)))
        assert (opened.seq, opened.prev) == (seq + 1, head)
        journal.append("two", {})
        assert journal.verify() == seq + 2


def test_every_commit_waits_for_the_disk(journal: Journal) -> None:
    assert journal._writer.execute("PRAGMA synchronous").fetchone() == (
        2,
    )  # FULL; only a power cut could show the difference
    assert journal._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_also_projects_is_in_the_same_transaction(journal: Journal) -> None:
    seq, head = journal.seq, journal.head

    def fail(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO cursors VALUES ('c', '1', 1)")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        journal.append("test.event", {}, also=fail)
    assert (journal.seq, journal.head) == (seq, head)
    assert journal.cursors.get("c") is None
    assert journal.append("test.event", {}) == seq + 1
    assert journal.verify() == seq + 1


def test_a_failed_inner_transaction_spoils_the_outer_one(journal: Journal) -> None:
    seq = journal.seq

    def swallow() -> None:
        with journal.transaction() as tx:
            tx.event("outer", {})
            with pytest.raises(LedgerError):
                journal.append("inner", {"bad": object()})

    with pytest.raises(StateError, match="none of it was written"):
        swallow()
    assert journal.seq == seq


@pytest.mark.parametrize("bad", [float("nan"), {1, 2}, b"bytes", Path("x")])
def test_data_that_is_not_json_is_refused(journal: Journal, bad: object) -> None:
    with pytest.raises(LedgerError, match="plain JSON"):
        journal.append("test.event", {"value": bad})
    assert journal.verify() == journal.seq


@pytest.mark.parametrize(
    "value", ["\udc80 broken name", "é\u2028", 2**200, -0.0, 1e-320, {"b": 1, "a": [None, True]}]
)
def test_odd_values_survive_the_chain(journal: Journal, value: object) -> None:
    journal.append("test.event", {"value": value})
    assert list(journal.events())[-1].data == {"value": value}
    assert journal.verify() == journal.seq


def test_many_threads_write_one_chain(journal: Journal) -> None:
    before = journal.seq

    def work(name: int) -> None:
        for number in range(40):
            journal.append("test.event", {"name": name, "number": number})
            assert journal.samples.add("x", number) is None
            journal.billed()

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.seq == before + 240
    assert journal.verify() == journal.seq
    by_name = [event.data["number"] for event in journal.events(after=before) if event.data["name"] == 3]
    assert by_name == list(range(40))


def test_listeners_hear_of_commits_only(journal: Journal) -> None:
    heard: list[int] = []
    stop = journal.listen(heard.append)
    seq = journal.append("test.event", {})
    with pytest.raises(LedgerError):
        journal.append("test.event", {"bad": object()})
    stop()
    journal.append("test.event", {})
    assert heard == [seq]


def test_a_wall_clock_jump_is_an_event(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    real = clock.time.time
    monkeypatch.setattr(clock.time, "time", lambda: real() + 3600)
    journal.append("test.event", {})
    jumps = [event.data["seconds"] for event in journal.events(kinds=["clock.step"])]
    assert jumps == [pytest.approx(3600, abs=1)]
    journal.append("test.event", {})
    assert len(list(journal.events(kinds=["clock.step"]))) == 1


# -- owner, readers ---------------------------------------------------------------------------------------------------


def test_a_second_owner_is_told_the_pid_of_the_first(tmp_path: Path, journal: Journal) -> None:
    with pytest.raises(StateLocked, match=f"process {os.getpid()} ") as told:
        Journal.open(tmp_path)
    assert told.value.pid == os.getpid()
    journal.append("test.event", {})


def test_a_reader_sees_the_running_writer_and_cannot_write(tmp_path: Path, journal: Journal) -> None:
    with Journal.read_only(tmp_path) as reader:
        seq = journal.append("test.event", {})
        assert (reader.seq, reader.head) == (seq, journal.head)
        assert reader.verify() == seq
        with pytest.raises(ReadOnlyJournal):
            reader.append("test.event", {})
        with pytest.raises(ReadOnlyJournal):
            reader.cursors.set("c", 1)


def test_reading_where_there_is_no_journal_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoJournal, match="there is no journal"):
        Journal.read_only(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_closed_journal_refuses_work_and_frees_the_lock(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.close()
    journal.close()
    with pytest.raises(StateError, match="closed"):
        journal.append("test.event", {})
    with pytest.raises(StateError, match="closed"):
        journal.billed()
    Journal.open(tmp_path).close()


def test_opening_and_closing_leaks_no_handle(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with Journal.open(tmp_path), Journal.read_only(tmp_path), pytest.raises(StateLocked):
            Journal.open(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


WRITE_FOR_EVER = """
import sys
from pathlib import Path
from state.journal import Journal
journal = Journal.open(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    journal.chunk_done("sweep", number, "d", {"n": number}, b"x" * 3000)
    journal.bill(f"key-{number}", 10, {})
    print(number, journal.seq, flush=True)
"""


def test_kill_9_loses_nothing_that_was_confirmed(tmp_path: Path, child: Callable[..., object]) -> None:
    for _ in range(3):
        process = child(WRITE_FOR_EVER, tmp_path)
        told = [process.stdout.readline() for _ in range(40)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.read().splitlines(keepends=True)
        number, seq = map(int, [line for line in told if line.endswith("\n")][-1].split())
        with Journal.open(tmp_path) as journal:  # the lock went with its holder
            assert journal.verify() == journal.seq > seq
            assert set(range(1, number + 1)) <= set(journal.chunks("sweep"))
            assert journal.billed() in (
                10 * len(journal.chunks("sweep")),
                10 * (len(journal.chunks("sweep")) - 1),
            )


def test_a_locked_directory_names_another_process(tmp_path: Path, child: Callable[..., object]) -> None:
    process = child(WRITE_FOR_EVER, tmp_path)
    process.stdout.readline()
    with pytest.raises(StateLocked) as told:
        Journal.open(tmp_path)
    assert told.value.pid == process.pid


# -- damage -----------------------------------------------------------------------------------------------------------


def damaged_open(directory: Path) -> JournalCorrupt:
    """Open a damaged journal; the file must be the same byte for byte afterwards, and the lock free."""
    path = directory / "journal.db"
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(JournalCorrupt) as told:
            Journal.open(directory)
        assert str(path) in str(told.value)
        assert "\n" not in str(told.value)
        assert "copy" in str(told.value)
    assert path.read_bytes() == before
    return told.value


def test_an_overwritten_page_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = filled(tmp_path, 200)
    content = bytearray(path.read_bytes())
    middle = (len(content) // 4096 * 2 // 3) * 4096
    content[middle : middle + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    damaged_open(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_refused_and_left_alone(tmp_path: Path, share: float) -> None:
    path = filled(tmp_path, 200)
    os.truncate(path, int(path.stat().st_size * share))
    damaged_open(tmp_path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"draws\n1\n2\n" * 1000)
    damaged_open(tmp_path)
    (tmp_path / "journal.db").unlink()
    sqlite3.connect(tmp_path / "journal.db").execute("CREATE TABLE t (a)").connection.close()
    damaged_open(tmp_path)


def test_a_journal_whose_file_vanished_beside_its_log_is_not_made_anew(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "journal.db").rename(tmp_path / "elsewhere.db")
    (tmp_path / "journal.db-wal").write_bytes(b"x")
    with pytest.raises(JournalCorrupt, match="is gone"):
        Journal.open(tmp_path)


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE events SET data = replace(data, '\"number\":7', '\"number\":8') WHERE seq = 9", 9),
        ("UPDATE events SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 12", 12),
        ("UPDATE events SET data = 'no json' WHERE seq = 5", 5),
        ("DELETE FROM events WHERE seq = 10", 10),
        ("DELETE FROM events WHERE seq >= 15", 14),
        ("DELETE FROM events", 0),
        ("UPDATE tip SET hash = 'x'", 21),
    ],
)
def test_a_changed_record_is_named_by_its_number(tmp_path: Path, statement: str, seq: int) -> None:
    filled(tmp_path)
    edit(tmp_path, statement)
    told = damaged_open(tmp_path)
    assert isinstance(told, ChainBroken)
    assert told.seq == seq
    with Journal.read_only(tmp_path) as reader, pytest.raises(ChainBroken) as again:
        reader.verify()
    assert again.value.seq == seq


def test_a_change_before_the_tail_is_found_by_verify(tmp_path: Path) -> None:
    filled(tmp_path, 300)
    edit(tmp_path, "UPDATE events SET data = '{}' WHERE seq = 3")
    with Journal.open(tmp_path) as journal, pytest.raises(ChainBroken) as told:
        journal.verify()
    assert told.value.seq == 3


def test_a_copy_made_in_use_opens_and_verifies(tmp_path: Path, journal: Journal) -> None:
    seq = journal.append("test.event", {})
    (tmp_path / "other").mkdir()
    journal.copy_to(tmp_path / "other" / "journal.db")
    journal.append("test.event", {})
    with Journal.open(tmp_path / "other") as restored:
        assert restored.verify() == seq + 1


# -- full disk --------------------------------------------------------------------------------------------------------


def fill_up(journal: Journal) -> int:
    def work() -> None:
        for number in range(100_000):
            journal.chunk_done("sweep", number, "d", {}, b"x" * 20_000)

    with pytest.raises(DiskFull, match="no space left"):
        work()
    return len(journal.chunks("sweep"))


def test_a_file_that_may_not_grow_loses_the_failed_write_only(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal._writer.execute("PRAGMA max_page_count = 80")
        kept = fill_up(journal)
        seq = journal.seq
        with pytest.raises(DiskFull):
            journal.chunk_done("sweep", 999_999, "d", {}, b"x" * 20_000)
        assert (journal.seq, len(journal.chunks("sweep"))) == (seq, kept)
        assert journal.verify() == seq
        journal._writer.execute("PRAGMA max_page_count = 100000")
        assert journal.chunk_done("sweep", 999_999, "d", {}, b"x" * 20_000)


def test_a_full_disk_loses_nothing_and_work_goes_on_after_space_came_back(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 1_200_000)
    with Journal.open(small_disk) as journal:
        kept = fill_up(journal)
        assert kept > 0
        assert journal.verify() == journal.seq
        ballast.unlink()
        journal.append("test.event", {"after": True})
    with Journal.open(small_disk) as journal:
        assert len(journal.chunks("sweep")) == kept
        assert journal.verify() == journal.seq


def test_a_full_disk_leaves_no_half_made_journal(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * 2_000_000)
    with pytest.raises(DiskFull):
        Journal.open(small_disk / "state")
    assert not (small_disk / "state" / "journal.db").exists()
    (small_disk / "ballast").unlink()
    Journal.open(small_disk / "state").close()


# -- released versions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", sorted(versions()))
def test_the_journal_of_every_version_still_opens(version: int, tmp_path: Path) -> None:
    shutil.copy(FIXTURES / f"journal_v{version}.db", tmp_path / "journal.db")
    with Journal.open(tmp_path) as journal:
        assert journal.verify() == journal.seq
        assert journal.billed() == 2**70
        assert journal.chunks("sweep-1")[0].result == b"hits"
        assert journal.requests.get("r-1").state == "done"
        assert journal.requests_recover()[0].id == "r-2"
        assert journal.decisions.get(1).evidence == [
            {"metric": "bits", "value": 31.5, "limit": 19.93, "ok": True}
        ]
        assert journal.predictions.judgement(41).forecast
        assert journal.parameters.get("sieve.threshold") == 12
        assert journal.cursors.get("draws") == 41
        assert journal.halt_state().reason == "thermal check"
        assert journal.runs.get("run-0001").steps["1"]["status"] == "done"
        assert [sample.value for sample in journal.samples.series("rss_mb")] == [112.5]
        assert [row.seed_hi for row in journal.coverage.rows()] == [2**64 - 1] * (version > 1)


@pytest.mark.parametrize("column", ["at", "kind", "data", "hash"])
def test_text_that_is_no_utf8_is_damage_and_told_as_such(tmp_path: Path, column: str) -> None:
    with Journal.open(tmp_path) as journal:
        journal.append("note", {"text": "first"})
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db, db:
        db.execute(f"UPDATE events SET {column} = CAST(X'61FF' AS TEXT) WHERE seq = 2")
    with pytest.raises(JournalCorrupt, match="UTF-8"):
        Journal.open(tmp_path)
