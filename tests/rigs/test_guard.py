"""The guard's own judgement, without a process: what it has not read yet is no silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.rigs.onrig import guard


def test_a_guard_that_stood_still_reads_before_it_ends_the_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(guard.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(guard.select, "select", lambda *_: ([], [], []))
    terms = {
        "lease": 10,
        "slots": 1,
        "slot_dir": f"{tmp_path}/slots",
        "delay": 0,
        "silence": 8,
        "kmsg": "/none",
    }
    one = guard.Guard(terms)

    def stalled() -> None:
        clock[0] += 12

    monkeypatch.setattr(one, "open_gate", stalled)
    one.round()
    assert one.why == "", "a beat may lie unread"
    one.round()
    assert one.why == "lease of 10 s ended", "it had its chance"
