"""What `mimicry doctor` says of a rig: well, lacking, not ours; one fix per line, and nothing left there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rigside import make_cards

from engine.compute.host import host_report
from engine.rigs.check import Finding, _code, check
from engine.rigs.connection import Done

Settings = Callable[..., Any]


def faults(found: list[Finding]) -> list[str]:
    return [one.what for one in found if not one.ok and not one.optional]


@pytest.fixture
def roots(tmp_path: Path) -> tuple[str, ...]:
    return (str(make_cards(tmp_path / "sys", 2)), "/proc", "false")


async def test_a_healthy_rig_lacks_nothing_but_its_code(
    rig_settings: Settings,
    staging: Path,
    roots: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("ENOUGH_RAM", 1), ("ENOUGH_DISK", 1), ("MOST_LOAD", 1e6)):
        monkeypatch.setattr(f"engine.rigs.check.{name}", value)
    for card in (tmp_path / "sys").glob("bus/pci/devices/*"):
        (card / "driver").mkdir()
    found = await check(rig_settings(2, deploy_to=str(tmp_path / "home")), roots=roots)
    assert faults(found) == ["no code deployed"]
    assert found[-1].fix == "mimicry rig deploy rig-a --wheels DIR"
    said = " | ".join(one.what for one in found)
    assert "reached, host key known" in said
    assert "driver amdgpu" in said
    assert "2 GPUs on the bus" in said
    assert not list(staging.iterdir())


@pytest.mark.slow
async def test_what_lacks_is_said_with_one_fix_each(
    rig_settings: Settings, roots: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """About 4 s."""
    for name, value in (
        ("ENOUGH_RAM", 1 << 60),
        ("ENOUGH_DISK", 1 << 60),
        ("MOST_LOAD", -1.0),
        ("MOST_CLOCK", -1.0),
    ):
        monkeypatch.setattr(f"engine.rigs.check.{name}", value)
    found = await check(rig_settings(3, deploy_to=str(tmp_path / "home")), roots=roots)
    said = faults(found)
    for part in (
        "RAM free",
        "free on /",
        "load",
        "driver none",
        "0000:05:00.0 missing",
        "clock",
        "no code deployed",
    ):
        assert any(part in line for line in said), (part, said)
    assert all(one.fix for one in found if not one.ok)


async def test_other_code_than_ours_is_said_with_its_fix(
    rig_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def installed(rig: Any, settings: Any) -> dict[str, Any]:
        return {"current": "f" * 64, "whole": True}

    async def run(command: str, **_: Any) -> Done:
        return Done(0, f"2.3 2026.8 {report.digest} {'0' * 64}\n", "")

    report = host_report(self_test=False)
    monkeypatch.setattr("engine.rigs.check.installed", installed)
    found = [one async for one in _code(SimpleNamespace(run=run), rig_settings(1))]
    assert [one.what for one in found if one.ok][2] == f"kernels {report.digest[:12]}"
    assert [(one.what, one.fix) for one in found if not one.ok] == [
        (f"version 000000000000, ours is {report.code[:12]}: its workers are refused", "mimicry rig deploy rig-a --wheels DIR")
    ]  # fmt: skip


async def test_a_missing_python_is_one_line_and_ends_the_look(rig_settings: Settings) -> None:
    found = await check(rig_settings(1, python="/no/such/python"))
    assert found[-1] == Finding(False, "/no/such/python does not run", "install Python 3.11 or newer there, or set `python` in room.toml")  # fmt: skip


@pytest.mark.parametrize(
    ("change", "what", "fix"),
    [
        ({"port": 1}, "cannot connect", "check that it is up"),
        ({"user": "nobody"}, "login refused", "append"),
        ({"host_keys": ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBvwYBnvcWqAFUjd1HKjPg2yYBEmfa+W7mBRcUnkmDLn",)}, "host key is NOT the trusted one", "somebody may sit between"),
        ({"staging": "/proc/nowhere"}, "cannot write /proc/nowhere", "check its space"),
    ],
)  # fmt: skip
async def test_a_rig_that_is_not_ours_is_one_finding(
    rig_settings: Settings, change: dict[str, Any], what: str, fix: str
) -> None:
    found = await check(rig_settings(1, **change))
    last = found[-1]
    assert not last.ok
    assert what in last.what
    assert last.fix


@pytest.mark.slow
def test_doctor_names_every_rig_and_the_one_that_is_described_wrongly(
    rig_settings: Settings, server: Any, tmp_path: Path
) -> None:
    """About 6 s."""
    good = rig_settings(1, deploy_to=str(tmp_path / "home"))
    (tmp_path / "room.toml").write_text(
        f'[[rigs]]\nname = "rig-a"\nhost = "127.0.0.1"\nport = {good.port}\nuser = "{good.user}"\nkey = "{good.key}"\n'
        f'host_keys = {json.dumps(good.host_keys)}\npython = "{sys.executable}"\nstaging = "{good.staging}"\n'
        '[[rigs]]\nname = "rig-b"\nhots = "127.0.0.1"\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", "--state", str(tmp_path), "doctor"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 5
    lines = done.stdout.splitlines()
    assert any("rig rig-a" in line and "reached, host key known" in line for line in lines), done.stdout
    assert any("'hots' is unknown  → the nearest is 'host'" in line for line in lines), done.stdout
