"""The hash chain: canonical JSON, the event record, and the sha-256 that ties each event to the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from state.errors import LedgerError

GENESIS = "0" * 64
BULK = ("cursor.set", "draw.judged", "draws.arrived", "draws.unforecast", "learning.health", "pool.committed")
"""What every draw leaves behind; of old records of these kinds the content may lie in an archive (`state/thinning.py`)."""
THINNED_DATA = {"thinned": True}
THINNED_TEXT = '{"thinned":true}'


@dataclass(frozen=True)
class Event:
    """One journal record; `seq` is the only order, `at` is for people."""

    seq: int
    at: str
    kind: str
    data: dict[str, Any]
    hash: str
    prev: str
    boot: str
    mono: float


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, ASCII, no NaN; raise LedgerError for anything else."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise LedgerError(f"a record must be plain JSON (no NaN, no arrays, no paths): {error}") from error


def digest(value: object) -> str:
    """Return the sha-256 (hex) of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def event_hash(
    prev: str, seq: int, at: str, boot: str, mono: float, kind: str, data: Mapping[str, Any]
) -> str:
    """Return sha-256 (hex) over the previous hash and the canonical record."""
    record = {"seq": seq, "at": at, "boot": boot, "mono": mono, "kind": kind, "data": data}
    return hashlib.sha256((prev + canonical(record)).encode("ascii")).hexdigest()


def mismatch(event: Event, prev: str, seq: int) -> str | None:
    """Return what is wrong with `event` as number `seq` after `prev`, or None."""
    if event.seq != seq:
        return f"event {seq} is missing, {event.seq} follows"
    if event.prev != prev:
        return f"it names {event.prev[:12]} as its predecessor, the chain holds {prev[:12]}"
    if event.data == THINNED_DATA and event.kind in BULK:
        return None  # the hash stands for content that is in an archive; `thinning.check` reads it
    found = event_hash(event.prev, event.seq, event.at, event.boot, event.mono, event.kind, event.data)
    if found == event.hash:
        return None
    shown = 12 if found[:12] != event.hash[:12] else len(found)
    return f"its content gives {found[:shown]}, stored is {event.hash[:shown]}: the record was changed"
