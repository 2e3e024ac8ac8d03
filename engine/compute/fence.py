"""What each role may ask of the scheduler: a table, and one pure check of every message. It knows nothing of Dask's classes.

Dask's TLS knows who signed a certificate, not what its holder is for: without this, a stolen worker's key runs code in the
scheduler and on every other rig.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

STRANGER = "stranger"

WORKER_OPS = frozenset(
    {
        # asked once, or every few seconds
        "register-worker",
        "heartbeat_worker",
        "unregister",
        "close",
        # said on the stream
        "answer",
        "task-finished",
        "task-erred",
        "release-worker-data",
        "worker-status-change",
        "keep-alive",
        "log-event",
        "close-stream",
    }
)
"""All that a worker of ours says. Whatever is not here is what a client does, or code that somebody wants to run."""


@dataclass(frozen=True)
class Peer:
    """Who is at the other end, as the certificate says: role (OU) and name (CN)."""

    role: str
    name: str

    @classmethod
    def of(cls, certificate: Mapping[str, Any] | None) -> Peer:
        """Return the peer behind a verified certificate as `ssl` describes it; a stranger where it says nothing."""
        parts = dict(pair for part in (certificate or {}).get("subject", ()) for pair in part)
        return cls(str(parts.get("organizationalUnitName", STRANGER)), str(parts.get("commonName", STRANGER)))


def owns(peer: Peer, worker: object) -> bool:
    """Tell whether a worker of this name is one of the peer's: its own name, or a place on its rig (`rig-6600/gpu3#2`)."""
    return isinstance(worker, str) and (
        worker == peer.name or worker.startswith((f"{peer.name}/", f"{peer.name}#"))
    )


def refusal(peer: Peer, message: object, addresses: Iterable[object]) -> str | None:
    """Return why `message` of a worker is refused, None if it may pass.

    Every record of a list is looked at. `addresses` are those under which workers of this peer are registered: a rig cannot speak
    for another one.
    """
    records = message if isinstance(message, list | tuple) else (message,)
    known = set(addresses)
    for record in records:
        if record == "OK":
            continue
        if not isinstance(record, Mapping):
            return f"{peer.role} {peer.name} sent a {type(record).__name__}, records are the rule"
        why = _refused(peer, record, known)
        if why is not None:
            return f"{peer.role} {peer.name}: {why}"
    return None


def _refused(peer: Peer, record: Mapping[Any, Any], known: set[object]) -> str | None:
    op = record.get("op")
    if op not in WORKER_OPS:
        return f"op {str(op)[:60]!r} is not a worker's"
    if op == "register-worker":
        return None if owns(peer, record.get("name")) else f"registers as {str(record.get('name'))[:60]!r}"
    claimed = record.get("worker", record.get("address"))
    if claimed is not None and claimed not in known:
        return f"op {op} in the name of {str(claimed)[:60]!r}"
    return None
