"""The endpoint: on this machine only, a few connections, short heads, one reading a second, nothing where it is not asked for."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.alerts.rules import Sight
from engine.config import load
from engine.errors import EnvironmentFault, UsageError
from engine.observe import endpoint
from engine.observe.endpoint import CONNECTIONS, Endpoint
from engine.observe.metrics import ALL


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """An endpoint that is up, and how often it looked at the room."""

    def __init__(self, address: str, state: Path, sight: Sight) -> None:
        self.address, self.state, self._sight, self.looks = address, state, sight, 0
        self.endpoint = Endpoint(address, state, self.look)

    def look(self) -> Sight:
        self.looks += 1
        return self._sight

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.address.startswith("unix:"):
            return await asyncio.open_unix_connection(self.state / self.address.removeprefix("unix:"))
        return await asyncio.open_connection("127.0.0.1", int(self.address.rpartition(":")[2]))

    async def ask(
        self, head: str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    ) -> tuple[int, dict[str, str], str]:
        reader, writer = await self.connect()
        writer.write(head.encode())
        answer = (await asyncio.wait_for(reader.read(), 5)).decode()
        writer.close()
        top, _, body = answer.partition("\r\n\r\n")
        first, *fields = top.split("\r\n")
        return int(first.split()[1]), dict(line.split(": ", 1) for line in fields), body


@contextlib.asynccontextmanager
async def served(address: str, state: Path, sight: Sight) -> AsyncIterator[Served]:
    made = Served(address, state, sight)
    serving = asyncio.create_task(made.endpoint.serve())
    for _ in range(100):
        with contextlib.suppress(OSError):
            _, writer = await made.connect()
            writer.close()
            break
        await asyncio.sleep(0.01)
    try:
        yield made
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_a_scrape_gives_every_metric_of_the_table(tmp_path: Path, sight: Sight) -> None:
    async with served(f"127.0.0.1:{free_port()}", tmp_path, sight) as at:
        status, fields, body = await at.ask()
    assert status == 200
    assert fields["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(body)}
    assert {f"mimicry_{metric.name}" for metric in ALL} == set(families)
    assert {one.labels["mode"]: one.value for one in families["mimicry_mode"].samples}["run"] == 1.0


async def test_openmetrics_is_given_to_whom_asks_for_it(tmp_path: Path, sight: Sight) -> None:
    async with served(f"127.0.0.1:{free_port()}", tmp_path, sight) as at:
        _, fields, body = await at.ask(
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text;version=1.0.0\r\n\r\n"
        )
    assert fields["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


async def test_many_scrapes_are_one_look_at_the_room(
    tmp_path: Path, sight: Sight, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(f"127.0.0.1:{free_port()}", tmp_path, sight) as at:
        for _ in range(20):
            await at.ask()
        assert at.looks == 1
        monkeypatch.setattr(endpoint, "FRESH", 0.0)
        await at.ask()
        assert at.looks == 2


async def test_a_unix_socket_is_the_users_own_and_goes_with_the_service(tmp_path: Path, sight: Sight) -> None:
    async with served("unix:metrics.sock", tmp_path, sight) as at:
        assert stat.S_IMODE((tmp_path / "metrics.sock").stat().st_mode) == 0o600
        status, _, body = await at.ask("GET /metrics HTTP/1.0\r\n\r\n")
        assert (status, "mimicry_draws_total 60.0" in body) == (200, True)
    assert not (tmp_path / "metrics.sock").exists()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        ("GET /metrics HTTP/1.1\r\nHost: evil.example:9464\r\n\r\n", 403),
        ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9464\r\n\r\n", 200),
        ("GET /metrics HTTP/1.1\r\nHost: [::1]:9464\r\n\r\n", 200),
        ("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        ("hello\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nX: " + "y" * (endpoint.HEAD_LIMIT * 4) + "\r\n\r\n", 431),
    ],
)
async def test_what_it_answers_to_whom(tmp_path: Path, sight: Sight, head: str, status: int) -> None:
    async with served(f"127.0.0.1:{free_port()}", tmp_path, sight) as at:
        found, _, body = await at.ask(head)
    assert found == status
    assert bool(body) == (status == 200 and head.startswith("GET"))


async def test_who_says_nothing_is_sent_away_and_holds_no_place(
    tmp_path: Path, sight: Sight, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "SECONDS", 0.3)
    async with served(f"127.0.0.1:{free_port()}", tmp_path, sight) as at:
        silent = [await at.connect() for _ in range(CONNECTIONS)]
        await asyncio.sleep(0.05)
        assert (await at.ask())[0] == 503
        for reader, writer in silent:
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
        assert (await at.ask())[0] == 200


async def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path, sight: Sight) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EnvironmentFault, match=rf"observe\.metrics 127\.0\.0\.1:{port}: cannot listen"):
            await Endpoint(f"127.0.0.1:{port}", tmp_path, lambda: sight).serve()


@pytest.mark.parametrize(
    "address", ["0.0.0.0:9464", "192.168.1.2:9464", "9464", "127.0.0.1:0", "127.0.0.1:x", "unix:", "[::]:1"]
)
def test_only_this_machine_is_listened_on(address: str) -> None:
    with pytest.raises(UsageError, match=r"observe\.metrics"):
        load(None, {"observe.metrics": address})


def test_it_is_off_unless_asked_for() -> None:
    assert load().observe.metrics is None
    assert load(None, {"observe.metrics": "[::1]:9464"}).observe.metrics == "[::1]:9464"
