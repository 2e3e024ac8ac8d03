"""The log: one JSON object a line, UTC, ours in full and libraries' from warnings on, rotated by size."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from engine import logs
from engine.errors import EnvironmentFault


def test_lines_are_json_with_utc_time_and_a_trace_in_one_field(tmp_path: Path) -> None:
    with logs.to_file(tmp_path):
        logging.getLogger("mimicry.test").info("hello\nworld")
        logging.getLogger("somelibrary").info("chatter")
        try:
            raise ValueError("inside")
        except ValueError:
            logging.getLogger("somelibrary").exception("it failed")
    logging.getLogger("mimicry.test").info("after the end")
    lines = [json.loads(line) for line in (tmp_path / logs.FILE).read_text().splitlines()]
    assert [line["text"] for line in lines] == ["hello\nworld", "it failed"]
    assert lines[0]["at"].endswith("Z")
    assert "ValueError: inside" in lines[1]["trace"]


def test_the_file_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "BYTES", 2_000)
    with logs.to_file(tmp_path):
        for number in range(100):
            logging.getLogger("mimicry.test").info("line %d", number)
    files = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert "watcher_agent.log.1" in files
    assert len(files) <= logs.KEPT + 1


def test_a_log_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    with pytest.raises(EnvironmentFault, match="cannot write the log"), logs.to_file(tmp_path):
        pass
