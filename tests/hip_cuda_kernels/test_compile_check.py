"""The compile check prints a line for every kernel and compiler, names what it skips, and fails when a kernel does."""

from __future__ import annotations

import shutil

import pytest

from hip_cuda_kernels import compile_check
from hip_cuda_kernels.compile_check import Compiler


def use(monkeypatch: pytest.MonkeyPatch, *found: Compiler | str) -> None:
    monkeypatch.setattr(compile_check, "compilers", lambda: iter(found))


def test_each_kernel_and_each_missing_compiler_gets_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, "nvcc: not here", Compiler("fake", "sm_0", lambda source: (len(source), "")))
    assert compile_check.main(["lcg48/*"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "skipped: nvcc: not here"
    assert [line.split()[2] for line in lines[1:3]] == ["lcg48/drand48", "lcg48/java"]
    assert lines[-1] == "compiled, never run on a GPU"


def test_a_kernel_that_does_not_compile_fails_the_check_with_its_messages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(
        monkeypatch,
        Compiler("fake", "sm_0", lambda source: (0, "no such word") if "Java" in source else (9, "")),
    )
    assert compile_check.main(["lcg48/*"]) == 1
    said = capsys.readouterr()
    assert "FAILED" in said.out
    assert "no such word" in said.err


def test_both_forms_of_the_twister_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    sources: list[str] = []
    use(monkeypatch, Compiler("fake", "sm_0", lambda source: (sources.append(source) or 1, "")))
    compile_check.main(["php"])
    assert ["Beyond" in source for source in sources] == [False, True]


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("nvcc") or shutil.which("hipcc")), reason="no GPU compiler is installed"
)
def test_every_kernel_compiles_with_the_compilers_at_hand() -> None:
    """Run for about 45 s."""
    assert compile_check.main([]) == 0
