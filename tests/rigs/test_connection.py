"""The connection against a real sshd: in with the right host key, and with nothing else."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from engine.rigs.connection import Rig
from engine.rigs.faults import HostKeyRefused, LinkFault, LoginRefused

if TYPE_CHECKING:
    Server = Any


def host_key(server: Server) -> str:
    return " ".join((server.folder / "host.pub").read_text().split()[:2])


def logins(server: Server) -> int:
    return (server.folder / "log").read_text().count("Accepted publickey")


async def test_the_right_host_key_lets_us_in(server: Server) -> None:
    async with Rig(server.address) as rig:
        assert rig.connected
        done = await rig.run("printf out; printf err >&2; exit 3")
        assert (done.code, done.stdout, done.stderr) == (3, "out", "err")
        assert rig._connection is not None
        assert rig._connection.get_extra_info("send_cipher") == "aes128-gcm@openssh.com", "the cheap cipher"
    assert not rig.connected


async def test_connecting_twice_is_one_connection_and_closing_twice_is_harmless(server: Server) -> None:
    rig = Rig(server.address)
    await rig.connect()
    before = logins(server)
    await rig.connect()
    assert logins(server) == before
    await rig.close()
    await rig.close()


async def test_a_changed_host_key_is_refused_before_we_log_in(server: Server, tmp_path: Path) -> None:
    other = server.keygen(tmp_path / "other")
    before = logins(server)
    rig = Rig(server.trusting(tmp_path / "known", f"[127.0.0.1]:{server.address.port} {other}"))
    with pytest.raises(
        HostKeyRefused, match=r"rig-a .*its host key is NOT the trusted one.*remove the old line"
    ):
        await rig.connect()
    assert not rig.connected
    assert logins(server) == before


async def test_an_unknown_host_key_is_refused_even_if_the_user_trusts_it(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"[127.0.0.1]:{server.address.port} {host_key(server)}"
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text(line + "\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    before = logins(server)
    for lines in ([f"elsewhere {host_key(server)}"], ["# a comment alone"]):
        with pytest.raises(HostKeyRefused, match="its host key is unknown; compare the key"):
            await Rig(server.trusting(tmp_path / "known", *lines)).connect()
    with pytest.raises(HostKeyRefused, match="is empty, so no host key is trusted"):
        await Rig(server.trusting(tmp_path / "known")).connect()
    with pytest.raises(HostKeyRefused, match="cannot read"):
        await Rig(replace(server.address, known_hosts=tmp_path / "absent")).connect()
    assert logins(server) == before


async def test_a_revoked_host_key_is_refused(server: Server, tmp_path: Path) -> None:
    line = f"[127.0.0.1]:{server.address.port} {host_key(server)}"
    with pytest.raises(HostKeyRefused):
        await Rig(server.trusting(tmp_path / "known", line, f"@revoked {line}")).connect()


async def test_the_users_own_ssh_configuration_and_agent_have_no_say(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host *\n  User nobody\n  Port 1\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "no-agent"))
    async with Rig(server.address) as rig:
        assert (await rig.run("echo in")).stdout == "in\n"


async def test_a_key_that_the_rig_does_not_know_is_a_clear_refusal(server: Server, tmp_path: Path) -> None:
    server.keygen(tmp_path / "stranger")
    with pytest.raises(LoginRefused, match=r"login refused; append .*stranger\.pub"):
        await Rig(replace(server.address, key=tmp_path / "stranger")).connect()
    (tmp_path / "broken").write_text("no key\n")
    for name in ("broken", "absent"):
        with pytest.raises(LoginRefused, match=r"cannot read the private key"):
            await Rig(replace(server.address, key=tmp_path / name)).connect()


async def test_nobody_there_is_a_clear_error(server: Server) -> None:
    with pytest.raises(LinkFault, match=r"rig-a .*cannot connect.*check that it is up"):
        await Rig(replace(server.address, port=1)).connect()
    with pytest.raises(LinkFault, match="connect first"):
        await Rig(server.address).run("true")


async def test_output_and_time_are_bounded(server: Server) -> None:
    async with Rig(server.address) as rig:
        with pytest.raises(LinkFault, match="more than 1000 bytes"):
            await rig.run("yes | head -c 100000", limit=1000)
        begun = time.monotonic()
        with pytest.raises(LinkFault, match=r"`sleep 30` took longer than 0.3 s"):
            await rig.run("sleep 30", within=0.3)
        assert time.monotonic() - begun < 2
        assert (await rig.run("echo alive")).stdout == "alive\n"


async def test_a_cut_connection_is_an_error_and_can_be_opened_again(server: Server) -> None:
    rig = Rig(server.address)
    await rig.connect()
    sessions = psutil.Process(server.process.pid).children()
    assert sessions
    for session in sessions:
        os.kill(session.pid, signal.SIGKILL)
    with pytest.raises(LinkFault, match=r"link broke|not connected"):
        await rig.run("sleep 5")
    await rig.connect()
    assert (await rig.run("echo again")).stdout == "again\n"
    await rig.close()


async def test_an_sftp_session_that_ends_there_is_opened_again(server: Server, tmp_path: Path) -> None:
    async with Rig(server.address) as rig:
        await rig.push(str(tmp_path / "one"), {"file": b"1"})
        for child in psutil.Process(server.process.pid).children(recursive=True):
            if "internal-sftp" in " ".join(child.cmdline()):
                child.kill()
                child.wait(10)
        with pytest.raises(LinkFault, match="the next try opens another SFTP session"):
            await rig.push(str(tmp_path / "two"), {"file": b"2"})
        await rig.push(str(tmp_path / "three"), {"file": b"3"})
        assert (tmp_path / "three" / "file").read_bytes() == b"3"
