"""The compile check prints a line for every kernel pair, names what it skips, and fails when a kernel does or spills too much."""

from __future__ import annotations

import shutil

import pytest

from hip_cuda_kernels import compile_check
from hip_cuda_kernels.compile_check import SPILL_BOUND, Compiler, Outcome, Usage, hipcc_usage, nvcc_usage

PTXAS = """ptxas info    : Compiling entry function 'A_filter' for 'sm_86'
ptxas info    : Function properties for A_filter
    272 bytes stack frame, 12 bytes spill stores, 24 bytes spill loads
ptxas info    : Used 48 registers, used 0 barriers, 272 bytes cumulative stack size
ptxas info    : Compiling entry function 'A_filter' for 'sm_90'
ptxas info    : Function properties for A_filter
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 50 registers, used 0 barriers
"""
CLANG = """u.cu:7:1: remark: Function Name: A_filter [-Rpass-analysis=kernel-resource-usage]
u.cu:7:1: remark:     SGPRs: 96 [-Rpass-analysis=kernel-resource-usage]
u.cu:7:1: remark:     VGPRs: 30 [-Rpass-analysis=kernel-resource-usage]
u.cu:7:1: remark:     ScratchSize [bytes/lane]: 272 [-Rpass-analysis=kernel-resource-usage]
u.cu:7:1: remark:     SGPRs Spill: 1 [-Rpass-analysis=kernel-resource-usage]
u.cu:7:1: remark:     VGPRs Spill: 2 [-Rpass-analysis=kernel-resource-usage]
"""


def use(monkeypatch: pytest.MonkeyPatch, *found: Compiler | str) -> None:
    monkeypatch.setattr(compile_check, "compilers", lambda: iter(found))


def spilling(spilled: int) -> Compiler:
    usage = {f"Lcg48Java_all_64_{kernel}": [Usage("sm_0", 9, spilled)] for kernel in ("filter", "judge")}
    return Compiler("fake", lambda source: Outcome(True, usage, ""))


def test_each_unit_and_each_missing_compiler_gets_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, "nvcc: not here", spilling(SPILL_BOUND))
    assert compile_check.main(["lcg48/*"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "skipped: nvcc: not here"
    assert [line.split(":")[0] for line in lines if "compiled in" in line] == [
        "fake   c_libraries",
        "fake   java",
    ]
    assert any("lcg48/java" in line and "registers 9/9" in line for line in lines)
    assert lines[-1] == "compiled, never run on a GPU"


def test_more_spilled_registers_than_the_bound_fail_the_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, spilling(SPILL_BOUND + 4))
    assert compile_check.main(["lcg48/java"]) == 1
    assert f"{SPILL_BOUND + 4} bytes of registers spilled" in capsys.readouterr().err


def test_a_kernel_that_does_not_compile_fails_the_check_with_its_messages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, Compiler("fake", lambda source: Outcome("Java" not in source, {}, "no such word")))
    assert compile_check.main(["lcg48/*"]) == 1
    said = capsys.readouterr()
    assert "java: FAILED" in said.out
    assert "no such word" in said.err


def test_both_forms_of_the_twister_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    sources: list[str] = []
    use(monkeypatch, Compiler("fake", lambda source: (sources.append(source), Outcome(True, {}, ""))[1]))
    compile_check.main(["php"])
    assert [name in sources[0] for name in ("_near_64_filter", "_near_64,", "_all_64,")] == [
        False,
        True,
        True,
    ]


def test_usage_is_read_from_both_compilers_messages() -> None:
    assert nvcc_usage(PTXAS) == {"A_filter": [Usage("sm_86", 48, 12), Usage("sm_90", 50, 0)]}
    assert hipcc_usage(CLANG) == {"A_filter": [Usage("gfx1030", 30, 12)]}


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("nvcc") or shutil.which("hipcc")), reason="no GPU compiler is installed"
)
def test_every_kernel_compiles_with_the_compilers_at_hand() -> None:
    """Run for about 90 s."""
    assert compile_check.main([]) == 0
