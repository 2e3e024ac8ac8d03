"""A real daemon with planted secrets and a careless umask: what it opens, what it lets others read, what it tells, and of whom it tells."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from engine.client import call
from engine.errors import EnvironmentFault, Unreachable
from engine.journals import opened
from engine.protocol import LOOKS
from state.journal import Journal

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0
LLM_KEY = "sk-ant-planted-key-of-the-cloud-0001"
SECRETS = {
    "the cloud's key": LLM_KEY,
    "the webhook's path": "planted-webhook-token-0002",
    "the webhook's query": "planted-webhook-query-0003",
    "the source's password": "planted-url-password-0004",
    "the source's query": "planted-url-token-0005",
    "a rig's environment": "planted-rig-token-0006",
}
ROOM = """
[history]
url = "http://reader:planted-url-password-0004@127.0.0.1:1/draws.csv?token=planted-url-token-0005"
poll_s = 0.2
timeout_s = 1.0
[alerts]
webhook = "http://127.0.0.1:1/hook/planted-webhook-token-0002?key=planted-webhook-query-0003"
[llm]
cloud = true
[[rigs]]
name = "rig-1"
host = "127.0.0.1"
port = 1
key = "KEY"
host_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBa0Zb0Xk1X0qkq9n1b3bZ4S1w9v7m0m1mQXv0k5bN3k"]
env = {REGISTRY_TOKEN = "planted-rig-token-0006"}
"""


ODD = (
    None,
    True,
    -1,
    10**30,
    1.5,
    "",
    "../../etc/passwd",
    "9" * 5000,
    [[]],
    {"a": 1},
    "2026-01-01T00:00:00+25:00",
)
NONSENSE = [
    (verb, {"zzz" if odd is None else name: odd})
    for verb, name in (
        ("explain", "id"), ("decision", "id"), ("cancel", "id"), ("approve", "id"), ("table", "skip"), ("table", "limit"), ("table", "name"),
        ("row", "key"), ("series", "until"), ("series", "names"), ("past", "at"), ("past", "start"), ("submit", "request"), ("inject", "value"),
        ("llm_ask", "question"), ("llm_again", "id"), ("priority", "priority"), ("policy_diff", "a"), ("promote", "candidate"), ("rollback", "to"), ("policy_set", "key"), ("rig", "target"), ("ack", "id"),
        ("mute", "minutes"), ("trace", "survivor"), ("halt", "kind"),
    )
    for odd in ODD
    if not (verb == "halt" and odd == "")
]  # fmt: skip


@dataclass
class Seen:
    """What a short life of the daemon left behind."""

    state: Path
    ssh_key: str
    commands: list[str] = field(default_factory=list)
    sockets: list[str] = field(default_factory=list)
    modes: dict[str, int] = field(default_factory=dict)
    internal: list[str] = field(default_factory=list)
    told: str = ""
    pid: int = 0

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.state)): path.read_bytes()
            for path in self.state.rglob("*")
            if path.is_file()
        }


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Start a daemon under umask 0, let everything that can fail fail, do every harmless act, end it."""
    folder = tmp_path_factory.mktemp("trust")
    state = folder / "state"
    state.mkdir(mode=0o755)
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    (folder / "id").write_bytes(key)
    (folder / "id").chmod(0o600)
    (state / "room.toml").write_text(ROOM.replace("KEY", str(folder / "id")))
    found = Seen(state, "".join(key.decode().splitlines()[2:4]))
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "--state", str(state), "--no-ui"], stdout=out, stderr=out, cwd=ROOT, umask=0,
            env={**os.environ, "PYTHONPATH": str(ROOT), "ANTHROPIC_API_KEY": LLM_KEY},
        )  # fmt: skip
    try:
        act(found, process)
        look(found, psutil.Process(process.pid))
        call(state, "stop")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    found.told += (folder / "out").read_text(errors="replace")
    return found


def act(found: Seen, process: subprocess.Popen[bytes]) -> None:
    """Wait until it answers, then send one of each kind of command; keep every answer."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            shot = call(found.state, "snapshot").data
            if shot["mode"] != "starting" and any(
                "webhook" in line or "history" in line or "rig" in line for line in shot["degraded"]
            ):
                break
        except Unreachable:
            assert process.poll() is None, "the daemon ended"
        time.sleep(0.1)
    ask = (
        ("submit", {"request": {"type": "step_force", "step": "1", "priority": 3}}),
        ("halt", {"kind": "finish", "reason": "a test"}),
        ("resume", {"reason": "a test"}),
        ("policy_set", {"key": "total_retries", "value": 3, "reason": "a test"}),
        ("rig", {"action": "drain", "target": "rig-1", "reason": "a test"}),
        ("tables", {}), ("llm_status", {}), ("snapshot", {}), ("no_such_verb", {}),
        *(("table", {"name": name}) for name in ("alerts", "rigs", "llm", "requests", "sources")),
    )  # fmt: skip
    found.internal = [
        f"{verb} {args}: {reply.error}" for verb, args in NONSENSE if (reply := call(found.state, verb, **args)).exit_code == 1
    ]  # fmt: skip
    found.told = "\n".join(
        json.dumps([verb, (reply := call(found.state, verb, **args)).data, reply.error]) for verb, args in ask
    )


def look(found: Seen, daemon: psutil.Process) -> None:
    """Take down what others could see while it runs."""
    found.pid = daemon.pid
    family = [daemon, *daemon.children(recursive=True)]
    found.commands = [" ".join(one.cmdline()) for one in family]
    found.sockets = [
        f"{one.status} {one.laddr}" for each in family for one in each.net_connections(kind="inet")
        if one.status == psutil.CONN_LISTEN or not one.raddr
    ]  # fmt: skip
    found.modes = {
        str(path.relative_to(found.state)) or ".": stat.S_IMODE(path.lstat().st_mode)
        for path in (found.state, *found.state.rglob("*"))
        if path.name != "room.toml"
    }


def test_no_argument_of_any_verb_is_an_internal_error(seen: Seen) -> None:
    assert seen.internal == []


def test_it_listens_on_no_port(seen: Seen) -> None:
    assert seen.sockets == []


def test_nobody_else_can_read_or_enter_anything_whatever_the_umask(seen: Seen) -> None:
    assert seen.modes["control.sock"] == 0o600
    assert {name: oct(mode) for name, mode in seen.modes.items() if mode & 0o077} == {}


def test_no_secret_stands_in_a_command_line(seen: Seen) -> None:
    assert [name for name, secret in SECRETS.items() if any(secret in line for line in seen.commands)] == []


def test_no_secret_is_told_on_the_socket_or_on_standard_output(seen: Seen) -> None:
    assert '"submit"' in seen.told
    assert [name for name, secret in (*SECRETS.items(), ("ssh", seen.ssh_key)) if secret in seen.told] == []


def test_no_secret_is_written_into_the_state_directory(seen: Seen) -> None:
    found = [
        (name, file)
        for file, content in seen.files().items()
        if file != "room.toml"
        for name, secret in (*SECRETS.items(), ("ssh", seen.ssh_key), ("a private key", "PRIVATE KEY"))
        if secret.encode() in content
    ]
    assert found == []


def test_the_things_that_hold_secrets_were_really_used(seen: Seen) -> None:
    log = (seen.state / "logs" / "watcher_agent.log").read_text()
    assert "127.0.0.1" in seen.told + log, "the source or the rig was never tried"


def test_every_acting_command_names_user_process_and_terminal(seen: Seen) -> None:
    with Journal.read_only(seen.state) as journal:
        acts = [event.data for event in journal.events(kinds=["act"])]
    assert [one["verb"] for one in acts] == ["submit", "halt", "resume", "policy_set", "rig", "stop"]
    assert {(one["uid"], one["pid"]) for one in acts} == {(os.getuid(), os.getpid())}
    assert all(f"pid {os.getpid()}" in one["by"] and "tty" in one for one in acts)
    assert not {one["verb"] for one in acts} & LOOKS


def test_a_directory_of_ours_is_closed_and_one_of_a_stranger_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.umask(0o022)
    try:
        folder = tmp_path / "state"
        folder.mkdir(mode=0o755)
        with opened(folder):
            pass
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        os.chown(folder, 4321, -1) if os.getuid() == 0 else monkeypatch.setattr(
            os, "geteuid", lambda: os.getuid() + 1
        )
        with pytest.raises(EnvironmentFault, match="belongs to user"), opened(folder):
            pass
    finally:
        os.umask(before)
