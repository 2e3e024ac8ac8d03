"""Draws from an address: a document that is asked for only if it changed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from engine.history import source_shape
from engine.history.source_shape import SourceFault, parse

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from engine.config import HistorySettings
    from engine.history.store import Arrival, DrawStore

LONGEST_WAIT = 3600.0
REDIRECTS = 3
TYPES = {
    "text/csv": "csv",
    "application/json": "json",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
}


class Cursors(Protocol):
    """The journal's durable positions; `state.settings.Cursors`."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return a position."""

    def set(self, name: str, value: Any) -> int:
        """Record a position."""


class UrlSource:
    """A document behind HTTP, asked for only if it changed (ETag, Last-Modified)."""

    kind, backs_off = "url", True

    def __init__(self, url: str, settings: HistorySettings, state: Path, cursors: Cursors) -> None:
        self.name, self._url, self._settings, self._cursors = public(url), url, settings, cursors
        self._mark = hashlib.sha256(url.encode()).hexdigest()
        self._file = state / "sources" / "answer"
        self._marks: dict[str, str] = {}

    async def fetch(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        """Ask once; an unchanged document is no draws."""
        self._marks = {}
        answer = await self._get(await asyncio.to_thread(self._known_marks, store))
        if answer is None:
            return []
        return await asyncio.to_thread(parse, *answer, self._file, self.name, self._settings, store)

    def _known_marks(self, store: Callable[[], DrawStore]) -> dict[str, str]:
        """Return the marks of the document whose draws the store holds; of no other, or a restored store would starve."""
        kept = self._cursors.get("source.url") or {}
        if kept.get("url") != self._mark or kept.get("draws") != store().last:
            return {}
        names = {"etag": "If-None-Match", "modified": "If-Modified-Since"}
        return {header: kept[mark] for mark, header in names.items() if kept.get(mark)}

    async def _get(self, headers: dict[str, str]) -> tuple[bytes, str | None] | None:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=self._settings.timeout_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self._url, headers=headers, max_redirects=REDIRECTS) as answer,
            ):
                return await self._accept(answer)
        except TimeoutError:
            raise SourceFault(f"no whole answer within {self._settings.timeout_s:g} s") from None
        except aiohttp.ClientError as error:
            told = str(error).replace(self._url, self.name)
            raise SourceFault(f"{type(error).__name__}: {told}"[:300]) from None

    async def _accept(self, answer: ClientResponse) -> tuple[bytes, str | None] | None:
        if answer.status == 304:
            return None
        if answer.status != 200:
            raise SourceFault(f"answered {answer.status} {answer.reason}", wait=_retry_after(answer))
        if self.name.startswith("https:") and answer.url.scheme != "https":
            raise SourceFault(f"led from https to {answer.url.scheme}; give the final address")
        body = bytearray()
        async for chunk in answer.content.iter_chunked(1 << 16):
            body += chunk
            if len(body) > source_shape.LARGEST_ANSWER:
                raise SourceFault(
                    f"more than {source_shape.LARGEST_ANSWER >> 20} MiB; a history takes far less"
                )
        marks = {"etag": answer.headers.get("ETag"), "modified": answer.headers.get("Last-Modified")}
        self._marks = {name: mark for name, mark in marks.items() if mark and len(mark) <= 500}
        return bytes(body), TYPES.get(answer.content_type)

    def taken(self, store: Callable[[], DrawStore]) -> None:
        """Keep the document's marks with the number of draws they stand for."""
        if not self._marks:
            return
        kept = {"url": self._mark, "draws": store().last, **self._marks}
        if self._cursors.get("source.url") != kept:
            self._cursors.set("source.url", kept)


def public(url: str) -> str:
    """Return an address that may be shown: without a user, a password or a query, which may hold keys."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" + ("?…" if parts.query else "")


def _retry_after(answer: ClientResponse) -> float:
    """Return the seconds that the server asked for; a date or nonsense counts as none."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), LONGEST_WAIT) if text.isdigit() and len(text) < 9 else 0.0
