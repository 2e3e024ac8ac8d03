"""The fleet as a room sees it: the simulated one under the real rules, the `rig` command, tables, alerts on record, light without rigs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.config import RigSettings
from engine.errors import UsageError
from engine.rigs.attempt import Attempt
from engine.rigs.fleet import Fleet
from engine.rigs.simulated import SimulatedFleet
from engine.rigs.verbs import act
from engine.tables.catalog import table
from engine.tables.table import Window
from state.errors import DiskFull
from state.journal import Journal

LOOSE = "sim-rig-6600b/0000:0f:00.0"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path) as journal:
        yield journal


@pytest.fixture
def fleet(journal: Journal) -> SimulatedFleet:
    fleet = SimulatedFleet(journal)
    for keeper in fleet.keepers:
        keeper.look()  # type: ignore[attr-defined]
    return fleet


def page(fleet: Fleet, name: str, where: str = "") -> list[dict[str, Any]]:
    paced = SimpleNamespace(name="sim-rig-6600/gpu3", rate=14.9e6)
    desk: Any = SimpleNamespace(fleet=fleet, bench=SimpleNamespace(workers=lambda: [paced]))
    return table(name).page(desk, Window(where=where, sort="", limit=100, most=100))["rows"]


def test_the_simulated_fleet_has_26_gpus_and_is_named_so_wherever_it_is_shown(fleet: SimulatedFleet) -> None:
    hosts = fleet.hosts()
    assert [(host.name, len(host.devices)) for host in hosts] == [
        ("sim-zeus", 2),
        ("sim-rig-6600", 12),
        ("sim-rig-6600b", 12),
    ]
    assert all(host.kind == "gpu" and set(host.devices) == {"ok"} for host in hosts)
    assert fleet.degraded()[0] == "fleet: SIMULATED, no rig and no GPU stands behind it"
    assert {row["at"] for row in page(fleet, "rigs")} == {"simulated"}
    assert all("simulated" in row["name"] for row in page(fleet, "gpus"))
    assert len(page(fleet, "gpus", "hot>60 & host~rig-")) == 24
    assert [(row["gpu"], row["rate"]) for row in page(fleet, "gpus", "rate>0")] == [("sim-rig-6600/3", 14.9)]


def test_a_lost_card_is_set_aside_by_its_rule_and_all_of_it_is_on_record(
    fleet: SimulatedFleet, journal: Journal
) -> None:
    assert act(fleet, {"action": "fault", "target": "sim-rig-6600b/5", "reason": "lost"}, "me")["simulated"]
    [row] = page(fleet, "gpus", "state=held")
    assert row["pci"] == "0000:0f:00.0"
    assert row["why"].startswith(
        "quarantined by rule lost: on the bus, but its driver does not answer, 60 min left"
    )
    kinds = [event.kind for event in journal.events(kinds=["alert.", "rig."])]
    assert kinds == ["alert.raised", "rig.quarantined"]
    assert Fleet([], journal).quarantine.of(LOOSE) is not None


def test_an_alert_that_stood_at_the_engine_s_end_is_cleared_by_the_next_one_and_not_raised_twice(
    fleet: SimulatedFleet, journal: Journal
) -> None:
    fleet.inject("sim-zeus/0", "lost")
    for fault in (True, False):
        again = SimulatedFleet(journal)
        if fault:
            again._rigs["sim-zeus"].faults[0] = "lost"
        for keeper in again.keepers:
            keeper.look()  # type: ignore[attr-defined]
    told = [(event.kind, event.data["key"]) for event in journal.events(kinds=["alert."])]
    key = f"lost:{again.key('sim-zeus/0')}"
    assert told == [("alert.raised", key), ("alert.cleared", key)]


def test_a_disk_that_is_full_ends_no_rig_and_what_was_untold_is_told_later(
    fleet: SimulatedFleet, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(journal, "transaction", full)
        fleet.inject("sim-zeus/0", "lost")
        assert list(journal.events(kinds=["alert.", "rig."])) == []
    assert fleet._catch_up()
    kinds = [event.kind for event in journal.events(kinds=["alert.", "rig."])]
    assert kinds == ["alert.raised", "rig.quarantined"]


def test_a_card_of_a_rig_that_was_not_read_yet_is_taken_at_its_address(journal: Journal) -> None:
    fleet = Fleet([RigSettings(name="zeus", host="local")], journal)
    assert fleet.key("zeus/0F:00.0") == fleet.key("zeus/0000:0f:00.0") == "zeus/0000:0f:00.0"
    with pytest.raises(UsageError, match="no GPU '5'; none is known yet"):
        fleet.key("zeus/5")


def full() -> None:
    raise DiskFull(Path("journal"), "writing")


def test_deaths_are_listed_with_their_last_words(fleet: SimulatedFleet, journal: Journal) -> None:
    for code in (1, -9):
        attempt = Attempt(
            "rig-a/gpu0",
            "0000:03:00.0",
            1,
            "2026-01-01",
            2.0,
            code,
            "why",
            "ready",
            "a\nlast\n",
            ("x", "Xid 79"),
        )
        fleet._ended(attempt)
    desk: Any = SimpleNamespace(journal=journal)
    rows = table("deaths").page(desk, Window(where="", sort="", limit=10, most=10))["rows"]
    assert [(row["code"], row["stderr"], row["kernel"]) for row in rows] == [
        (-9, "last", "Xid 79"),
        (1, "last", "Xid 79"),
    ]


def test_a_rig_that_does_not_answer_is_down_and_degraded_and_back_when_healed(fleet: SimulatedFleet) -> None:
    fleet.inject("sim-zeus", "down")
    assert "rig sim-zeus: simulated: no answer" in fleet.degraded()
    assert fleet.hosts()[0].devices == ["stale", "stale"]
    fleet.inject("sim-zeus", "heal")
    assert len(fleet.degraded()) == 1
    with pytest.raises(UsageError, match="no fault 'melt'"):
        fleet.inject("sim-zeus", "melt")


def test_cards_and_rigs_are_set_aside_and_taken_back_by_hand(fleet: SimulatedFleet) -> None:
    done = act(
        fleet,
        {"action": "quarantine", "target": "sim-rig-6600b/0f:00.0", "reason": "loose riser", "hours": 2},
        "ops",
    )
    assert (done["target"], done["state"]) == (LOOSE, "quarantined")
    assert (
        act(fleet, {"action": "drain", "target": "sim-zeus", "reason": "new power supply"}, "ops")["until"]
        is None
    )
    assert [row["state"] for row in page(fleet, "rigs")] == ["drained", "up", "up"]
    assert len(page(fleet, "gpus", "state=held")) == 3
    assert act(fleet, {"action": "include", "target": "sim-zeus"}, "ops") == {
        "target": "sim-zeus",
        "included": True,
    }
    assert not act(fleet, {"action": "include", "target": "sim-zeus"}, "ops")["included"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"action": "explode", "target": "sim-zeus"}, "no action 'explode'"),
        ({"action": "drain", "target": "sim-zeus"}, "say why"),
        ({"action": "drain", "target": "rig-66", "reason": "x"}, "no rig 'rig-66'; nearest: sim-rig-6600"),
        ({"action": "drain", "target": "sim-zeus/99", "reason": "x"}, "rig sim-zeus: no GPU '99'; nearest: "),
        ({"action": "drain", "target": 7, "reason": "x"}, "target and reason are text"),
        ({"action": "drain", "target": "sim-zeus", "reason": "x", "hours": -1}, "hours -1"),
        ({"action": "drain", "target": "sim-zeus", "why": "x"}, "unknown argument 'why'"),
        ({"action": "fault", "target": "sim-zeus/0", "reason": "down"}, "down is a fault of a rig"),
    ],
)
def test_a_wrong_command_is_one_line(fleet: SimulatedFleet, args: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        act(fleet, args, "ops")
    assert said in str(caught.value)


def test_real_rigs_take_no_faults(journal: Journal) -> None:
    with pytest.raises(UsageError, match="only in a simulated fleet"):
        act(Fleet([], journal), {"action": "fault", "target": "rig-a", "reason": "lost"}, "ops")


async def test_what_expires_is_included_again_and_one_rig_s_trouble_is_its_own(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.rigs.fleet.LOOK", 0.05)
    fleet = SimulatedFleet(journal)
    fleet.quarantine.put(LOOSE, "hot", "rule edge-high", 0.1)
    task = asyncio.create_task(fleet.run())
    await asyncio.sleep(0.6)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert fleet.quarantine.of(LOOSE) is None
    assert journal.last(["rig.included"]) is not None


async def test_rigs_are_kept_while_the_engine_s_loop_stalls(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.rigs.simulated.PERIOD", 0.05)
    fleet = SimulatedFleet(journal)
    task = asyncio.create_task(fleet.run())
    await asyncio.sleep(0.6)  # the last one's first reading is due after half a second
    time.sleep(0.8)  # noqa: ASYNC251 - the stall itself
    assert all(machine.age < 0.6 for machine in fleet.machines)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not [thread for thread in threading.enumerate() if thread.name == "fleet"]


async def test_a_fleet_ends_though_a_rig_s_library_swallows_its_cancellation(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.rigs.fleet.AGAIN", 0.05, raising=False)
    fleet, connecting, ended = SimulatedFleet(journal), threading.Event(), threading.Event()

    async def connects() -> None:
        connecting.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            try:  # as asyncio.wait_for does where what it waits for is done in the same moment
                await asyncio.sleep(60)
            finally:
                ended.set()

    monkeypatch.setattr(fleet.keepers[0], "run", connects)
    running = asyncio.create_task(fleet.run())
    await asyncio.to_thread(connecting.wait, 5)
    running.cancel()
    await asyncio.wait({running}, timeout=5)
    assert running.done()
    assert ended.is_set()


def test_a_room_without_rigs_loads_nothing_of_them() -> None:
    code = "import sys, engine.room, engine.commands.fleet; print([m for m in sys.modules if m.startswith(('engine.rigs', 'asyncssh'))])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
