"""The control socket: halts in time, survives bad peers, and no viewer slows it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine import peer as peers
from engine import protocol
from engine import server as servers
from engine.client import Client, call
from engine.errors import EnvironmentFault, MimicryError
from engine.protocol import LINE_LIMIT, SOCKET_NAME
from engine.server import Server
from state.errors import UnknownRecord


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.01)


def in_thread(work: Callable[..., Any], *args: object, **options: object) -> asyncio.Future[Any]:
    return asyncio.ensure_future(asyncio.to_thread(work, *args, **options))


# -- halt -------------------------------------------------------------------------------------------------------------


async def test_a_stalled_engine_loop_does_not_delay_a_halt(small_engine: Any) -> None:
    times: dict[str, float] = {}

    def halt() -> None:
        began = time.monotonic()
        reply = call(small_engine.state, "halt", kind="now", reason="stalled")
        times["took"] = time.monotonic() - began
        assert reply.ok
        assert small_engine.halt.asked()
        assert small_engine.journal.halt_state().reason == "stalled"
        times["seen"] = time.monotonic()

    async with small_engine.serving():
        asked = in_thread(halt)
        await asyncio.sleep(0.02)  # the thread is under way
        time.sleep(3.0)  # noqa: ASYNC251  the whole point
        over = time.monotonic()
        await asked
    assert times["took"] < 1.0
    assert times["seen"] < over - 1.0
    assert small_engine.switch.generation > 0


async def test_a_viewer_sees_a_halt_while_the_engine_loop_stalls(small_engine: Any, raw: Any) -> None:
    def view() -> float:
        peer = raw()
        peer.command("subscribe", events=True)
        while peer.receive().get("type") != "snapshot":
            pass
        began = time.monotonic()
        call(small_engine.state, "halt", kind="now", reason="stalled")
        while not peer.receive().get("halt"):
            pass
        return time.monotonic() - began

    async with small_engine.serving():
        seen = in_thread(view)
        await until(lambda: small_engine.taken)
        await asyncio.sleep(0.1)
        time.sleep(2.0)  # noqa: ASYNC251
        assert await seen < 1.0


async def test_who_halted_is_the_user_at_the_other_end(small_engine: Any) -> None:
    async with small_engine.serving():
        reply = await in_thread(call, small_engine.state, "halt", kind="checkpoint", reason="move")
    assert reply.data["by"].endswith(f"(command line, pid {os.getpid()})")
    assert (reply.data["kind"], reply.data["reason"], reply.data["reached"]) == ("checkpoint", "move", None)


async def test_resume_lifts_the_halt(small_engine: Any) -> None:
    async with small_engine.serving():
        await in_thread(call, small_engine.state, "halt", reason="r")
        assert small_engine.halt.state.kind == "now"
        assert (await in_thread(call, small_engine.state, "resume", reason="done")).data["resumed"]
        assert small_engine.halt.state is None
        assert not (await in_thread(call, small_engine.state, "resume")).data["resumed"]


# -- commands ---------------------------------------------------------------------------------------------------------


async def test_handlers_run_on_the_engines_loop_and_know_who_asks(small_engine: Any) -> None:
    loop = asyncio.get_running_loop()

    async def explain(command: Any, by: str) -> dict[str, Any]:
        assert asyncio.get_running_loop() is loop
        return {"args": command.args, "by": by}

    async with small_engine.serving({"explain": explain}):
        reply = await in_thread(call, small_engine.state, "explain", id=7)
    assert reply.ok
    assert reply.data["args"] == {"id": 7}
    assert "command line" in reply.data["by"]


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (EnvironmentFault("no disk"), 5, "no disk"),
        (UnknownRecord("decision 9: there is none"), 2, "decision 9: there is none"),
        (
            ZeroDivisionError("oops\nsecond line"),
            1,
            "explain: internal error (ZeroDivisionError: oops second line); see the log",
        ),
    ],
)
async def test_a_handlers_error_is_one_line_with_its_exit_code(
    small_engine: Any, error: Exception, code: int, told: str
) -> None:
    async def fail(*_: object) -> dict[str, Any]:
        raise error

    async with small_engine.serving({"explain": fail}):
        reply = await in_thread(call, small_engine.state, "explain", id=7)
    assert (reply.ok, reply.exit_code, reply.error) == (False, code, told)


async def test_a_repeated_command_acts_once(small_engine: Any, raw: Any) -> None:
    done: list[str] = []

    async def submit(command: Any, _: str) -> dict[str, Any]:
        done.append(command.id)
        await asyncio.sleep(0.05)
        return {"number": len(done)}

    def ask() -> list[dict[str, Any]]:
        first, second = raw(), raw()
        first.command("submit", number="same")
        replies = [second.ask("submit", number="same"), first.receive(), second.ask("submit", number="same")]
        return [*replies, second.ask("submit", number="other")]

    async with small_engine.serving({"submit": submit}):
        replies = await in_thread(ask)
    assert [reply["data"]["number"] for reply in replies] == [1, 1, 1, 2]
    assert done == ["same", "other"]


async def test_what_is_remembered_is_bounded(
    small_engine: Any, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "REMEMBERED", 5)

    async def submit(*_: object) -> dict[str, Any]:
        return {}

    def flood() -> None:
        peer = raw()
        for number in range(40):
            assert peer.ask("submit", number=str(number))["ok"]

    async with small_engine.serving({"submit": submit}):
        await in_thread(flood)
        kept = small_engine.server._seen.values()
        assert len(kept) == 5
        assert all(isinstance(one, bytes) and len(one) < 200 for one in kept), (
            "a line, no task with all it holds"
        )


async def test_a_slow_engine_is_told_and_the_result_can_be_fetched(
    small_engine: Any, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "ENGINE_SECONDS", 0.1)
    gate = asyncio.Event()

    async def stop(*_: object) -> dict[str, Any]:
        await gate.wait()
        return {"stopped": True}

    async with small_engine.serving({"stop": stop}):
        peer = raw_peer = await in_thread(raw)
        first = await in_thread(peer.ask, "stop")
        assert (first["ok"], first["exit_code"]) == (False, 6)
        assert "same id" in first["error"]
        halted = await in_thread(raw_peer.ask, "halt", number="2")
        assert halted["ok"]
        gate.set()
        assert (await in_thread(peer.ask, "stop"))["data"] == {"stopped": True}


async def test_an_answer_that_is_too_long_is_refused_in_words(small_engine: Any) -> None:
    async def requests(*_: object) -> dict[str, Any]:
        return {"text": "x" * LINE_LIMIT}

    async with small_engine.serving({"requests": requests}):
        reply = await in_thread(call, small_engine.state, "requests")
    assert not reply.ok
    assert "ask for less" in reply.error


async def test_a_read_only_peer_looks_but_does_not_act(small_engine: Any, raw: Any) -> None:
    def ask() -> dict[str, Any]:
        peer = raw(greet=False)
        peer.send({"type": "hello", "protocol": [1, 1], "build": "x", "readonly": True})
        assert peer.ask("snapshot")["type"] == "hello" or True
        return peer.ask("halt", number="2")

    async with small_engine.serving():
        reply = await in_thread(ask)
    assert not reply["ok"]
    assert "read-only" in reply["error"]
    assert small_engine.halt.state is None


# -- viewers ----------------------------------------------------------------------------------------------------------


async def test_snapshots_come_at_most_twice_a_second_and_only_with_viewers(
    small_engine: Any, raw: Any
) -> None:
    async with small_engine.serving():
        await asyncio.sleep(0.3)
        assert small_engine.taken == 0
        peer = await in_thread(raw)
        await in_thread(peer.command, "subscribe")
        await until(lambda: small_engine.taken)
        await asyncio.sleep(1.2)
        assert small_engine.server.readers == 1
        assert 2 <= small_engine.taken <= 4
        peer.close()
        await until(lambda: small_engine.server.readers == 0)
        taken = small_engine.taken
        await asyncio.sleep(0.7)
        assert small_engine.taken <= taken + 1


async def test_a_stalled_viewer_slows_nobody_and_gets_the_newest(small_engine: Any, raw: Any) -> None:
    small_engine.padding = ["x" * 300_000]  # a few snapshots fill every kernel buffer

    def watch(peer: Any, seconds: float) -> int:
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            count += peer.receive().get("type") == "snapshot"
        return count

    async with small_engine.serving():
        small_engine.server._period = 0.02
        stalled, live = await in_thread(raw), await in_thread(raw)
        for one in (stalled, live):
            await in_thread(one.command, "subscribe", events=True)
        watching = in_thread(watch, live, 1.0)
        slowest = 0.0
        for number in range(400):
            began = time.monotonic()
            small_engine.journal.append("test.event", {"number": number, "text": "x" * 500})
            slowest = max(slowest, time.monotonic() - began)
            if number % 50 == 0:
                await asyncio.sleep(0.02)
        assert await watching > 5
        assert slowest < 0.5
        began = time.monotonic()
        assert (await in_thread(call, small_engine.state, "halt", reason="r")).ok
        assert time.monotonic() - began < 0.5
        await in_thread(live.close)
        await until(lambda: len(small_engine.server._peers) == 1)
        (held,) = small_engine.server._peers
        assert held._snapshot is not None
        assert len(held._events) <= peers.EVENTS_QUEUED
        taken = small_engine.taken
        types = await in_thread(lambda: [stalled.receive() for _ in range(30)])
        newest = max((record.get("at", "") for record in types if record["type"] == "snapshot"), default="")
        assert newest >= f"2026-01-01T00:00:00.{taken:06d}Z"


async def test_events_follow_a_snapshot_without_a_hole(small_engine: Any, raw: Any) -> None:
    for number in range(20):
        small_engine.journal.append("before", {"number": number})

    def collect(peer: Any) -> tuple[int, list[int]]:
        while (record := peer.receive())["type"] != "snapshot":
            pass
        start, seqs = record["seq"], []
        while len(seqs) < 400:
            record = peer.receive()
            if record["type"] == "event":
                seqs.append(record["seq"])
        return start, seqs

    async with small_engine.serving():
        peer = await in_thread(raw)
        await in_thread(peer.command, "subscribe", events=True)
        collecting = in_thread(collect, peer)
        await until(lambda: small_engine.taken)
        await asyncio.sleep(0.1)
        for number in range(400):
            small_engine.journal.append("test.event", {"number": number})
            if number % 50 == 0:
                await asyncio.sleep(0.03)
        start, seqs = await collecting
    assert seqs == list(range(start + 1, start + 401))


async def test_an_event_too_long_for_a_line_goes_without_its_data(small_engine: Any, raw: Any) -> None:
    def event(peer: Any) -> dict[str, Any]:
        while (record := peer.receive())["type"] != "event":
            pass
        return record

    async with small_engine.serving():
        peer = await in_thread(raw)
        await in_thread(peer.command, "subscribe", events=True)
        await until(lambda: small_engine.taken)
        await asyncio.sleep(0.1)
        small_engine.journal.append("test.event", {"text": "x" * LINE_LIMIT})
        record = await in_thread(event, peer)
    assert record["data"]["truncated"] > LINE_LIMIT


async def test_a_snapshot_that_fails_is_an_error_and_not_the_end(
    small_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with small_engine.serving():
        good = small_engine.server._snapshot
        small_engine.server._snapshot = lambda: 1 // 0
        reply = await in_thread(call, small_engine.state, "snapshot")
        assert "no snapshot can be taken: ZeroDivisionError" in reply.error
        small_engine.server._snapshot = good
        assert (await in_thread(call, small_engine.state, "snapshot")).data["schema"] == "snapshot/1"


# -- bad peers --------------------------------------------------------------------------------------------------------

HELLO = b'{"type":"hello","protocol":[1,1],"build":"x"}\n'
GOOD = b'{"type":"command","id":"9","client":"c","verb":"snapshot"}\n'


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"\x00\xff\xfe garbage\n", "hello record"),
        (b"GET / HTTP/1.1\r\n\r\n", "hello record"),
        (
            b'{"type":"hello","protocol":[2,3],"build":"x"}\n',
            "viewer speaks protocol 2..3, the engine 1..1: upgrade the engine",
        ),
        (b'{"type":"hello","protocol":[0,0],"build":"x"}\n', "upgrade the viewer"),
        (HELLO + b"no json\n", "not JSON"),
        (HELLO + b"[" * 100_000 + b"\n", "not JSON"),
        (HELLO + b'{"a": "' + b"x" * (LINE_LIMIT + 10), "more than 1048576 bytes"),
        (HELLO + b'{"a": "' + b"x" * (LINE_LIMIT + 10) + b'"}\n', "more than 1048576 bytes"),
        (HELLO + b"[]\n" * peers.FAULTS, "bad records"),
    ],
)
async def test_a_rude_peer_gets_one_clear_line_and_is_sent_away(
    small_engine: Any, raw: Any, sent: bytes, told: str
) -> None:
    def provoke() -> list[dict[str, Any]]:
        peer = raw(greet=False)
        with suppress(ConnectionError):  # it may be sent away in the middle of its line
            peer.send(sent)
        records = []
        while record := peer.receive():
            records.append(record)
        return records

    async with small_engine.serving():
        records = await in_thread(provoke)
        assert told in records[-1]["error"]
        assert records[-1]["exit_code"] == 3
        assert (await in_thread(call, small_engine.state, "snapshot")).ok
        await until(lambda: not small_engine.server._peers)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b'{"type":"command","id":"1","client":"c","verb":"hault"}\n', "did you mean halt?"),
        (b'{"type":"command","id":"1","client":"c","verb":7}\n', "bad command: verb"),
        (b'{"type":"command","id":"1","client":"c","verb":"halt","args":[1]}\n', "bad command: args"),
        (b'{"type":"command","id":"1","client":"c","verb":"halt","extra":1}\n', "bad command: extra"),
        (
            b'{"type":"command","id":"1","client":"c","verb":"halt","args":{"reason":7}}\n',
            "reason must be text",
        ),
        (b'{"type":"command","id":"1","client":"c","verb":"halt","args":{"kind":"later"}}\n', "kinds are"),
        (
            b'{"type":"command","id":"1","client":"c","verb":"halt","args":{"why":"x"}}\n',
            "unknown argument 'why'",
        ),
        (
            b'{"type":"command","id":"1","client":"c","verb":"subscribe","args":{"events":"yes"}}\n',
            "true or false",
        ),
        (b'{"type":"command","id":"1","client":"c","verb":"inject"}\n', "does not offer"),
    ],
)
async def test_a_bad_command_is_answered_and_the_next_one_works(
    small_engine: Any, raw: Any, sent: bytes, told: str
) -> None:
    def provoke() -> tuple[dict[str, Any], dict[str, Any]]:
        peer = raw()
        peer.send(sent)
        first = peer.receive()
        peer.send(GOOD)
        return first, peer.receive()

    async with small_engine.serving():
        first, second = await in_thread(provoke)
    assert told in first["error"]
    assert (first["id"], first["ok"], first["exit_code"] > 0) == ("1", False, True)
    assert "\n" not in first["error"]
    assert (second["id"], second["ok"]) == ("9", True)
    assert small_engine.halt.state is None


async def test_a_half_line_then_silence_ends_the_connection(
    small_engine: Any, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "LINE_SECONDS", 0.2)
    monkeypatch.setattr(peers, "HELLO_SECONDS", 0.2)

    def provoke(*, greet: bool) -> dict[str, Any]:
        peer = raw(greet=greet)
        if greet:
            peer.send(b'{"type":"comm')
        else:
            peer.receive()
        return peer.receive()

    async with small_engine.serving():
        for greet in (True, False):
            assert "no whole line within 0.2 s" in (await in_thread(provoke, greet=greet))["error"]


async def test_a_quiet_viewer_may_stay(small_engine: Any, raw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "LINE_SECONDS", 0.1)
    async with small_engine.serving():
        peer = await in_thread(raw)
        await asyncio.sleep(0.4)
        assert (await in_thread(peer.ask, "snapshot"))["ok"]


async def test_asking_without_reading_uses_bounded_memory(small_engine: Any, raw: Any) -> None:
    def flood() -> None:
        peer = raw()
        peer.socket.settimeout(1)
        try:
            for _ in range(200_000):
                peer.command("subscribe", events="wrong")
        except TimeoutError:
            pass  # the engine stopped reading from it

    async with small_engine.serving():
        flooding = in_thread(flood)
        await asyncio.sleep(0.5)
        assert all(len(one._replies) <= peers.REPLIES_QUEUED + 1 for one in small_engine.server._peers)
        assert (await in_thread(call, small_engine.state, "halt")).ok
        await flooding


async def test_too_many_peers_are_told(small_engine: Any, raw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "PEERS", 3)
    async with small_engine.serving():
        first = [await in_thread(raw) for _ in range(3)]
        extra = await in_thread(raw, greet=False)
        assert "connected already" in (await in_thread(extra.receive))["error"]
        first[0].close()
        await until(lambda: len(small_engine.server._peers) < 3)
        assert (await in_thread(call, small_engine.state, "snapshot")).ok


async def test_another_user_is_refused(small_engine: Any, raw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "credentials", lambda _: (1, 12345))
    async with small_engine.serving():
        peer = await in_thread(raw, greet=False)
        assert (await in_thread(peer.receive))["type"] == "hello"
        assert "user 12345 may not" in (await in_thread(peer.receive))["error"]


# -- the socket file --------------------------------------------------------------------------------------------------


async def test_the_socket_is_private_and_goes_with_the_server(small_engine: Any) -> None:
    path = small_engine.state / SOCKET_NAME
    async with small_engine.serving():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_a_dead_socket_is_replaced_and_a_file_is_not(small_engine: Any) -> None:
    path = small_engine.state / SOCKET_NAME
    old = socket.socket(socket.AF_UNIX)
    old.bind(str(path))
    old.close()
    async with small_engine.serving():
        assert (await in_thread(call, small_engine.state, "snapshot")).ok
    path.write_text("precious")
    with pytest.raises(EnvironmentFault, match="not a socket"):
        await Server(
            small_engine.state, small_engine.journal, small_engine.halt, small_engine.snapshot, {}
        ).start()
    assert path.read_text() == "precious"


async def test_a_path_longer_than_the_kernels_limit_works(tmp_path: Path, small_engine: Any) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-directory-name"] * 8)
    deep.mkdir(parents=True)
    small_engine.state = deep
    async with small_engine.serving():
        assert (await in_thread(call, deep, "snapshot")).ok
        assert (deep / SOCKET_NAME).is_socket()
    assert not (deep / SOCKET_NAME).exists()


async def test_serving_leaks_nothing(small_engine: Any) -> None:
    async def once() -> int:
        async with small_engine.serving():
            for _ in range(5):
                assert (await in_thread(call, small_engine.state, "snapshot")).ok
        return len(os.listdir("/proc/self/fd"))

    first = await once()
    assert await once() == first
    assert json.dumps([str(t) for t in small_engine.server._tasks]) == "[]"


async def test_a_stop_reply_still_leaves_when_the_server_closes(small_engine: Any) -> None:
    closing: list[asyncio.Task[None]] = []

    async def stop(*_: object) -> dict[str, Any]:
        closing.append(asyncio.ensure_future(small_engine.server.close()))
        return {"stopping": True}

    small_engine.server = Server(
        small_engine.state, small_engine.journal, small_engine.halt, small_engine.snapshot, {"stop": stop}
    )
    await small_engine.server.start()
    reply = await in_thread(call, small_engine.state, "stop")
    assert reply.data == {"stopping": True}
    await closing[0]
    with pytest.raises(MimicryError):
        await in_thread(call, small_engine.state, "snapshot")


# -- golden transcripts -----------------------------------------------------------------------------------------------

TRANSCRIPTS = sorted((Path(__file__).parents[1] / "transcripts" / "v1").glob("*.jsonl"))
SIDES: dict[str, list[type[protocol.Record]]] = {
    "client": [protocol.Hello, protocol.Command],
    "server": [protocol.Hello, protocol.Reply, protocol.Snapshot, protocol.Event],
}


def alike(wanted: Any, found: Any) -> bool:
    """Compare with `"*"` as anything."""
    if wanted == "*":
        return True
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(alike(wanted[key], found[key]) for key in wanted)
    return type(wanted) is type(found) and bool(wanted == found)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_conversations_of_protocol_1_stay_as_they_are(small_engine: Any, raw: Any, path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]

    def converse() -> None:
        peer = raw(greet=False)
        for number, (side, record) in enumerate(lines, 1):
            if side == "client":
                peer.send(record)
            else:
                found = peer.receive()
                assert alike(record, found), f"{path.name} line {number}: {found}"

    async with small_engine.serving():
        await in_thread(converse)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_records_of_protocol_1_are_still_understood(path: Path) -> None:
    for line in path.read_text().splitlines():
        side, record = json.loads(line)
        form = next(one for one in SIDES[side] if one.model_fields["type"].default == record["type"])
        form.model_validate_json(json.dumps(fill_in(record)))


def fill_in(record: Any) -> Any:
    """Put a number's text where a transcript has `"*"`."""
    if isinstance(record, dict):
        return {key: fill_in(value) for key, value in record.items()}
    return "1" if record == "*" else record


def test_there_are_transcripts() -> None:
    assert [path.stem for path in TRANSCRIPTS] == ["halt_and_resume", "refusals", "subscribe", "version"]


# -- control ----------------------------------------------------------------------------------------------------------


async def test_one_viewer_holds_control_and_another_takes_it_with_a_reason(small_engine: Any) -> None:
    async def stop(command: protocol.Command, by: str) -> dict[str, Any]:
        return {"by": by}

    async with small_engine.serving({"stop": stop}):
        first, second = [await Client.connect(small_engine.state, name=name) for name in ("first", "second")]
        views = [client.snapshots() for client in (first, second)]
        assert "first" in ((await anext(views[0])).control or "")
        await anext(views[1])
        assert (await first.command("stop")).ok
        refused = await second.command("stop")
        assert "(first, pid" in (refused.error or "")
        assert (await second.command("halt", kind="now", reason="anybody may")).ok
        assert not (await second.command("control", reason="")).ok
        taken = await second.command("control", reason="night shift")
        assert "first" in taken.data["from"]
        assert (await second.command("stop")).ok
        assert not (await first.command("stop")).ok
        assert small_engine.journal.last(["control.taken"]).data["reason"] == "night shift"
        assert (await in_thread(call, small_engine.state, "stop")).ok  # a command is not a viewer
        await second.close()
        await until(
            lambda: "first" in ((small_engine.server._control and small_engine.server._control.by) or "")
        )
        assert (await first.command("stop")).ok
        await first.close()
