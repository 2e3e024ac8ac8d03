"""The log: one JSON object a line, UTC, ours in full and libraries' from warnings on, rotated by size."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine import logs
from engine.errors import EnvironmentFault
from tui.logs import LogFile

LOG = logging.getLogger("mimicry.test")


def lines(state: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (state / logs.FILE).read_text().splitlines()]


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


async def test_lines_carry_the_ids_of_the_work_that_wrote_them_over_tasks_and_threads(tmp_path: Path) -> None:
    async def chunk(number: int) -> None:
        with logs.bound(chunk=f"c-{number}"):
            await asyncio.sleep(0)
            LOG.info("chunk %d", number)
            await asyncio.to_thread(LOG.info, "thread of %d", number)

    async def request(number: int) -> None:
        with logs.bound(request=f"r-{number}", run=f"run-{number}"):
            await asyncio.gather(*(asyncio.create_task(chunk(10 * number + each)) for each in range(2)))
            LOG.info("end of %d", number)

    with logs.to_file(tmp_path):
        await asyncio.gather(request(1), request(2))
        LOG.info("nobody's")
    found = {
        line["text"]: {name: line[name] for name in logs.IDS if name in line} for line in lines(tmp_path)
    }
    assert found == {
        **{f"{what} {n}{i}": {"request": f"r-{n}", "run": f"run-{n}", "chunk": f"c-{n}{i}"}
           for what in ("chunk", "thread of") for n in (1, 2) for i in (0, 1)},
        "end of 1": {"request": "r-1", "run": "run-1"},
        "end of 2": {"request": "r-2", "run": "run-2"},
        "nobody's": {},
    }  # fmt: skip


async def test_a_task_that_outlives_the_work_is_begun_without_its_ids(tmp_path: Path) -> None:
    async def long_lived() -> None:
        LOG.info("worker started")

    with logs.to_file(tmp_path), logs.bound(request="r-1"):
        await asyncio.create_task(long_lived(), context=contextvars.Context())
    assert "request" not in lines(tmp_path)[0]


def test_an_executor_gets_the_ids_by_a_copied_context(tmp_path: Path) -> None:
    with logs.to_file(tmp_path), ThreadPoolExecutor(1) as pool, logs.bound(command="9f"):
        pool.submit(contextvars.copy_context().run, LOG.info, "halted").result()
    assert lines(tmp_path)[0]["command"] == "9f"


def test_only_known_ids_can_be_bound() -> None:
    with pytest.raises(ValueError, match="'colour' is unknown; known are request, run"), logs.bound(colour=1):
        pass


def test_a_line_has_a_bound_however_long_its_text_and_trace_are(tmp_path: Path) -> None:
    with logs.to_file(tmp_path):
        try:
            raise ValueError("y" * 1_000_000)
        except ValueError:
            LOG.exception("x" * 1_000_000)
    assert (tmp_path / logs.FILE).stat().st_size < 2 * (logs.TEXT_LIMIT + logs.TRACE_LIMIT)
    line = lines(tmp_path)[0]
    assert "characters left out" in line["text"]
    assert "characters left out" in line["trace"]


def test_lines_that_are_lost_are_counted_and_said_until_one_gets_through(tmp_path: Path) -> None:
    with logs.to_file(tmp_path) as log:
        whole = log.stream
        log.stream = open("/dev/full", "w")  # noqa: SIM115 - closed below
        LOG.info("one")
        LOG.info("two")
        assert log.degraded() == ["log: No space left on device; 2 lines lost"]
        with open("/dev/null", "w") as sink:
            log.stream, lost = sink, log.stream
            LOG.info("three")
            assert log.degraded() == []
        log.stream = whole
        with contextlib.suppress(OSError):
            lost.close()
    assert lines(tmp_path) == []


def test_the_console_reads_what_is_written(tmp_path: Path) -> None:
    with logs.to_file(tmp_path), logs.bound(request="r-7", run="run-0003"):
        LOG.warning("slow")
        try:
            raise ValueError("inside")
        except ValueError:
            LOG.exception("it failed")
    file = LogFile(tmp_path / logs.FILE)
    newest, oldest = list(file.older)
    file.close()
    assert (oldest.source, oldest.text, oldest.level) == ("test", "slow", 30)
    assert newest.text == "it failed"
    assert newest.more[-1] == "ValueError: inside"
