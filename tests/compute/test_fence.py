"""Roles: who a certificate names, what a worker may say, and that nobody speaks for another one."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from engine.compute.fence import STRANGER, WORKER_OPS, Peer, owns, refusal
from engine.compute.pki import Authority, Role

RIG = Peer("worker", "rig-6600")
HOME = {"tls://127.1.1.1:9"}


def test_only_what_a_worker_says_passes() -> None:
    for op in (
        "run_function",
        "register-client",
        "update-graph",
        "gather",
        "broadcast",
        "proxy",
        "terminate",
        "feed",
    ):
        assert op not in WORKER_OPS
        assert "not a worker's" in (refusal(RIG, {"op": op, "reply": True}, HOME) or "")
    assert refusal(RIG, {"op": "task-finished", "key": "k"}, HOME) is None
    assert refusal(RIG, "OK", HOME) is None


@pytest.mark.parametrize("wrap", [list, tuple])
def test_every_record_of_a_list_is_looked_at(wrap: Any) -> None:
    good, evil = {"op": "keep-alive"}, {"op": "run_function", "function": b""}
    assert refusal(RIG, wrap([good, good]), HOME) is None
    assert "run_function" in (refusal(RIG, wrap([good, evil]), HOME) or "")
    assert "not a worker's" in (refusal(RIG, wrap([{"no": "op"}]), HOME) or "")
    assert "sent a bytes" in (refusal(RIG, wrap([b"x"]), HOME) or "")


def test_a_rig_cannot_speak_for_another_one() -> None:
    for record in (
        {"op": "heartbeat_worker", "address": "tls://127.9.9.9:9"},
        {"op": "unregister", "address": "tls://127.9.9.9:9"},
        {"op": "task-finished", "worker": "tls://127.9.9.9:9"},
        {"op": "answer", "worker": "tls://127.9.9.9:9", "serial": 1, "payload": b""},
    ):
        assert "in the name of" in (refusal(RIG, record, HOME) or ""), record
    assert refusal(RIG, {"op": "heartbeat_worker", "address": "tls://127.1.1.1:9"}, HOME) is None


def test_a_worker_registers_under_its_own_rigs_name() -> None:
    for name in ("rig-6600", "rig-6600/gpu3#7", "rig-6600#1"):
        assert owns(RIG, name)
        assert refusal(RIG, {"op": "register-worker", "name": name}, set()) is None
    for name in ("rig-6600b/gpu0#1", "worker-0#1", None, 3):
        assert "registers as" in (refusal(RIG, {"op": "register-worker", "name": name}, set()) or "")


def test_a_certificate_without_role_is_a_strangers() -> None:
    assert Peer.of(None) == Peer(STRANGER, STRANGER)
    assert Peer.of({"subject": ((("commonName", "x"),),)}) == Peer(STRANGER, "x")


def shaken(server: ssl.SSLContext, client: ssl.SSLContext) -> Peer:
    """Let two contexts shake hands in memory and return whom the server sees."""
    pipes = [ssl.MemoryBIO() for _ in range(4)]
    ends = [
        server.wrap_bio(pipes[0], pipes[1], server_side=True),
        client.wrap_bio(pipes[2], pipes[3]),
    ]
    done = [False, False]
    for _ in range(8):
        for index, end in enumerate(ends):
            try:
                end.do_handshake()
                done[index] = True
            except ssl.SSLWantReadError:
                pass
        pipes[2].write(pipes[1].read())
        pipes[0].write(pipes[3].read())
    assert all(done)
    return Peer.of(ends[0].getpeercert())


@pytest.mark.parametrize("role", ["scheduler", "worker", "client"])
def test_a_leaf_is_seen_with_its_role_and_name(role: Role) -> None:
    authority = Authority()
    server = authority.leaf("scheduler", "s").context(server=True)
    assert shaken(server, authority.leaf(role, "rig-6600").context(server=False)) == Peer(role, "rig-6600")


def test_another_authority_of_the_same_name_is_refused() -> None:
    server = Authority().leaf("scheduler", "s").context(server=True)
    with pytest.raises(ssl.SSLError, match=r"verify failed|CERTIFICATE_VERIFY_FAILED"):
        shaken(server, Authority().leaf("client", "engine").context(server=False))


def test_keys_are_never_shown_and_never_the_same() -> None:
    authority = Authority()
    one, two = (authority.leaf("worker", "w") for _ in range(2))
    assert one.key != two.key
    assert one.ca == two.ca
    assert "PRIVATE" not in one.cert + one.ca
