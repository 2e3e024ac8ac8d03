"""A real sshd of this machine on a free loopback port, with keys and configuration made for the test; and a crew of small workers."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from engine.config import RigSettings
from engine.rigs.connection import Address
from engine.rigs.life import Life
from engine.rigs.machine import Machine
from engine.rigs.quarantine import Quarantine
from state.journal import Journal

sys.path.insert(0, str(Path(__file__).parent))
from rigside import SmallCrew, Stage, make_cards, quick

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


@dataclass
class Server:
    """A running sshd and what a client needs to enter it."""

    process: subprocess.Popen[bytes]
    folder: Path
    address: Address

    @staticmethod
    def keygen(path: Path) -> str:
        """Make an ed25519 key pair and return the public line without its comment."""
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        return " ".join(path.with_suffix(".pub").read_text().split()[:2])

    def trusting(self, path: Path, *lines: str) -> Address:
        """Return the address with another known_hosts file of these lines."""
        path.write_text("\n".join(lines) + "\n")
        return replace(self.address, known_hosts=path)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if SSHD is None:
        pytest.skip("sshd is missing: apt-get install openssh-server")
    folder = tmp_path_factory.mktemp("sshd")
    host, client = Server.keygen(folder / "host"), Server.keygen(folder / "client")
    (folder / "authorized").write_text(client + "\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\nPidFile none\n"
        "StrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
    )
    # Debian's sshd wants its empty folder, which only the service script makes.
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen(
        [SSHD, "-D", "-e", "-f", str(folder / "config")], stderr=(folder / "log").open("wb")
    )
    (folder / "known").write_text(f"[127.0.0.1]:{port} {host}\n")
    address = Address("rig-a", "127.0.0.1", folder / "known", folder / "client", getpass.getuser(), port)
    _wait_until_it_listens(process, port, folder / "log")
    yield Server(process, folder, address)
    process.terminate()
    process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)


@pytest.fixture
def crew(tmp_path: Path) -> SmallCrew:
    return SmallCrew(tmp_path / "initialisations")


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    (tmp_path / "shm").mkdir()
    return tmp_path / "shm"


@pytest.fixture
def rig_settings(server: Server, staging: Path) -> Callable[..., RigSettings]:
    """Return a maker of the settings that room.toml would give for the test's sshd, with cards of a made-up sysfs."""

    def make(cards: int = 1, **others: Any) -> RigSettings:
        host = " ".join((server.folder / "host.pub").read_text().split()[:2])
        given = {
            "name": "rig-a", "host": "127.0.0.1", "port": server.address.port, "user": server.address.user,
            "key": server.address.key, "host_keys": (host,), "python": sys.executable, "staging": str(staging),
            "gpus": tuple(f"0000:{3 + slot:02x}:00.0" for slot in range(cards)), "stagger_delay_s": 0.0,
            "ram_reserve_mb": 0, "worker_ram_mb": 0, **others,
        }  # fmt: skip
        return RigSettings.model_validate(given)

    return make


@pytest.fixture
def raise_rig(
    tmp_path: Path,
    crew: SmallCrew,
    rig_settings: Callable[..., RigSettings],
    staging: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., AbstractAsyncContextManager[Stage]]:
    """Return how to live through one rig's life: real sshd, real guard, real small workers, made-up cards, short times."""
    monkeypatch.setattr("engine.rigs.life.FIRST_RETRY", 0.2)
    monkeypatch.setattr("engine.rigs.worker.FIRST_DELAY", 0.2)

    @asynccontextmanager
    async def up(
        cards: int = 1, *, terms: dict[str, Any] | None = None, **settings: Any
    ) -> AsyncIterator[Stage]:
        root = tmp_path / "sys"
        if not root.exists():
            make_cards(root, cards)
        found = rig_settings(cards, **settings)
        stage = Stage()
        with Journal.open(tmp_path / f"journal-{found.name}") as journal:
            machine = Machine(found, Quarantine(journal))
            stage.life = Life(machine, crew=crew, told=stage.changes.extend, ended=stage.attempts.append,
                              terms=quick(found, staging, **(terms or {})), roots=(str(root), "/proc", "false"))  # fmt: skip
            task = asyncio.create_task(stage.life.run())
            try:
                yield stage
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    return up
