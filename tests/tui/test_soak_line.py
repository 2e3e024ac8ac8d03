"""The line above the plots: whole on a wide terminal, its least important parts gone on a narrow one."""

from __future__ import annotations

from typing import Any

import pytest

from tui.model.soak import soak_line
from tui.model.text import length

RUNNING: dict[str, Any] = {
    "scenario": "b", "phase": "runs", "t": 700.0, "seconds": 1800.0, "warm_up": 450.0, "asked": 42, "draws": 0,
    "halts": 7, "halt_worst": 1.31, "faults": 0, "faults_planned": 0, "deaths": 9, "findings": 2,
}  # fmt: skip


def text(told: dict[str, Any] | None, cells: int) -> str:
    return "".join(part.text for part in soak_line(told, cells))


def test_a_wide_line_says_everything() -> None:
    line = text(RUNNING, 160)
    for part in (
        "SOAK B queue",
        "11m",
        "steady",
        "halts 7 worst 1.31 s",
        "deaths 9",
        "asked 42",
        "findings 2",
    ):
        assert part in line
    assert "warm-up" in text(RUNNING | {"t": 100.0}, 160)


@pytest.mark.parametrize("cells", [40, 60, 80, 160])
def test_a_line_fits_its_terminal_and_keeps_findings(cells: int) -> None:
    line = soak_line(RUNNING, cells)
    assert length(line) <= cells
    assert "SOAK B" in text(RUNNING, cells)


def test_what_needs_a_look_is_coloured_and_calm_is_not() -> None:
    roles = {part.text: part.role for part in soak_line(RUNNING, 160)}
    assert roles["halts 7 worst 1.31 s"] == "warn"
    assert roles["findings 2"] == "fail"
    calm = {part.text: part.role for part in soak_line(RUNNING | {"findings": 0, "halt_worst": 0.2}, 160)}
    assert calm["findings 0"] == "dim"
    assert calm["halts 7 worst 0.20 s"] == ""


def test_without_a_soak_it_says_how_to_start_one() -> None:
    assert "mimicry soak" in text(None, 80)
