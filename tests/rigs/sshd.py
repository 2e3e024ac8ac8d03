"""A real sshd of this machine, with host key, client key and configuration made for the occasion; in a network namespace if asked."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from engine.rigs.address import Address

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


def start(folder: Path, *, host: str = "127.0.0.1", port: int = 0, before: tuple[str, ...] = ()) -> Server:
    """Start an sshd in `folder`; `before` are words before the command, as `ip netns exec NAME`."""
    assert SSHD is not None
    own, client = Server.keygen(folder / "host"), Server.keygen(folder / "client")
    (folder / "authorized").write_text(client + "\n")
    port = port or free_port()
    (folder / "config").write_text(
        f"ListenAddress {host}:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\nPidFile none\n"
        "StrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
    )
    # Debian's sshd wants its empty folder, which only the service script makes.
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen(
        [*before, SSHD, "-D", "-e", "-f", str(folder / "config")], stderr=(folder / "log").open("wb")
    )
    (folder / "known").write_text(f"[{host}]:{port} {own}\n")
    address = Address("rig-a", host, folder / "known", folder / "client", getpass.getuser(), port)
    _wait_until_it_listens(process, folder / "log")
    return Server(process, folder, address)


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_listens(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    while "Server listening on" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
