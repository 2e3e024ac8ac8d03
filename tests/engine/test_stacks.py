"""Stacks of the live process: every named loop's tasks with their chain of awaits, every thread, no value, bounded."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from engine import stacks
from engine.cli import main


async def inner(event: asyncio.Event, password: str) -> None:
    await event.wait()


async def outer(event: asyncio.Event) -> None:
    await inner(event, "pl4nted")


async def test_a_tasks_chain_of_awaits_is_told_outermost_first() -> None:
    stacks.name_loop("test")
    event = asyncio.Event()
    task = asyncio.create_task(outer(event), name="patient")
    await asyncio.sleep(0)
    found = stacks.stacks()
    event.set()
    await task
    row = next(row for row in found["tasks"] if row["name"] == "patient")
    assert row["loop"] == "test"
    assert [frame.split(" ")[1] for frame in row["frames"]] == ["outer", "inner", "Event.wait"]
    assert row["frames"][0].startswith("tests/engine/test_stacks.py:")
    assert row["waits_on"] == "future"
    assert "pl4nted" not in str(found), "places are told, never values"


async def test_threads_are_told_with_the_loop_that_they_run() -> None:
    stacks.name_loop("test")
    release = threading.Event()

    def wait_here() -> None:
        release.wait()

    thread = threading.Thread(target=wait_here, name="waiter")
    thread.start()
    found = stacks.stacks()
    release.set()
    thread.join()
    waiter = next(row for row in found["threads"] if row["name"] == "waiter")
    assert any(frame.endswith("wait_here") or "wait_here" in frame for frame in waiter["frames"])
    assert next(row for row in found["threads"] if row["name"] == "MainThread")["loop"] == "test"


async def test_an_answer_is_bounded_and_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stacks.name_loop("test")
    monkeypatch.setattr(stacks, "TASKS", 5)
    event = asyncio.Event()
    tasks = [asyncio.create_task(outer(event)) for _ in range(20)]
    await asyncio.sleep(0)
    found = stacks.stacks()
    event.set()
    await asyncio.gather(*tasks)
    assert len(found["tasks"]) == 5
    assert found["cut"] >= 15
    assert "more not shown" in stacks.text(found)


async def test_tasks_that_stand_in_one_place_are_printed_once() -> None:
    stacks.name_loop("test")
    event = asyncio.Event()
    tasks = [asyncio.create_task(outer(event)) for _ in range(20)]
    await asyncio.sleep(0)
    text = stacks.text(stacks.stacks())
    event.set()
    await asyncio.gather(*tasks)
    assert "and 19 more like it" in text
    assert text.count("test_stacks.py") < 8


def test_without_an_engine_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--state", str(tmp_path), "stacks"]) == 6
    assert "no engine answers" in capsys.readouterr().err
