"""The guard's own judgement, without SSH and mostly without a process: silence, slots, who may start."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.rigs.onrig import guard

Event = dict[str, Any]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What the guard says to the engine, instead of on stdout."""
    heard: list[Event] = []
    write = os.write

    def kept(fd: int, data: bytes) -> int:
        if fd != 1:
            return write(fd, data)
        heard.extend(json.loads(line) for line in data.splitlines())
        return len(data)

    monkeypatch.setattr("os.write", kept)
    return heard


@pytest.fixture
def one(tmp_path: Path, said: list[Event], monkeypatch: pytest.MonkeyPatch) -> Iterator[guard.Guard]:
    """A guard inside this process: it buries its own workers alone, because all that it would adopt there is ours."""
    terms = {"lease": 10, "slots": 1, "slot_dir": f"{tmp_path}/slots", "delay": 0, "silence": 8, "kmsg": "/none"}  # fmt: skip
    made = guard.Guard(terms)

    def reap() -> None:
        for worker in list(made.workers.values()):
            if worker.process.poll() is not None:
                made.bury(worker)

    monkeypatch.setattr(made, "reap", reap)
    monkeypatch.setattr(guard, "end_orphans", lambda keep: None)
    yield made
    made.end()
    for end in (made.wake, made.alarm):
        end.close()


def order(number: int, script: str = "read line", **others: Any) -> Event:
    return {
        "op": "start", "name": "gpu0", "attempt": number, "argv": ["/bin/sh", "-c", script], "env": {}, "start_limit": 20,
        "first": None, **others,
    }  # fmt: skip


def rounds(one: guard.Guard, until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not until():
        assert time.monotonic() < deadline, "it did not come"
        one.round()
        time.sleep(0.001)  # stdin may be at its end here, and a round does not wait then


def test_a_guard_that_stood_still_reads_before_it_ends_the_lease(
    one: guard.Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    with monkeypatch.context() as patched:
        patched.setattr("time.monotonic", lambda: clock[0])
        patched.setattr("select.select", lambda *_: ([], [], []))
        one.rounded = one.talk.heard = 100.0

        def stalled() -> None:
            clock[0] += 12

        patched.setattr(one, "open_gate", stalled)
        one.round()
        assert one.why == "", "a beat may lie unread"
        one.round()
        assert one.why == "lease of 10 s ended", "it had its chance"


def test_one_that_dies_at_the_gate_takes_no_slot_though_its_successor_bears_its_name(
    one: guard.Guard, said: list[Event]
) -> None:
    taken = one.gate.slots.take()
    assert taken is not None
    gated = """printf '{"event": "gate"}\\n'; read line; read line"""
    for name in ("gpu1", "gpu0"):
        one.obey(order(1, gated, name=name))
    rounds(one, lambda: all(worker.phase == "gate" for worker in one.workers.values()))
    for name in ("gpu1", "gpu0", "gpu0"):
        one.obey({"op": "admit", "name": name})
    one.obey({"op": "kill", "name": "gpu0"})
    rounds(one, lambda: "gpu0" not in one.workers)
    one.obey(order(2))
    os.close(taken)
    one.obey({"op": "kill", "name": "gpu1"})
    rounds(one, lambda: "gpu1" not in one.workers)
    one.round()
    assert "gpu0" not in [event["name"] for event in said if event["event"] == "slot"]
    slot = one.gate.slots.take()
    assert slot is not None, "nobody has it"
    os.close(slot)


def test_a_second_start_of_a_name_is_refused_also_while_the_first_waits_for_its_slot(
    one: guard.Guard, said: list[Event]
) -> None:
    taken = one.gate.slots.take()
    assert taken is not None
    one.obey(order(1, gated=True))
    one.obey(order(2, gated=True))
    assert [(event["event"], event["attempt"]) for event in said] == [("refused", 2)]
    os.close(taken)


@pytest.mark.parametrize("stream", [1, 2])
def test_a_worker_that_closes_an_output_is_neither_heard_nor_read_for_ever(
    one: guard.Guard, stream: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.obey(order(1, f"exec {stream}>&-; read line"))
    worker = one.workers["gpu0"]
    end = (worker.out, worker.err)[stream - 1]
    rounds(one, lambda: end not in worker.readers())
    heard = worker.heard
    watched: list[int] = []

    def select(read: list[int], *_: object) -> tuple[list[int], list[int], list[int]]:
        watched.extend(read)
        return [], [], []

    with monkeypatch.context() as patched:
        patched.setattr("select.select", select)
        one.round()
    assert end not in watched, "select would return at once for as long as it lives"
    assert worker.heard == heard


def test_a_worker_that_reads_nothing_is_killed_before_a_line_is_cut(
    one: guard.Guard, said: list[Event]
) -> None:
    one.obey(order(1, "sleep 60"))
    for _ in range(3):
        one.obey({"op": "line", "name": "gpu0", "line": {"text": "x" * 30_000}})
    rounds(one, lambda: not one.workers)
    assert said[-1]["cause"] == "it does not read what it is told"


def test_a_guard_that_fails_itself_ends_its_workers_and_says_why(
    one: guard.Guard, said: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    one.obey(order(1, "sleep 60"))

    def gone() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(one.gate.slots, "take", gone)
    one.gate.starts.append(order(2, name="gpu1"))
    with pytest.raises(OSError, match="No space"):
        one.live()
    assert not one.workers
    assert said[-1]["event"] == "down"
    assert "No space left on device" in said[-1]["why"]


def test_a_start_that_is_not_sound_is_refused_by_its_name_or_its_engine_would_wait_for_ever(
    one: guard.Guard, said: list[Event]
) -> None:
    one.obey(order(3, argv="/bin/true"))
    assert said == [{"event": "refused", "name": "gpu0", "attempt": 3, "why": "a start without a sound argv"}]
