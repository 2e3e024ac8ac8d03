"""sd_notify: real datagrams on a real socket, the environment taken so that no worker speaks for the daemon, silence where nobody listens."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.observe.notify import Notifier


class Manager:
    """The service manager's end."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(5)

    def heard(self) -> list[str]:
        return self.socket.recv(4096).decode().split("\n")


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "notify") if request.param == "path" else f"@mimicry-test-{os.getpid()}")
    yield made
    made.socket.close()


def test_ready_names_the_process(manager: Manager) -> None:
    Notifier(manager.address).ready()
    assert manager.heard() == ["READY=1", f"MAINPID={os.getpid()}"]
    Notifier(manager.address).stopping()
    assert manager.heard() == ["STOPPING=1"]


async def test_signs_of_life_come_three_times_within_the_watchdogs_time_and_stop_with_the_loop(
    manager: Manager,
) -> None:
    notifier = Notifier(manager.address, watchdog=0.3)
    keeping = asyncio.create_task(notifier.keep(lambda: "idle, 60 draws"))
    begun = asyncio.get_running_loop().time()
    for _ in range(4):
        assert await asyncio.to_thread(manager.heard) == ["WATCHDOG=1", "STATUS=idle, 60 draws"]
    assert 0.25 < asyncio.get_running_loop().time() - begun < 20
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    manager.socket.setblocking(False)
    await asyncio.sleep(0.25)
    with pytest.raises(BlockingIOError):
        manager.heard()


def test_the_environment_is_taken_so_that_children_do_not_inherit_it() -> None:
    environ = {
        "NOTIFY_SOCKET": "/run/n",
        "WATCHDOG_USEC": "60000000",
        "WATCHDOG_PID": str(os.getpid()),
        "HOME": "/h",
    }
    made = Notifier.taken(environ)
    assert environ == {"HOME": "/h"}
    assert (made.managed, made.watchdog) == (True, 60.0)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "60000000"},
        {"NOTIFY_SOCKET": "relative"},
        {"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"},
    ],
)
def test_a_watchdog_that_is_not_ours_is_not_fed(environ: dict[str, str]) -> None:
    assert Notifier.taken(environ).watchdog is None


def test_without_a_manager_nothing_is_sent_and_nothing_is_wrong() -> None:
    notifier = Notifier(None)
    notifier.ready()
    assert (notifier.managed, notifier.degraded()) == (False, [])


def test_a_manager_that_is_gone_is_said_and_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier(str(tmp_path / "gone"))
    notifier.ready()
    notifier.stopping()
    assert notifier.degraded() == ["systemd: not told (No such file or directory)"]
    assert len(caplog.records) == 1
