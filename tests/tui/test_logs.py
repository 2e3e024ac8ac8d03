"""Logs: merged by time, read from their ends, followed through rotation; tracebacks stay with their line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from tui.app import Console
from tui.export import screen_text
from tui.logs import Merged
from tui.screens.logs import Logs


def entry(second: float, text: str, level: str = "info", source: str = "mimicry.room", **more: str) -> str:
    at = datetime.fromtimestamp(1_795_000_000 + second, UTC).isoformat()
    return json.dumps({"at": at, "level": level, "source": source, "text": text, **more}) + "\n"


def texts(found) -> list[str]:
    return [each.text for each in found]


def test_files_are_merged_by_time_and_read_from_their_ends(tmp_path):
    (tmp_path / "a.log").write_text("".join(entry(i, f"a{i}") for i in range(0, 3000, 2)))
    (tmp_path / "b.log").write_text("".join(entry(i, f"b{i}") for i in range(1, 3000, 2)))
    (tmp_path / "notes.md").write_text("not a log\n")
    merged = Merged(tmp_path)
    assert texts(merged.older(4)) == ["a2996", "b2997", "a2998", "b2999"]
    assert texts(merged.older(2)) == ["a2994", "b2995"]
    assert len(merged.older(5000)) == 2994
    assert merged.whole
    merged.close()


def test_new_lines_come_whole_and_a_rotated_file_is_followed(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(entry(0, "first"))
    merged = Merged(tmp_path)
    assert texts(merged.older(10)) == ["first"]
    with path.open("a") as file:
        half = entry(1, "second")
        file.write(half[:10])
        file.flush()
        assert merged.newer() == []
        file.write(half[10:])
    assert texts(merged.newer()) == ["second"]
    path.rename(tmp_path / "a.log.1")
    path.write_text(entry(2, "third"))
    assert texts(merged.newer()) == ["third"]
    assert merged.newer() == []
    merged.close()


def test_a_line_of_another_kind_belongs_to_the_entry_above(tmp_path):
    (tmp_path / "a.log").write_text(
        entry(0, "it broke", "error", trace="Traceback\n  line 1") + "loose end\n" + entry(1, "on")
    )
    (tmp_path / "daemon.err").write_text("Traceback (most recent call last):\n  File x\nKeyError: 1\n")
    merged = Merged(tmp_path)
    broke = next(each for each in merged.older(10) if each.text == "it broke")
    assert broke.more == ("Traceback", "  line 1", "loose end")
    merged.close()


def test_bytes_that_are_no_text_and_broken_records_do_not_stop_reading(tmp_path):
    (tmp_path / "a.log").write_bytes(b"\xff\xfe\x00\n{broken\n" + entry(1, "fine").encode() + b'{"at": 5}\n')
    merged = Merged(tmp_path)
    assert texts(merged.older(10))[-1] == "fine"
    merged.close()


async def test_the_screen_follows_filters_and_finds(room, until, monkeypatch):
    folder = Path(room.state) / "logs"
    folder.mkdir()
    lines = [entry(i, f"chunk {i} done", "debug" if i % 2 else "info") for i in range(5000)]
    lines[7] = entry(7, "rig-6600b/3 lost", "error", "mimicry.rigs")
    (folder / "watcher_agent.log").write_text("".join(lines))
    app = Console(room.state)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.view().snapshot is not None)
        await pilot.press("9")
        await until(lambda: "chunk 4998 done" in screen_text(app))
        screen = app.screen
        assert isinstance(screen, Logs)
        assert "chunk 4999" not in screen_text(app)  # a debug line
        with (folder / "watcher_agent.log").open("a") as file:
            file.write(entry(6000, "the newest line"))
        await until(lambda: "the newest line" in screen_text(app))
        await pilot.press("slash", *"6600B/3", "enter")
        await until(lambda: "rig-6600b/3 lost" in screen_text(app))
        assert "f follows" in screen_text(app)
        await until(lambda: "find '6600b/3', " in screen_text(app))
        await pilot.press("b")
        await until(lambda: "1 marked" in screen_text(app))
        await pilot.press("e", "enter")
        await until(lambda: list((room.state / "exports").glob("logs-*.log")))
        (file,) = (room.state / "exports").glob("logs-*.log")
        assert file.read_text().endswith("rig-6600b/3 lost\n")
        assert file.read_text().count("\n") == 1
        await pilot.press("escape")
        await pilot.press("f")
        await until(lambda: "the newest line" in screen_text(app))
        await pilot.press("l", "l")
        await until(lambda: "level ≥ error" in screen_text(app) and "chunk" not in screen_text(app))
        # a mark goes with its entry, once that gave way to newer ones
        assert len(screen._held.marks) == 1
        monkeypatch.setattr("tui.model.held.MOST", 10)
        monkeypatch.setattr("tui.model.held.PAGE", 10)
        with (folder / "watcher_agent.log").open("a") as file:
            file.write("".join(entry(6001 + i, "later") for i in range(30)))
        await until(lambda: not screen._held.marks)
