"""The line above the plots: whole on a wide terminal, its least important parts gone on a narrow one."""

from __future__ import annotations

from typing import Any

import pytest

from tui.model.readings import KNOWN, known_as, titled, weighed
from tui.model.soak import growers_line, soak_line
from tui.model.text import length, text_of

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
    assert length(soak_line(None, cells)) <= cells
    assert "S starts one" in text(None, cells)


def test_what_needs_a_look_is_coloured_and_calm_is_not() -> None:
    roles = {part.text: part.role for part in soak_line(RUNNING, 160)}
    assert roles["halts 7 worst 1.31 s"] == "warn"
    assert roles["findings 2"] == "fail"
    calm = {part.text: part.role for part in soak_line(RUNNING | {"findings": 0, "halt_worst": 0.2}, 160)}
    assert calm["findings 0"] == "dim"
    assert calm["halts 7 worst 0.20 s"] == ""


def test_without_a_soak_it_says_how_to_start_one() -> None:
    assert "S starts one" in text(None, 80)


def test_what_grows_by_more_than_its_noise_is_named_the_fastest_for_its_size_first() -> None:
    def series(per_hour: float | None, half: float, last: float) -> dict[str, Any]:
        lo = None if per_hour is None else per_hour - half
        return {"values": [last, None], "per_hour": per_hour, "lo": lo, "hi": per_hour and per_hour + half}

    told = {
        "engine.pss_mb": series(2.0, 0.5, 100.0),
        "engine.handles": series(3.0, 1.0, 30.0),
        "engine.tasks": series(0.1, 0.4, 30.0),
        "engine.cpu": series(None, 0.0, 3.0),
    }
    told["engine.gc"] = {"values": [1e6], "per_hour": 499.0, "lo": 40.0, "hi": 15_700.0}
    line = growers_line(told, {"engine.pss_mb": ("Memory pss", "MB"), "engine.handles": ("Handles", "")}, 100)
    assert "".join(part.text for part in line) == (
        " grows   Handles +3 ±1/h  Memory pss +2 ±0.5 MB/h  engine.gc +499 (+40 to +15,700)/h"
    )


def test_a_count_since_the_start_is_not_named_as_growth() -> None:
    told = {name: {"values": [1.0]} for name in ("engine.gc", "engine.blocks", "engine.new")}
    assert list(weighed(told)) == ["engine.blocks", "engine.new"]


def test_growth_without_a_slope_yet_is_not_called_none():
    early = {"engine.pss_mb": {"values": [170.0], "per_hour": None, "lo": None, "hi": None}}
    assert "too early to say" in text_of([growers_line(early, {}, 80)])
    flat = {"engine.pss_mb": {"values": [170.0], "per_hour": 0.1, "lo": -1.0, "hi": 1.0}}
    assert "nothing by more than its noise" in text_of([growers_line(flat, {}, 80)])


@pytest.mark.parametrize(("rate", "written"), [(96.0, "96 h/s"), (4.2e8, "420 Mh/s"), (2.5e9, "2.5 Gh/s")])
def test_a_rate_has_the_prefix_that_keeps_its_axis_short(rate: float, written: str) -> None:
    got = {"values": [rate / 3, None, rate], "per_hour": None, "lo": None, "hi": None, "flat": False}
    known, scaled = known_as("compute.rate", got)
    assert titled(known, scaled, 40) == f"Throughput {written}  slope ?"
    assert known_as("engine.tasks", got) == (KNOWN["engine.tasks"], got)
