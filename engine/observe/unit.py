"""The systemd unit that `mimicry init --systemd` writes: Type=notify with a watchdog, restarts, and what the daemon cannot need taken away."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from engine.errors import BadInput

Scope = Literal["user", "system"]
NAME = "mimicry.service"
WATCHDOG_SECONDS = 60
"""A loop that has not ticked for so long is ended with every thread's stack in the journal, and started again."""
TARGET: Mapping[Scope, str] = {"user": "default.target", "system": "multi-user.target"}
# A user's manager has no rights to build a mount namespace, so what needs one stands in the system's unit alone.
EVERYWHERE = (
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "UMask=0077",
)
SYSTEM = (
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "PrivateTmp=yes",
    "ProtectControlGroups=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelLogs=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "RestrictNamespaces=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "CapabilityBoundingSet=",
)


def default_path(scope: Scope, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the manager looks for the unit."""
    if scope == "system":
        return Path("/etc/systemd/system") / NAME
    home = Path(environ.get("HOME", "~")).expanduser()
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "systemd" / "user" / NAME


def unit(scope: Scope, state: Path, config: Path | None = None, *, python: str = sys.executable) -> str:
    """Return the unit's text for this installation and state directory."""
    state = state.absolute()
    words = [python, "-m", "engine.cli", "--state", str(state), "--no-ui"]
    words += ["--config", str(config.absolute())] if config else []
    system = scope == "system"
    manage = "systemctl" if system else "systemctl --user"
    more = [*SYSTEM, f"ReadWritePaths={_word(str(state))}"] if system else []
    if system and state.is_relative_to("/tmp"):
        more.remove("PrivateTmp=yes")  # it would hide the state directory itself
    return "\n".join(
        [
            f"# Written by `mimicry init --systemd {scope}`. Take it into use: {manage} daemon-reload && {manage} enable --now mimicry",
            "# Its log: journalctl"
            + ("" if system else " --user")
            + " -u mimicry, and logs/ in the state directory.",
            "[Unit]",
            "Description=mimicry: control room for autonomous PRNG analysis",
            *(["Wants=network-online.target", "After=network-online.target"] if system else []),
            "StartLimitIntervalSec=600",
            "StartLimitBurst=10",
            "",
            "[Service]",
            "Type=notify",
            "NotifyAccess=main",
            f"ExecStart={' '.join(map(_word, words))}",
            *([f"User={getpass.getuser()}"] if system else []),
            f"WorkingDirectory={_plain(str(state))}",
            "# Keys that must not stand in room.toml, one NAME=VALUE a line (mode 0600); absent is fine.",
            f"EnvironmentFile=-{_plain(str(state / 'environment'))}",
            "# Opening a journal of years, or migrating one, comes before READY.",
            "TimeoutStartSec=600",
            f"WatchdogSec={WATCHDOG_SECONDS}",
            "# SIGTERM is a checkpoint and a clean end within 11 s; what is left of workers is killed after the daemon.",
            "TimeoutStopSec=30",
            "KillMode=mixed",
            "Restart=on-failure",
            "RestartSec=5",
            "# 2 and 3 are faults of room.toml or of a file that it names: a restart would not mend them.",
            "RestartPreventExitStatus=2 3",
            "# A worker that the kernel kills for memory is replaced by the daemon; it must not end the room.",
            "OOMPolicy=continue",
            "LimitNOFILE=65536",
            "",
            "# GPUs need /dev, kernels are compiled to executable memory: PrivateDevices and MemoryDenyWriteExecute stay out.",
            *EVERYWHERE,
            *more,
            "",
            "[Install]",
            f"WantedBy={TARGET[scope]}",
            "",
        ]
    )


def _plain(text: str) -> str:
    """Return the text with systemd's own signs doubled; a path with a sign that units read as more is refused."""
    if any(sign in text for sign in "\n\r\"'\\$"):
        raise BadInput(
            f"init --systemd: {text!r} has a quote, a dollar sign, a backslash or a line break; use another path"
        )
    return text.replace("%", "%%")


def _word(word: str) -> str:
    text = _plain(word)
    return f'"{text}"' if " " in text else text
