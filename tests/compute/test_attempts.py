"""What became of tries without a result: causes are kept apart, survive the engine, and carry what the kernel said."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from conformance import until
from sample_kinds import KINDS

from engine.compute import here
from engine.compute.attempts import Attempt, AttemptLog, kernel_log, utc
from engine.compute.cluster import Compute
from engine.compute.task import Task


def attempt(number: int, error: str = "boom") -> Attempt:
    return Attempt(
        at=utc(), key="k", kind="sieve", number=number, worker="w", outcome="died", code=-9, seconds=1.0, error=error,
        words="last words", kernel="",
    )  # fmt: skip


def test_a_retry_never_overwrites_the_first_cause_and_a_new_engine_reads_both(tmp_path: Path) -> None:
    log = AttemptLog(tmp_path / "logs" / "attempts.jsonl")
    log.add(attempt(1, "first cause"))
    log.add(attempt(2, "second cause"))
    again = AttemptLog(tmp_path / "logs" / "attempts.jsonl")
    assert [one.error for one in again.newest(10)] == ["second cause", "first cause"]
    assert [one.error for one in again.newest(1)] == ["second cause"]
    assert (tmp_path / "logs" / "attempts.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_broken_line_costs_itself_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "attempts.jsonl"
    AttemptLog(path).add(attempt(1))
    with path.open("a") as out:
        out.write('{"half": ')
    assert len(AttemptLog(path).newest(10)) == 1
    assert "no attempt" in caplog.text


def test_a_disk_that_refuses_costs_the_copy_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "attempts.jsonl").mkdir()
    log = AttemptLog(tmp_path / "attempts.jsonl")
    log.add(attempt(1))
    assert len(log.newest(10)) == 1
    assert "is not on disk" in caplog.text


def test_the_kernels_log_is_read_from_the_attempts_begin_and_about_devices(tmp_path: Path) -> None:
    kmsg = tmp_path / "kmsg"
    kmsg.write_text("6,1,2000000,-;amdgpu: before\n")
    assert kernel_log(3.0, str(kmsg)) == ""
    kmsg.write_text("3,2,4000000,-;amdgpu 0000:0f:00.0: ring gfx timeout\n SUBSYSTEM=pci\n")
    assert kernel_log(3.0, str(kmsg)) == "amdgpu 0000:0f:00.0: ring gfx timeout"
    absent = tmp_path / "absent"
    assert kernel_log(0.0, str(absent)) == f"kernel log not readable: {absent}: No such file or directory"
    assert isinstance(kernel_log(time.monotonic()), str)


def test_each_gpu_of_this_machine_is_shown_alone(tmp_path: Path) -> None:
    nvidia, amd = tmp_path / "nvidia", tmp_path / "amd"
    for card in ("0000:01:00.0", "0000:02:00.0"):
        (nvidia / card).mkdir(parents=True)
    for node, units in (("0", 0), ("1", 56)):
        (amd / node).mkdir(parents=True)
        (amd / node / "properties").write_text(f"cpu_cores_count 8\nsimd_count {units}\n")
    assert here.gpus(nvidia, amd) == [
        {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "0"},
        {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "1"},
        {"ROCR_VISIBLE_DEVICES": "0", "HIP_VISIBLE_DEVICES": "0"},
    ]
    assert here.gpus(tmp_path / "none", tmp_path / "none") == []


async def test_hung_dying_failing_and_unfit_tasks_leave_their_causes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.compute.relief.PATIENCE", 0.2)
    async with await Compute.start(tmp_path, workers=1, kinds=KINDS) as compute:
        # A kernel that hangs: its worker is killed at the limit, and the second try, hung too, has a cause of its own.
        monkeypatch.setattr("engine.compute.traffic.RERUNS", 1)
        hung = await compute.run(Task("deaf", "hung", {"mark": str(tmp_path / "m")}, limit=0.5))
        assert not hung.ok
        assert "its worker died 2 times" in (hung.error or "")
        await until(lambda: len(compute.attempts()) == 2)
        assert [(one.outcome, one.number, one.code) for one in compute.attempts()] == [
            ("hung", 2, -9),
            ("hung", 1, -9),
        ]
        assert compute.attempts()[0].error == "hung: no answer within 0.5 s"

        failed = await compute.run(Task("boom", "boom", {}))
        assert compute.attempts()[0].error == failed.error
        assert compute.attempts()[0].outcome == "failed"

        huge = await compute.run(Task("echo", "huge", {}, memory=1 << 60))
        assert "the roomiest worker has" in (huge.error or "")
        assert compute.attempts()[0].outcome == "refused"
        assert (await compute.run(Task("echo", "small", {}, memory=1 << 20))).ok
    assert (
        len([json.loads(line) for line in (tmp_path / "logs" / "attempts.jsonl").read_text().splitlines()])
        == 4
    )
