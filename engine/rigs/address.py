"""Where a rig is, with which key it is entered, which host keys are trusted, and what it means when it does not let us in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import asyncssh

from engine.rigs.faults import HostKeyRefused, LinkFault, LoginRefused, RigFault


@dataclass(frozen=True)
class Address:
    """Where a rig is and how it is entered; nothing is taken from the user's own SSH configuration or agent."""

    name: str
    host: str
    known_hosts: Path
    """OpenSSH known_hosts with the rig's key; the only keys that are trusted."""
    key: Path
    """Our private key."""
    user: str = "root"
    port: int = 22
    host_keys: tuple[str, ...] = ()
    """Public host keys given outright (`ssh-ed25519 AAAA…`); then no file is read."""

    def __str__(self) -> str:
        """Return the rig as errors name it."""
        return f"{self.name} ({self.user}@{self.host}:{self.port})"

    def trusted(self) -> bytes:
        """Return the trusted host keys; an empty or missing file is refused here, never read as trust in everybody."""
        path, keys = self.known_hosts, self.host_keys
        for key in keys:
            try:
                asyncssh.import_public_key(key)
            except (asyncssh.KeyImportError, ValueError) as error:
                raise HostKeyRefused(
                    f"rig {self}: host_keys: {key[:40]!r} is no public key; {self._trust_advice()}"
                ) from error
        try:
            trusted = self._given(keys) if keys else path.read_bytes()
            asyncssh.import_known_hosts(trusted.decode())
        except (OSError, ValueError) as error:
            raise HostKeyRefused(
                f"rig {self}: cannot read {path}: {error}; {self._trust_advice()}"
            ) from error
        if not trusted.strip():
            raise HostKeyRefused(
                f"rig {self}: {path} is empty, so no host key is trusted; {self._trust_advice()}"
            )
        return trusted

    def _given(self, keys: tuple[str, ...]) -> bytes:
        place = f"[{self.host}]:{self.port}" if self.port != 22 else self.host
        return "".join(f"{place} {key}\n" for key in keys).encode()

    def private_key(self) -> asyncssh.SSHKey:
        try:
            return asyncssh.read_private_key(self.key)
        except (OSError, asyncssh.KeyImportError) as error:
            raise LoginRefused(
                f"rig {self}: cannot read the private key {self.key}: {error}; make one with ssh-keygen -t ed25519"
            ) from error

    def _trust_advice(self) -> str:
        host, port = self.host, self.port
        if not self.known_hosts.is_absolute() or self.host_keys:
            return "put what `cat /etc/ssh/ssh_host_ed25519_key.pub` says on the rig itself into host_keys of this rig in room.toml"
        return (
            f"compare the key with the one on the rig itself (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then append "
            f"`ssh-keyscan -p {port} {host}` to {self.known_hosts}"
        )

    def refusal(self, error: Exception, trusted: bytes) -> RigFault:
        """Return our error for one of asyncssh's or the system's."""
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            known = asyncssh.match_known_hosts(trusted, self.host, self.host, self.port)[0]
            if known:
                old = "" if self.host_keys else f"remove the old line from {self.known_hosts}, then "
                return HostKeyRefused(
                    f"rig {self}: its host key is NOT the trusted one; somebody may sit between, or it was installed anew: "
                    f"if so, {old}{self._trust_advice()}"
                )
            return HostKeyRefused(f"rig {self}: its host key is unknown; {self._trust_advice()}")
        if isinstance(error, asyncssh.PermissionDenied):
            return LoginRefused(
                f"rig {self}: login refused; append {self.key}.pub to ~{self.user}/.ssh/authorized_keys on the rig, or set `user` in room.toml"
            )
        text = str(error) or type(error).__name__
        return LinkFault(f"rig {self}: cannot connect: {text}; check that it is up and sshd listens there")
