"""Alerts to a web address: the journal is the queue, a cursor in it says what has been delivered, a hanging address blocks nobody."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import urllib.request
from typing import TYPE_CHECKING

from engine.secrets import cleaned, secrets_of

if TYPE_CHECKING:
    from state.chain import Event
    from state.journal import Journal

CURSOR = "alerts.webhook"
KINDS = ("alert.",)
QUEUED = 100
"""Alerts that wait at most; of more, the oldest are passed over, and that is said."""
TIMEOUT = 5.0
PAUSES = (1.0, 5.0, 15.0, 60.0, 300.0)
LOOK = 1.0
logger = logging.getLogger("mimicry.alerts")


class Webhook:
    """Delivers each alert event once the address has taken it; a restart goes on behind the last one that it took."""

    def __init__(self, url: str, host: str, journal: Journal) -> None:
        self._url, self._host, self._journal = url, host, journal
        self._secrets = secrets_of([("alerts.webhook", url)], {})
        self._failures = self._dropped = 0
        self._fault = ""

    @property
    def degraded(self) -> list[str]:
        """Say what does not reach the address."""
        told = [f"webhook: {self._fault}, attempt {self._failures}"] if self._fault else []
        return told + ([f"webhook: {self._dropped} alerts passed over"] if self._dropped else [])

    async def serve(self) -> None:
        """Deliver forever."""
        if self._journal.cursors.get(CURSOR) is None:
            self._journal.cursors.set(CURSOR, self._journal.seq)  # nothing from before it was asked for
        while True:
            delivered = await self.pump()
            pause = PAUSES[min(self._failures, len(PAUSES)) - 1] if self._failures else LOOK
            await asyncio.sleep(0 if delivered else pause)

    async def pump(self) -> bool:
        """Deliver the oldest waiting alert; tell whether one was delivered."""
        waiting = list(
            self._journal.events(after=self._journal.cursors.get(CURSOR, 0), kinds=KINDS, limit=QUEUED + 1)
        )
        if not waiting:
            return False
        if len(waiting) > QUEUED:
            self._dropped += 1
            self._journal.cursors.set(CURSOR, waiting[0].seq)
            return True
        try:
            await asyncio.to_thread(self._post, waiting[0])
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._failures += 1
            told = cleaned(" ".join(str(error).split()), self._secrets)
            self._fault = told[:200] or type(error).__name__
            logger.warning("webhook: %s, attempt %d", self._fault, self._failures)
            return False
        self._failures, self._fault = 0, ""
        self._journal.cursors.set(CURSOR, waiting[0].seq)
        return True

    def _post(self, event: Event) -> None:
        record = {
            "schema": "alert/1",
            "host": self._host,
            "seq": event.seq,
            "at": event.at,
            "kind": event.kind,
            **event.data,
        }
        request = urllib.request.Request(
            self._url,
            data=json.dumps(record).encode(),
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": f"{self._host}-{event.hash[:16]}",
            },
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            answer.read(1024)
