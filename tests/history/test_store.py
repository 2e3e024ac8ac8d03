"""Stored draws survive everything: restarts, torn lines, repeated deliveries, threads, a full disk."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadInput, EnvironmentFault
from engine.history.history import Draw, History
from engine.history.importers import read_history
from engine.history.store import Arrival, DrawStore

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
THREE = [Arrival(5, NOON, "a", "x-1"), Arrival(None, None, None, "x-2"), Arrival(7, NOON, "b", "x-3")]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DrawStore]:
    opened = DrawStore.open(tmp_path / "history")
    yield opened
    opened.close()


def again(store: DrawStore) -> DrawStore:
    store.close()
    return DrawStore.open(store.directory)


def test_draws_are_numbered_and_come_back_after_a_restart(store: DrawStore) -> None:
    assert store.append(THREE) == [1, 2, 3]
    assert store.append([Draw(0, 9, None, None)]) == [4]
    before = store.snapshot()
    reopened = again(store)
    assert reopened.snapshot().digest == before.digest
    assert reopened.append([Arrival(1)]) == [5]
    reopened.close()


def test_a_snapshot_is_a_history_of_its_moment(store: DrawStore) -> None:
    store.append(THREE)
    snapshot = store.snapshot()
    store.append([Arrival(8)])
    assert len(snapshot) == 3
    assert snapshot.digest == History.of([5, None, 7], [NOON, None, NOON], ["a", None, "b"]).digest
    assert snapshot.sessions == ("a", "b")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.integers(0, 2**63 - 1),
            st.none() | st.datetimes(timezones=st.just(UTC)),
            st.none() | st.text(min_size=1, max_size=5).filter(lambda text: text.strip() == text != "-"),
        ),
        max_size=12,
    )
)
def test_the_running_digest_is_the_digest_of_the_content(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int | None, datetime | None, str | None]]
) -> None:
    directory = tmp_path_factory.mktemp("store")
    store = DrawStore.open(directory)
    for row in rows:
        store.append([Arrival(*row)])
    store = again(store)
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], []]
    assert store.snapshot().digest == History.of(*columns).digest
    store.close()


def test_the_file_is_a_history_that_the_importer_reads(store: DrawStore) -> None:
    store.append([*THREE, Arrival(8)])
    assert read_history(store.path).digest == store.snapshot().digest


def test_a_repeated_delivery_changes_nothing(store: DrawStore) -> None:
    store.append(THREE)
    size = store.path.stat().st_size
    assert store.append([THREE[2], THREE[0]]) == [3, 1]
    assert store.append([Arrival(1, id="y"), Arrival(1, id="y")]) == [4, 4]
    reopened = again(store)
    assert reopened.append(THREE) == [1, 2, 3]
    assert reopened.last == 4
    assert size < reopened.path.stat().st_size < 2 * size
    reopened.close()


def test_one_id_with_two_contents_is_refused_whole(store: DrawStore) -> None:
    store.append(THREE)
    with pytest.raises(BadInput, match="draw id 'x-1': delivered again with other content"):
        store.append([Arrival(9, id="z"), Arrival(6, NOON, "a", "x-1")])
    assert store.last == 3


@pytest.mark.parametrize("value", [-1, 2**63, 1.5, True, "7"])
def test_what_is_no_draw_is_refused(store: DrawStore, value: object) -> None:
    with pytest.raises(BadInput, match="a draw is an integer from 0"):
        store.append([Arrival(1), Arrival(value)])  # type: ignore[arg-type]
    assert store.last == 0


@pytest.mark.parametrize("label", ["", "-", " a", "a\n", 7])
def test_what_is_no_label_is_refused(store: DrawStore, label: object) -> None:
    with pytest.raises(BadInput, match="is not a label"):
        store.append([Arrival(1, session=label)])  # type: ignore[arg-type]


def test_a_torn_last_line_is_cut_and_overwritten(store: DrawStore) -> None:
    store.append(THREE)
    store.close()
    whole = store.path.read_bytes()
    for cut in (1, 10, len(whole) - whole.rfind(b"\n", 0, -1) - 2):
        store.path.write_bytes(whole[:-cut])
        reopened = DrawStore.open(store.directory)
        assert reopened.last == 2
        assert reopened.repaired > 0
        assert reopened.append([THREE[2]]) == [3]
        reopened.close()
        assert store.path.read_bytes() == whole


def test_damage_in_the_middle_is_named_and_left_alone(store: DrawStore) -> None:
    store.append(THREE)
    store.close()
    lines = store.path.read_bytes().splitlines(keepends=True)
    for bad in (b"garbage\n", lines[0], lines[1].replace(b"null", b"-4", 1), b"[]\n"):
        store.path.write_bytes(lines[0] + bad + lines[2])
        before = store.path.read_bytes()
        with pytest.raises(EnvironmentFault, match=r"line 2: damaged .*head -n 1"):
            DrawStore.open(store.directory)
        assert store.path.read_bytes() == before


def test_a_second_writer_is_refused_and_the_first_goes_on(store: DrawStore) -> None:
    with pytest.raises(EnvironmentFault, match="another process writes these draws"):
        DrawStore.open(store.directory)
    assert store.append([Arrival(1)]) == [1]


def test_a_full_disk_leaves_nothing_half_written(store: DrawStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.append(THREE)
    before = store.path.read_bytes()
    real = os.write

    def full(handle: int, data: bytes) -> int:
        if len(data) > 20:
            return real(handle, bytes(data[:20]))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.write", full)
        with pytest.raises(EnvironmentFault, match="No space left on device"):
            store.append([Arrival(value) for value in range(3)])
    assert store.path.read_bytes() == before
    assert store.append([Arrival(8)]) == [4]


def test_many_threads_get_different_numbers_without_gaps(store: DrawStore) -> None:
    seqs: list[int] = []

    def deliver(thread: int) -> None:
        for number in range(10):
            seqs.extend(store.append([Arrival(number, id=f"{thread}-{number}")]))

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seqs) == list(range(1, 61))
    stored = [json.loads(line)["seq"] for line in store.path.read_text().splitlines()]
    assert stored == list(range(1, 61))


def test_a_reader_goes_on_where_its_cursor_stands(store: DrawStore) -> None:
    store.append([Arrival(value) for value in (4, 5, 6)])
    cursor = store.cursor("feedback")
    [(seq, draw)] = store.after(cursor.position, limit=1)
    assert (seq, draw.value, draw.index) == (1, 4, 0)
    cursor.advance(seq)
    reopened = again(store)
    rest = reopened.after(reopened.cursor("feedback").position)
    assert [draw.value for _, draw in rest] == [5, 6]
    reopened.close()


def test_a_cursor_beyond_the_draws_is_an_error(store: DrawStore) -> None:
    store.cursor("feedback").advance(5)
    with pytest.raises(EnvironmentFault, match="stands at 5, but"):
        store.cursor("feedback")


def test_known_ids_are_counted_by_source(store: DrawStore) -> None:
    store.append([*THREE, Arrival(4, id="y-1"), Arrival(4)])
    assert store.known("x-") == 3
    assert store.known("z-") == 0


def test_a_closed_store_takes_nothing(store: DrawStore) -> None:
    store.close()
    store.close()
    with pytest.raises(EnvironmentFault, match="closed"):
        store.append([Arrival(1)])


def test_a_link_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    (tmp_path / "draws.jsonl").symlink_to(tmp_path / "other")
    with pytest.raises(EnvironmentFault, match=r"draws\.jsonl: cannot open"):
        DrawStore.open(tmp_path)


KILLED = """
import sys
from pathlib import Path
from engine.history.store import Arrival, DrawStore
store = DrawStore.open(Path(sys.argv[1]))
for number in range(10**6):
    store.append([Arrival(number % 1000, id=f"k-{number}") for number in range(number * 3, number * 3 + 3)])
    print(store.last, flush=True)
"""


def test_kill_nine_loses_no_acknowledged_draw(tmp_path: Path) -> None:
    import engine

    root = Path(engine.__file__).parents[1]
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(20)][-1]
    child.kill()
    rest = child.stdout.read().split("\n")
    child.wait()
    child.stdout.close()
    acknowledged = max([acknowledged, *(int(line) for line in rest[:-1])])
    store = DrawStore.open(tmp_path)
    assert store.last >= acknowledged
    assert store.snapshot().values.tolist() == [number % 1000 for number in range(store.last)]
    store.close()


def test_sectors_that_never_came_are_cut_with_all_that_follows(tmp_path: Path) -> None:
    store = DrawStore.open(tmp_path)
    store.append([Arrival(n) for n in range(3)])
    store.close()
    whole = (tmp_path / "draws.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    (tmp_path / "draws.jsonl").write_bytes(whole + lines[0][:20] + bytes(512) + lines[1])
    store = DrawStore.open(tmp_path)
    assert (len(store), store.repaired) == (3, 532 + len(lines[1]))
    assert store.append([Arrival(3)]) == [4]
    store.close()


def test_a_block_read_at_once_is_what_line_by_line_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrivals = [
        Arrival(n % 7 if n % 5 else None, datetime(2026, 1, 1, tzinfo=UTC) if n % 3 else None, "evening" if 40 < n < 60 else None, f"id {n}" if n % 2 else None)
        for n in range(200)
    ]  # fmt: skip
    with closing(DrawStore.open(tmp_path)) as store:
        store.append(arrivals)
    monkeypatch.setattr("engine.history.store.BLOCK", 900)
    at_once = DrawStore.open(tmp_path)
    at_once.close()
    monkeypatch.setattr("engine.history.store._plain", lambda lines, first: None)
    by_line = DrawStore.open(tmp_path)
    by_line.close()
    for name in ("_values", "_times", "_sessions", "_ids", "_size"):
        assert getattr(at_once, name) == getattr(by_line, name), name
    assert at_once._digest.hexdigest() == by_line._digest.hexdigest()
    assert len(at_once) == 200


@pytest.mark.parametrize(
    "line",
    [
        '{"seq": 2, "value": 1, "time": null, "session": null, "id": null},{"seq": 3, "value": 1, "time": null, "session": null, "id": null}',
        '{"seq": 3, "value": 1, "time": null, "session": null, "id": null}',
        '{"seq": 2, "value": true, "time": null, "session": null, "id": null}',
        '{"seq": 2, "value": -1, "time": null, "session": null, "id": null}',
        '{"seq": 2, "value": 1, "time": "noon", "session": null, "id": null}',
        '{"seq": 2, "value": 1, "time": null, "session": null, "id": " x"}',
        "",
    ],
)
def test_a_block_with_a_bad_line_names_that_line(tmp_path: Path, line: str) -> None:
    with closing(DrawStore.open(tmp_path)) as store:
        store.append([Arrival(5)])
    path = tmp_path / "draws.jsonl"
    path.write_text(
        path.read_text() + line + "\n" + '{"seq": 3, "value": 1, "time": null, "session": null, "id": null}\n'
    )
    with pytest.raises(EnvironmentFault, match="line 2: damaged"):
        DrawStore.open(tmp_path)
