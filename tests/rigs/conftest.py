"""A real sshd of this machine on a free loopback port, with host key, client key and configuration made for the test."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from engine.rigs.connection import Address

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
        "StrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n"
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
