"""What a projection may ask of the journal: lend a read, lend a transaction, tell a story."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from state.chain import Event


class Tx(Protocol):
    """One open transaction."""

    db: sqlite3.Connection

    def event(self, kind: str, data: Mapping[str, Any]) -> int:
        """Chain one event and return its sequence number."""


class Store(Protocol):
    """The journal as its projections see it; every projection changes only inside a transaction that records why."""

    session: str

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """Lend a connection for short reads."""

    def transaction(self) -> AbstractContextManager[Tx]:
        """Lend one transaction; nested calls join the outer one."""

    def story(self, subject: str, *, role: str | None = None, limit: int = 1000) -> list[Event]:
        """Return the events that name a subject."""
