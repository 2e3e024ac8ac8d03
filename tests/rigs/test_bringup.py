"""Bring-up with a real guard and real worker processes, here and over a real sshd: gate, admission, death, relaunch, halt, and no orphan after any end."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from rigside import SmallCrew, make_cards, until

from engine.config import RigSettings
from engine.rigs.fleet import Fleet

Raise = Callable[..., Any]


def initialisations(log: Path) -> list[tuple[float, float]]:
    return [tuple(json.loads(line)[1:]) for line in log.read_text().splitlines()]


def most_at_once(spans: list[tuple[float, float]]) -> int:
    """Return how many initialisations overlapped at most, from the workers' own clocks."""
    edges = sorted([(begun, 1) for begun, _ in spans] + [(ended, -1) for _, ended in spans])
    inside, most = 0, 0
    for _, step in edges:
        inside += step
        most = max(most, inside)
    return most


async def test_every_card_gets_a_worker_and_they_initialise_one_at_a_time(
    raise_rig: Raise, crew: SmallCrew, staging: Path
) -> None:
    async with raise_rig(4, ssh=True) as stage:
        await stage.all_ready(4)
        assert most_at_once(initialisations(crew.log)) == 1
        assert sorted(json.loads(line)[0] for line in crew.log.read_text().splitlines()) == [
            "0",
            "1",
            "2",
            "3",
        ]
        run = next(staging.glob("mimicry-run-*"))
        assert run.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in run.rglob("*.pem")} == {0o600}
        commands = " ".join(" ".join(process.cmdline()) for process in stage.guard.children(recursive=True))
        assert "secret" not in commands
        assert "4 ready" in f"{len(stage.ready())} ready"
    assert not list(staging.glob("mimicry-run-*"))


@pytest.mark.slow
async def test_workers_that_do_not_know_the_gate_are_started_inside_it(
    raise_rig: Raise, crew: SmallCrew
) -> None:
    """About 5 s."""
    crew.gated, crew.work = True, {"gated": True}
    async with raise_rig(4, stagger=2) as stage:
        await stage.all_ready(4)
        assert 1 <= most_at_once(initialisations(crew.log)) <= 2
        os.kill(stage.worker.pid, signal.SIGKILL)
        await until(lambda: stage.attempts)
        await stage.all_ready(4)
        assert most_at_once(initialisations(crew.log)) <= 2


@pytest.mark.slow
async def test_a_card_that_is_off_the_bus_leaves_each_other_worker_its_own_card(
    raise_rig: Raise, crew: SmallCrew, tmp_path: Path
) -> None:
    """About 4 s."""
    make_cards(tmp_path / "sys", 3)
    shutil.rmtree(tmp_path / "sys/bus/pci/devices/0000:04:00.0")
    async with raise_rig(3) as stage:
        await stage.all_ready(2)
        assert [stage.life.workers[slot].state for slot in (0, 2)] == ["ready", "ready"]
        assert sorted(json.loads(line)[0] for line in crew.log.read_text().splitlines()) == ["0", "1"]
        assert "does not answer" in stage.life.workers[1].note


@pytest.mark.slow
async def test_two_engines_share_the_rig_s_slots(raise_rig: Raise, crew: SmallCrew) -> None:
    """About 5 s."""
    async with raise_rig(2, name="rig-a", ssh=True) as one, raise_rig(2, name="rig-b") as two:
        await one.all_ready(2)
        await two.all_ready(2)
        assert len(initialisations(crew.log)) == 4
        assert most_at_once(initialisations(crew.log)) == 1


async def test_a_killed_worker_comes_back_through_the_gate_and_leaves_its_record(
    raise_rig: Raise, crew: SmallCrew
) -> None:
    crew.work = {"degraded": "no GPU, the CPU searches: it disagrees"}
    async with raise_rig(2) as stage:
        await stage.all_ready(2)
        first = stage.worker.pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: stage.attempts)
        await stage.all_ready(2)
        assert stage.worker.pid != first
        assert (stage.attempts[0].code, stage.attempts[0].cause, stage.attempts[0].phase) == (
            -9,
            "killed by signal 9",
            "ready",
        )
        assert ("rig-a/gpu0", "killed by signal 9") in crew.ended
        assert stage.machine.flaps(stage.worker.pci) == 1
        await until(lambda: stage.worker.note)
        seat = stage.machine.seats[0]
        assert (stage.machine.light(seat), stage.machine.why(seat)) == ("warn", crew.work["degraded"])
        assert most_at_once(initialisations(crew.log)) == 1


async def test_each_attempt_keeps_its_own_words_and_code(raise_rig: Raise, crew: SmallCrew) -> None:
    async with raise_rig(1) as stage:
        for code in (3, 4):
            await stage.all_ready(1)
            stage.worker.running.tell({"do": "exit", "code": code})
            await until(lambda code=code: [a for a in stage.attempts if a.code == code])
        assert [(a.number, a.code, a.cause, a.stderr) for a in stage.attempts] == [
            (1, 3, "exit code 3", "last words of the worker\n"), (2, 4, "exit code 4", "last words of the worker\n"),
        ]  # fmt: skip


async def test_a_death_keeps_what_the_kernel_said_meanwhile(raise_rig: Raise, tmp_path: Path) -> None:
    log = tmp_path / "kmsg"
    log.write_text("3,1,1,-;amdgpu 0000:03:00.0: an old ring timeout\n")
    async with raise_rig(1, terms={"kmsg": str(log)}) as stage:
        await stage.all_ready(1)
        with log.open("a") as kernel:
            kernel.write(
                "3,2,2,-;usb 1-1: new device\n3,3,3,-;amdgpu 0000:03:00.0: ring gfx timeout, GPU reset begin!\n"
            )
        os.kill(stage.worker.pid, signal.SIGKILL)
        await until(lambda: stage.attempts)
        assert stage.attempts[0].kernel == ("amdgpu 0000:03:00.0: ring gfx timeout, GPU reset begin!",)


async def test_a_kernel_log_that_the_guard_may_not_read_is_asked_for_over_the_connection(
    raise_rig: Raise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "engine.rigs.kernel.COMMAND", "echo 'amdgpu 0000:03:00.0: GPU reset'; echo usb 1-1: a mouse"
    )
    async with raise_rig(1, ssh=True, terms={"kmsg": "/no/kmsg"}) as stage:
        await stage.all_ready(1)
        os.kill(stage.worker.pid, signal.SIGKILL)
        await until(lambda: stage.attempts)
        assert stage.attempts[0].kernel == ("amdgpu 0000:03:00.0: GPU reset",)
        await stage.all_ready(1)
        monkeypatch.setattr(
            "engine.rigs.kernel.COMMAND",
            "echo 'dmesg: read kernel buffer failed: Operation not permitted'; exit 9",
        )
        for count in (2, 3):
            calls = stage.life.reach.calls.total
            os.kill(stage.worker.pid, signal.SIGKILL)
            await until(lambda count=count: len(stage.attempts) == count)
            (told,) = stage.attempts[-1].kernel
            assert told.startswith(
                "kernel log not readable: /no/kmsg: No such file or directory; dmesg: read kernel buffer failed"
            )
            assert told.endswith("usermod -aG systemd-journal USER, or sysctl kernel.dmesg_restrict=0")
            await stage.all_ready(1)
        assert stage.life.reach.calls.total - calls <= 1, "a rig that refuses is not asked again"


async def test_a_worker_that_cannot_start_says_why(raise_rig: Raise, crew: SmallCrew) -> None:
    crew.work = {"fail": "start"}
    async with raise_rig(1) as stage:
        await until(lambda: len(stage.attempts) >= 2)
        assert stage.attempts[0].stderr == "this worker cannot start: no such library\n"
        assert stage.attempts[0].phase == "starting"


async def test_a_failed_self_test_is_refused_visibly_until_somebody_includes_it(
    raise_rig: Raise, crew: SmallCrew
) -> None:
    crew.work = {"fail": "self-test"}
    async with raise_rig(1) as stage:
        await until(lambda: stage.life.workers and stage.worker.state == "refused")
        assert stage.attempts[0].cause == "self-test: family lcg48/java gives wrong words"
        assert stage.machine.host().devices == ["fail"]
        assert "wrong words" in stage.machine.card_row(stage.machine.seats[0])["why"]
        await asyncio.sleep(0.6)
        assert len(stage.attempts) == 1
        fleet = Fleet([], stage.journal)
        fleet.keepers, fleet._loop = [stage.life], asyncio.get_running_loop()
        assert fleet.include("rig-a/0", "card swapped", "me")["included"]
        await until(lambda: len(stage.attempts) == 2)
        stage.machine.quarantine.put("rig-a/0000:03:00.0", "card swapped", "me")
        await until(lambda: stage.worker.state == "held")
        crew.work = {}
        stage.machine.quarantine.include("rig-a/0000:03:00.0", "me")
        await stage.all_ready(1)
        assert not fleet.include("rig-a/0", "nothing is wrong", "me")["included"]


async def test_a_stopped_worker_is_noticed_by_its_silence(raise_rig: Raise) -> None:
    async with raise_rig(1) as stage:
        await stage.all_ready(1)
        os.kill(stage.worker.pid, signal.SIGSTOP)
        await until(lambda: stage.attempts)
        assert stage.attempts[0].cause.startswith("silent for")
        await stage.all_ready(1)


async def test_quarantine_ends_a_worker_at_once_and_include_brings_it_back(raise_rig: Raise) -> None:
    async with raise_rig(2) as stage:
        await stage.all_ready(2)
        stage.machine.quarantine.put("rig-a/0000:04:00.0", "loose riser", "me")
        await until(lambda: stage.life.workers[1].state == "held")
        assert stage.machine.host().devices[1] == "held"
        assert stage.attempts[0].cause.startswith("quarantined by me: loose riser")
        assert stage.machine.flaps("0000:04:00.0") == 0
        stage.machine.quarantine.include("rig-a/0000:04:00.0", "me")
        await stage.all_ready(2)


async def test_a_drained_worker_ends_by_itself(raise_rig: Raise) -> None:
    async with raise_rig(1) as stage:
        await stage.all_ready(1)
        stage.machine.quarantine.put("rig-a", "new riser", "me", drained=True)
        await until(lambda: stage.attempts)
        assert (stage.attempts[0].code, stage.machine.row()["state"]) == (0, "drained")


async def test_a_halt_reaches_every_worker_and_ends_the_deaf_one(raise_rig: Raise, crew: SmallCrew) -> None:
    async with raise_rig(2) as stage:
        await stage.all_ready(2)
        begun = time.monotonic()
        stage.life.halt(7)
        await until(lambda: len(crew.heard("halted")) == 2)
        assert time.monotonic() - begun < 1.0
        assert not stage.attempts
    crew.work = {"deaf": True}
    async with raise_rig(1) as stage:
        await stage.all_ready(1)
        stage.life.halt(8)
        await until(lambda: stage.attempts)
        assert stage.attempts[0].cause == "it did not obey a halt"


async def test_a_worker_s_children_die_with_it_even_from_a_session_of_their_own(
    raise_rig: Raise, crew: SmallCrew
) -> None:
    async with raise_rig(1) as stage:
        await stage.all_ready(1)
        for session in (False, True):
            stage.worker.running.tell({"do": "beget", "session": session})
        await until(lambda: len(crew.heard("child")) == 2)
        children = [line["pid"] for line in crew.heard("child")]
        os.kill(stage.worker.pid, signal.SIGKILL)
        await until(lambda: stage.attempts)
        await until(lambda: not any(alive(pid) for pid in children))


@pytest.mark.slow
async def test_twelve_cards_need_no_more_sessions_than_sshd_gives_by_default(raise_rig: Raise) -> None:
    """About 5 s."""
    async with raise_rig(12, ssh=True, stagger=12) as stage:
        await stage.all_ready(12)
        assert not stage.attempts


async def test_the_connection_s_sshd_killed_ends_all_there_and_all_comes_back(
    raise_rig: Raise, crew: SmallCrew, server: Any, staging: Path
) -> None:
    async with raise_rig(1, ssh=True) as stage:
        await stage.all_ready(1)
        guard, pid = stage.guard, stage.worker.pid
        for session in psutil.Process(server.process.pid).children():
            session.kill()
        await until(lambda: not alive(pid) and not guard.is_running())
        await until(lambda: stage.machine.drops == 1)
        await stage.all_ready(1)
        assert stage.attempts[0].cause.startswith("link: ")
        assert stage.machine.flaps(stage.worker.pci) == 0
        assert len(list(staging.glob("mimicry-run-*"))) == 1


async def test_the_guard_killed_takes_its_workers_with_it_and_its_folder_is_swept(
    raise_rig: Raise, staging: Path
) -> None:
    async with raise_rig(1) as stage:
        await stage.all_ready(1)
        pid, run = stage.worker.pid, Path(stage.life.link.run)
        os.utime(run, (1, 1))
        stage.guard.kill()
        await until(lambda: not alive(pid) and stage.machine.drops == 1)
        await stage.all_ready(1)
        assert not run.exists()


@pytest.mark.slow
async def test_a_gate_s_place_is_free_again_after_a_death_in_initialisation(
    raise_rig: Raise, crew: SmallCrew
) -> None:
    """About 5 s."""
    crew.work = {"fail": "init"}
    async with raise_rig(2) as stage:
        await until(lambda: {a.worker for a in stage.attempts} == {"rig-a/gpu0", "rig-a/gpu1"})
        assert {a.phase for a in stage.attempts} == {"initialising"}
        crew.work = {}
        await stage.all_ready(2)


async def test_a_start_waits_for_host_memory(raise_rig: Raise) -> None:
    async with raise_rig(1, worker_ram_mb=1 << 30) as stage:
        await until(lambda: stage.life.workers and stage.worker.state == "held")
        assert stage.worker.note.startswith("waits for RAM")
        assert stage.worker.starts == 0


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_between_two_readings_nothing_is_asked_of_a_rig(raise_rig: Raise) -> None:
    fastest = next(rule.ge for rule in RigSettings.model_fields["poll_s"].metadata if hasattr(rule, "ge"))
    assert 60 / fastest <= 6, "a reading is one call, and nothing else is asked while the link lasts"
    async with raise_rig(4, ssh=True, poll_s=10.0) as stage:
        await stage.all_ready(4)
        before = stage.life.reach.calls.total
        await asyncio.sleep(0.7)
        assert stage.life.reach.calls.total == before
        await stage.life._poll()
        assert stage.life.reach.calls.total == before + 1
