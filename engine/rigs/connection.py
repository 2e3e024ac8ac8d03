"""One strict SSH connection to one rig: a known host key or none at all, a key file, bounded commands, channels, files, tunnels."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncssh

from engine.rigs.address import Address
from engine.rigs.faults import LinkFault

CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
"""Asked for first: they cost the engine about half of chacha20's time a byte, and staging is what it spends time on."""
KEEPALIVE, KEEPALIVE_MISSES = 5, 3
"""Seconds between probes, and how many may stay unanswered: a dead link is noticed within 20 s."""
CONNECT_LIMIT, LOGIN_LIMIT = 10.0, 15.0
GOODBYE_LIMIT = 2.0
ANSWER_LIMIT = 30.0
"""Seconds that a channel, a tunnel, a few small files or one block may take: the keepalive tells of a dead link, not of a rig that hangs behind it."""
ENDED = (TimeoutError, asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost)
"""What is said of an SFTP session that has ended, while its connection lasts, or that hangs."""
OUTPUT_LIMIT = 1 << 20
"""Bytes of output, each of stdout and stderr, that one command may give."""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str


class Channel:
    """A command on the rig that lives on: lines in, lines out."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        """Wrap a started process."""
        self._process = process

    def send(self, line: bytes) -> None:
        """Send one line; one that is going away misses it."""
        if not self._process.is_closing():
            try:
                self._process.stdin.write(line + b"\n")
            except (asyncssh.Error, OSError):
                return  # its end is told to whoever reads

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield what the command says, line by line, until it ends or the link breaks."""
        try:
            async for line in self._process.stdout:
                if line.endswith(b"\n"):
                    yield line
        except (asyncssh.Error, OSError):
            return

    async def complaint(self) -> str:
        """Return what the command wrote to stderr; wait for its end first."""
        try:
            return (await self._process.stderr.read(4096)).decode(errors="replace").strip()
        except (asyncssh.Error, OSError):
            return ""

    def close(self) -> None:
        """End the channel; the command reads end of file."""
        self._process.close()


@dataclass(frozen=True)
class Tunnel:
    """An open end of a tunnel: its loopback port, and how it is closed."""

    port: int
    close: Callable[[], None]


class Calls:
    """Counts what we ask of a rig, because asking too often has brought rigs down."""

    def __init__(self) -> None:
        """Count from now."""
        self.total = 0
        self._times: deque[float] = deque(maxlen=4096)

    def count(self) -> None:
        """Count one call."""
        self.total += 1
        self._times.append(time.monotonic())

    def last_minute(self) -> int:
        """Return how many calls the last minute saw."""
        return sum(at > time.monotonic() - 60 for at in tuple(self._times))


class Rig:
    """A machine over SSH. Use it from one loop; connect before anything else."""

    def __init__(self, address: Address) -> None:
        """Describe the rig; nothing is opened yet."""
        self.address = address
        self.calls = Calls()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._sftp: asyncio.Future[asyncssh.SFTPClient] | None = None

    @property
    def name(self) -> str:
        """Return the rig's name."""
        return self.address.name

    @property
    def connected(self) -> bool:
        """Tell whether the connection is open, as far as the keepalive knows."""
        return self._connection is not None and not self._connection.is_closed()

    async def connect(self) -> None:
        """Connect, or do nothing if connected; HostKeyRefused, LoginRefused or LinkFault say why not."""
        if self.connected:
            return
        trusted, key = self.address.trusted(), self.address.private_key()
        self._sftp = None
        try:
            self._connection = await asyncssh.connect(
                self.address.host,
                self.address.port,
                username=self.address.user,
                client_keys=[key],
                known_hosts=trusted,
                config=None,
                agent_path=None,
                preferred_auth="publickey",
                keepalive_interval=KEEPALIVE,
                keepalive_count_max=KEEPALIVE_MISSES,
                connect_timeout=CONNECT_LIMIT,
                login_timeout=LOGIN_LIMIT,
                compression_algs=None,
                encryption_algs=CIPHERS,
            )
        except (asyncssh.Error, OSError) as error:
            raise self.address.refusal(error, trusted) from error

    async def run(self, command: str, *, within: float = 20.0, limit: int = OUTPUT_LIMIT) -> Done:
        """Run one shell command to its end; LinkFault if the link breaks, or it takes more seconds or bytes than allowed.

        A command that is given up loses its channel; a process that does not notice may live on.
        """
        connection = self._open_connection()
        self.calls.count()
        try:
            async with asyncio.timeout(within):
                return await self._run(connection, command, limit)
        except TimeoutError as error:
            raise LinkFault(
                f"rig {self.address}: `{command[:60]}` took longer than {within:g} s; look at the rig's load"
            ) from error
        except (asyncssh.Error, OSError) as error:
            raise LinkFault(
                f"rig {self.address}: the link broke: {error}; it is opened again at the next try"
            ) from error

    async def _run(self, connection: asyncssh.SSHClientConnection, command: str, limit: int) -> Done:
        process = await connection.create_process(command, encoding=None, stdin=asyncssh.DEVNULL)
        try:
            streams = (process.stdout, process.stderr)
            stdout, stderr = await asyncio.gather(*(self._collect(stream, limit) for stream in streams))
            await process.wait_closed()
            return Done(-1 if process.returncode is None else process.returncode, stdout, stderr)
        finally:
            # Not waited for: a rig that hangs would hold us up here too.
            process.close()

    async def _collect(self, reader: Any, limit: int) -> str:
        """Return everything from `reader`, decoded; LinkFault beyond `limit` bytes."""
        data = b""
        while chunk := await reader.read(65536):
            data += chunk
            if len(data) > limit:
                raise LinkFault(
                    f"rig {self.address}: a command gave more than {limit} bytes; nothing of it was used"
                )
        return data.decode(errors="replace")

    def _open_connection(self) -> asyncssh.SSHClientConnection:
        if self._connection is None or not self.connected:
            raise LinkFault(f"rig {self.address}: not connected; connect first")
        return self._connection

    async def channel(self, command: str) -> Channel:
        """Start a command that talks in lines for as long as it lives."""
        self.calls.count()
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                process = await self._open_connection().create_process(command, encoding=None)
        except (asyncssh.Error, OSError) as error:
            raise LinkFault(
                f"rig {self.address}: no channel: {_words(error)}; raise MaxSessions in its sshd_config"
            ) from error
        return Channel(process)

    async def push(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Make `folder` (0700) and write new files into it, never readable by others, not even for a moment."""
        attributes = asyncssh.SFTPAttrs(permissions=0o600)
        flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_EXCL
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                sftp = await self._files()
                await sftp.makedirs(folder, asyncssh.SFTPAttrs(permissions=0o700), exist_ok=True)
                for name, data in files.items():
                    async with sftp.open(f"{folder}/{name}", flags, attributes, encoding=None) as file:
                        await file.write(data)
        except (asyncssh.Error, OSError) as error:
            raise self._unwritten(folder, error) from error

    async def upload(self, path: str, blocks: AsyncIterator[bytes]) -> None:
        """Write blocks to a new file on the rig as they come (0600)."""
        attributes = asyncssh.SFTPAttrs(permissions=0o600)
        flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC
        try:
            async with asyncio.timeout(ANSWER_LIMIT) as limit:
                sftp = await self._files()
                async with sftp.open(path, flags, attributes, encoding=None) as file:
                    async for block in blocks:
                        # They may have waited long for their turn.
                        limit.reschedule(asyncio.get_running_loop().time() + ANSWER_LIMIT)
                        await file.write(block)
        except (asyncssh.Error, OSError) as error:
            raise self._unwritten(path, error) from error

    async def _files(self) -> asyncssh.SFTPClient:
        """Return the connection's one SFTP session: a session each would break sshd's MaxSessions of 10."""
        connection = self._open_connection()
        if self._sftp is None:
            self.calls.count()
            self._sftp = asyncio.ensure_future(connection.start_sftp_client())
        try:
            return await asyncio.shield(self._sftp)
        except (asyncssh.Error, OSError):
            self._sftp = None
            raise

    def _renew_files(self) -> None:
        """Open another SFTP session for the next file: this one has ended there, or hangs."""
        session, self._sftp = self._sftp, None
        if session and not (session.cancel() or session.cancelled() or session.exception()):
            session.result().exit()

    def _unwritten(self, path: str, error: Exception) -> LinkFault:
        if isinstance(error, ENDED):
            self._renew_files()
            fix = "the next try opens another SFTP session; see what ends it there (dmesg, the log of sshd)"
        elif isinstance(error, asyncssh.ChannelOpenError):
            fix = "its sshd_config needs `Subsystem sftp internal-sftp` and MaxSessions 10 or more"
        else:
            fix = f"check its space and rights (df -h, ls -ld {path.rpartition('/')[0]}); what arrived is not used"
        return LinkFault(f"rig {self.address}: cannot write {path}: {_words(error)}; {fix}")

    async def tunnel_in(self, port: int) -> Tunnel:
        """Open a loopback port on the rig that leads to our loopback `port`."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                listener = await self._open_connection().forward_remote_port(
                    "127.0.0.1", 0, "127.0.0.1", port
                )
        except (asyncssh.Error, OSError) as error:
            raise LinkFault(
                f"rig {self.address}: no tunnel: {_words(error)}; its sshd_config needs AllowTcpForwarding yes"
            ) from error
        return Tunnel(int(listener.get_port()), listener.close)

    async def close(self) -> None:
        """Close the connection; harmless if there is none."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            try:
                async with asyncio.timeout(GOODBYE_LIMIT):
                    await connection.wait_closed()
            except TimeoutError:
                connection.abort()  # a link that is cut says no good-bye

    async def __aenter__(self) -> Rig:
        """Connect and return self."""
        await self.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close."""
        await self.close()


def _words(error: Exception) -> str:
    """Return what an error says; one of ours for a time that is over says nothing."""
    return str(error) or f"no answer within {ANSWER_LIMIT:g} s"
