"""The worker's side alone: kinds, kernels' report, performing a job, drops, light imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from sample_kinds import KINDS

import hip_cuda_kernels
from engine.compute import kinds
from engine.compute.host import NONE, HostReport, code_digest, host_report, take_gpu
from engine.compute.inputs import Shelf
from engine.compute.isolation import run_isolated
from engine.compute.job import Job, decode_answer, decode_job, encode_job
from engine.compute.perform import perform
from engine.compute.rates import RateSeries
from engine.compute.stop import Stop, StopWord
from engine.compute.task import Task, TaskResult
from engine.compute.worker import DROPS_KEPT, Runtime, TaskStop, admission, execute
from engine.errors import EnvironmentFault, UsageError
from hip_cuda_kernels.errors import DeviceRefused, KernelError

SHELF = Shelf(Path("no-such-folder"))


def test_a_halt_that_is_told_before_the_admission_is_no_refusal() -> None:
    lines = [{"generation": 3}, {"drop": 1}, {"scheduler": "tls://127.0.0.1:1", "generation": 4}]
    lease: Any = SimpleNamespace(next=lambda: lines.pop(0))
    assert admission(lease) == {"scheduler": "tls://127.0.0.1:1", "generation": 4}


@pytest.fixture
def word(tmp_path: Path) -> StopWord:
    return StopWord(tmp_path / "stop.word")


class Silent:
    """A lease that nobody hears."""

    def say(self, **event: object) -> None:
        """Say nothing."""


def job_of(task: Task, word: StopWord) -> tuple[Job, bytes]:
    payload = encode_job(task, word.generation())
    return decode_job(payload), payload


def performed(task: Task, word: StopWord) -> TaskResult:
    job, _ = job_of(task, word)
    return decode_answer(task, perform(job, Stop(word, word.generation()), KINDS, "w", SHELF), task.digest())


def test_every_kind_of_the_table_is_an_address_below_the_engine() -> None:
    for name, address in kinds.TABLE.items():
        module, _, function = address.partition(":")
        assert module.startswith("engine."), name
        assert function.isidentifier(), name


def test_extra_kinds_add_but_never_replace() -> None:
    assert kinds.address_of("echo", KINDS) == "sample_kinds:echo"
    assert kinds.address_of("sieve", {"sieve": "evil:run"}) == kinds.TABLE["sieve"]
    with pytest.raises(UsageError, match=r"unknown kind of task 'nope'; known are .*sieve"):
        kinds.address_of("nope")


def test_performing_a_kind_that_does_not_exist_is_a_failed_answer(word: StopWord) -> None:
    result = performed(Task("nope", "k", {}), word)
    assert result.error is not None
    assert result.error.startswith("UsageError: unknown kind")


def test_performing_returns_what_the_kind_returned(word: StopWord) -> None:
    assert performed(Task("echo", "k", {"a": 1}), word).meta["got"] == {"a": 1}


def test_an_isolated_child_that_cannot_start_says_why(
    word: StopWord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.compute.isolation.MODULE", "engine.compute.no_such_module")
    task = Task("echo", "k", {}, isolate=True)
    job, payload = job_of(task, word)
    answer = run_isolated(job, payload, Stop(word, 0), KINDS, "w", SHELF.folder)
    result = decode_answer(task, answer, task.digest())
    assert result.error is not None
    assert result.error.startswith("child ended with exit code 1; stderr:")
    assert "no_such_module" in result.error


def test_a_halted_child_is_dead_before_the_answer_comes(word: StopWord, tmp_path: Path) -> None:
    task = Task("deaf", "k", {"mark": str(tmp_path / "m")}, isolate=True)
    job, payload = job_of(task, word)
    stop = Stop(word, 0)
    asked = 0.0

    class Late(Stop):
        def asked(self) -> bool:
            nonlocal asked
            if (tmp_path / "m").exists() and (tmp_path / "m").read_text() and not asked:
                asked = time.monotonic()
            return bool(asked)

    result = decode_answer(
        task, run_isolated(job, payload, Late(word, 0), KINDS, "w", SHELF.folder), task.digest()
    )
    assert time.monotonic() - asked < 0.3
    assert result.stopped
    assert not Path(f"/proc/{(tmp_path / 'm').read_text()}").exists()
    assert not stop.asked()


def test_isolated_jobs_leave_no_descriptor_behind(word: StopWord) -> None:
    task = Task("echo", "k", {}, isolate=True)
    job, payload = job_of(task, word)
    run_isolated(job, payload, Stop(word, 0), KINDS, "w", SHELF.folder)
    before = len(os.listdir("/proc/self/fd"))
    run_isolated(job, payload, Stop(word, 0), KINDS, "w", SHELF.folder)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_job_older_than_the_halt_does_not_begin(word: StopWord, tmp_path: Path) -> None:
    runtime = Runtime("w", word, Silent(), KINDS, SHELF)  # type: ignore[arg-type]
    task = Task("obey", "k", {"mark": str(tmp_path / "m")})
    _, payload = job_of(task, word)
    word.bump()
    assert decode_answer(task, runtime.run(1, payload), task.digest()).stopped
    assert not (tmp_path / "m").exists()


def test_a_drop_that_overtakes_its_job_still_counts_and_drops_are_bounded(
    word: StopWord, tmp_path: Path
) -> None:
    runtime = Runtime("w", word, Silent(), KINDS, SHELF)  # type: ignore[arg-type]
    task = Task("obey", "k", {"mark": str(tmp_path / "m")})
    _, payload = job_of(task, word)
    runtime.command({"drop": 7})
    assert decode_answer(task, runtime.run(7, payload), task.digest()).stopped
    assert not TaskStop(word, 0, 8, runtime.dropped).asked()
    for serial in range(5000):
        runtime.command({"drop": serial})
    assert len(runtime.dropped) == DROPS_KEPT
    assert 4999 in runtime.dropped


def test_execute_outside_a_worker_is_refused() -> None:
    with pytest.raises(EnvironmentFault, match="inside a worker"):
        execute(1, [(1, b"")])


def test_reports_are_compared_before_a_worker_may_work() -> None:
    own = HostReport("avx2", "a" * 64, ())
    assert HostReport("avx2", "a" * 64, ()).against(own) is None
    assert HostReport.load(json.loads(json.dumps(own.dump()))) == own
    long = HostReport.load(own.dump() | {"broken": "x" * 10_000, "failed": ["y" * 10_000] * 900})
    assert (len(long.broken), len(" ".join(long.failed)) < 11_000) == (500, True)
    assert "kernels differ" in (HostReport("avx2", "b" * 64, ()).against(own) or "")
    other = HostReport("sse2", "a" * 64, ())
    assert "kernels differ" in (other.against(own) or "")
    assert other.against(own, elsewhere=True) is None, "another machine may have another instruction set"
    broken = replace(own, broken="card disagrees with the host")
    assert broken.against(own) is None, "on this machine its worker takes the CPU"
    assert broken.against(own, elsewhere=True) == "GPU self-test failed: card disagrees with the host"
    assert "code differs: worker cccc" in (replace(other, code="c" * 64).against(own, elsewhere=True) or "")
    assert "self-test failed: pcg32/seq" in (HostReport("avx2", "a" * 64, ("pcg32/seq",)).against(own) or "")


def test_the_report_reads_the_kernels_and_names_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    host = ModuleType("hip_cuda_kernels.host")
    host.isa, host.source_digest = lambda: "avx2", lambda: "d1"  # type: ignore[attr-defined]
    host.self_test = lambda: {"good": True, "bad": False}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hip_cuda_kernels.host", host)
    monkeypatch.setattr(hip_cuda_kernels, "host", host, raising=False)
    assert host_report() == HostReport("avx2", "d1", ("bad",), code=code_digest())
    assert host_report(self_test=False) == HostReport("avx2", "d1", (), code=code_digest())

    def broken() -> str:
        raise KernelError("no instruction set agrees")

    host.isa = broken  # type: ignore[attr-defined]
    assert "no instruction set agrees" in (host_report().against(HostReport(NONE, NONE, ())) or "")


def test_a_gpu_that_fails_its_check_is_told_from_one_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for error, broken in ((DeviceRefused("it disagrees"), "it disagrees"), (KernelError("none answers"), "")):
        monkeypatch.setattr("hip_cuda_kernels.gpu.in_use.take", lambda error=error: raise_(error))
        report = take_gpu(HostReport("avx2", "d1", ()))
        assert (report.degraded, report.broken) == (f"no GPU, the CPU searches: {error}", broken)


def raise_(error: Exception) -> None:
    raise error


def test_missing_kernels_are_a_report_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hip_cuda_kernels.host", None)
    monkeypatch.delattr(hip_cuda_kernels, "host", raising=False)
    assert host_report() == HostReport(NONE, NONE, (), code=code_digest())


def test_rates_spread_a_result_over_the_time_it_took() -> None:
    rates = RateSeries()
    rates.add(300.0, 3.0, end=103.0)
    rates.add(10.0, 0.5, end=103.75)
    assert rates.series(5, now=104.2) == pytest.approx([0, 100, 100, 100, 10])
    rates.add(float("nan"), 1.0, end=103.0)
    rates.add(-5.0, 1.0, end=103.0)
    assert sum(rates.series(100, now=110)) == pytest.approx(310)


def test_rates_forget_what_is_old() -> None:
    rates = RateSeries()
    for second in range(20_000):
        rates.add(1.0, 1e-3, end=second + 0.5)
    assert len(rates._done) <= 7201
    assert rates.series(10, now=20_000.5) == pytest.approx([1.0] * 10)


@pytest.mark.parametrize("module", ["stop", "codec", "task", "kinds", "job", "cluster", "host"])
def test_importing_the_door_does_not_load_distributed(module: str) -> None:
    code = f"import sys, engine.compute.{module}; print([m for m in ('distributed', 'dask', 'tornado') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
