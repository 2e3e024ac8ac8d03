"""A plan is strict: unknown faults, unreadable files and impossible spans are one line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import BadInput, UsageError
from engine.soak.plan import FaultAt, Plan, faults_of

KNOWN = ("kill_engine", "kill_worker", "full_disk")


def test_compression_shortens_everything_but_not_below_what_can_be_read() -> None:
    whole, short = Plan(scenario="a", hours=2.0), Plan(scenario="a", hours=2.0, compress=60)
    assert (whole.seconds, whole.warm_up, whole.cadence) == (7200.0, 1200.0, 10.0)
    assert (short.seconds, short.warm_up, short.cadence) == (120.0, 20.0, 1.0)


def test_named_faults_are_spread_over_the_time_after_warm_up() -> None:
    plan = Plan(scenario="b", hours=1.0, faults=faults_of("all", KNOWN))
    seconds = [plan.when(fault) for fault in plan.faults]
    assert [fault.name for fault in plan.faults] == list(KNOWN)
    assert plan.warm_up < seconds[0] < seconds[1] < seconds[2] < plan.seconds
    assert faults_of("none", KNOWN) == faults_of(None, KNOWN) == ()


def test_an_unknown_fault_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="'kill_engin' is unknown; the nearest is 'kill_engine'"):
        faults_of("kill_engin", KNOWN)


def test_a_plan_file_is_read_in_order_of_time_and_refused_with_the_place(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(
        '[[fault]]\nname = "full_disk"\nat = 0.9\noptions = {mb = 4}\n[[fault]]\nname = "kill_engine"\nat = 0.1\n'
    )
    assert faults_of(str(file), KNOWN) == (
        FaultAt(name="kill_engine", at=0.1), FaultAt(name="full_disk", at=0.9, options={"mb": 4}),
    )  # fmt: skip
    file.write_text('[[fault]]\nname = "kill_engine"\nat = 1.5\n')
    with pytest.raises(BadInput, match="fault 1: at: "):
        faults_of(str(file), KNOWN)
    file.write_text("[[faults]]\n")
    with pytest.raises(BadInput, match=r"a list of \[\[fault\]\] tables"):
        faults_of(str(file), KNOWN)


def test_a_plan_survives_its_record() -> None:
    plan = Plan(scenario="c", hours=1.5, compress=3, seed=9, faults=(FaultAt(name="kill_engine", at=0.5),))
    assert Plan.model_validate(plan.described()) == plan
