"""Where draws come from: a file, a directory, a URL, a command. One look at a time; what it finds is durable before it counts.

A source never decides what a draw is worth; it hands arrivals to the one store, which keeps each of them once.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from engine.errors import BadInput, MimicryError
from engine.secrets import for_children
from engine.spawn import end, ended, kill, started

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from engine.config import HistorySettings
    from engine.history.store import Arrival, DrawStore

LARGEST_ANSWER = 64 << 20
LONGEST_COMPLAINT = 1 << 16
QUIET_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
LONGEST_WAIT = 3600.0
REDIRECTS = 3
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".txt")
TYPES = {
    "text/csv": "csv",
    "application/json": "json",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
}


class SourceFault(MimicryError):
    """The source did not answer as it should; `wait` are the seconds it asked to be left alone."""

    def __init__(self, text: str, wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


class Cursors(Protocol):
    """The journal's durable positions; `state.settings.Cursors`."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return a position."""

    def set(self, name: str, value: Any) -> int:
        """Record a position."""


class Source(Protocol):
    """One place that draws come from. `backs_off`: failures make the pauses longer, because asking costs somebody."""

    kind: str
    name: str
    backs_off: bool

    async def fetch(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        """Return the draws that the store lacks, oldest first. Raises SourceFault or BadInput."""

    def taken(self, store: Callable[[], DrawStore]) -> None:
        """Remember what `fetch` returned, now that it is durable."""


def source_of(settings: HistorySettings, state: Path, cursors: Cursors) -> Source | None:
    """Return the source that the settings name, or None."""
    if settings.file is not None:
        return FileSource(settings.file, settings)
    if settings.directory is not None:
        return DirectorySource(settings.directory, settings)
    if settings.url is not None:
        return UrlSource(settings.url, settings, state, cursors)
    return CommandSource(settings.command, settings, state) if settings.command else None


class FileSource:
    """One file that grows at its end."""

    kind, backs_off = "file", False

    def __init__(self, path: Path, settings: HistorySettings) -> None:
        self.name, self._path, self._settings = str(path), path, settings
        self._seen: tuple[int, int] | None = None
        self._looked: tuple[int, int] | None = None

    async def fetch(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        """Read the file if it changed since the last look that succeeded."""
        return await asyncio.to_thread(self._read, store)

    def _read(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        try:
            info = self._path.stat()
        except OSError as error:
            raise SourceFault(f"{self._path}: {error.strerror}; draws are taken once it is there") from None
        self._looked = (info.st_size, info.st_mtime_ns)
        if self._looked == self._seen:
            return []
        from engine.history.feed import new_draws, read_part

        return new_draws(read_part(self._path, self.name, self._settings), store())

    def taken(self, store: Callable[[], DrawStore]) -> None:
        """Do not read this state of the file again."""
        self._seen = self._looked


class DirectorySource:
    """A directory of files of draws, taken in the order of their names; the last one may still grow.

    A draw's id is its file and row, so that no crash takes it twice. Order is sacred: a file that comes late, or one that
    cannot be read, holds back those after it, visibly.
    """

    kind, backs_off = "directory", False

    def __init__(
        self, folder: Path, settings: HistorySettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name, self._folder, self._settings, self._clock = str(folder), folder, settings, clock
        self._done: dict[str, tuple[int, int, int]] = {}
        self._pending: dict[str, tuple[int, int, int]] = {}
        self._quiet: dict[str, tuple[tuple[int, int, int], float]] = {}

    async def fetch(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        """Read what is new and complete."""
        return await asyncio.to_thread(self._read, store)

    def _read(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        self._pending = {}
        names = self._names()
        self._quiet = {name: seen for name, seen in self._quiet.items() if name in names}
        fresh = [name for name in names if self._signature(name) != self._done.get(name)]
        return self._from(fresh, names, store()) if fresh else []

    def _from(self, fresh: list[str], names: list[str], store: DrawStore) -> list[Arrival]:
        arrivals: list[Arrival] = []
        quiet = {name: self._quiet_for(name) for name in fresh}
        taken_before = [name for name in names if name in self._done or store.known(f"{name}#")]
        for name in fresh:
            rows = self._rows(name, quiet[name])
            if rows is None:
                return arrivals  # not complete yet; those after it wait
            new = rows[store.known(f"{name}#") :]
            later = next((one for one in taken_before if one > name), None)
            if new and later is not None:
                return self._late(name, len(new), later, arrivals)
            arrivals += rows
            self._pending[name] = self._quiet[name][0]
        return arrivals

    def _late(self, name: str, new: int, later: str, arrivals: list[Arrival]) -> list[Arrival]:
        """Hand over what came before the late file; complain only when there is nothing else to do."""
        if arrivals:
            return arrivals
        raise BadInput(
            f"{self._folder / name}: {new} new draws, but {later} was taken before; draws go in the order of the names: "
            "give the file a later name"
        )

    def _rows(self, name: str, quiet: float) -> list[Arrival] | None:
        """Return a file's draws under their ids; None while it is still being written."""
        from dataclasses import replace

        from engine.history.feed import read_part

        if quiet < QUIET_SECONDS:
            return None
        path = self._folder / name
        try:
            history = read_part(path, str(path), self._settings)
        except BadInput:
            if quiet < PATIENCE_SECONDS:
                return None
            raise
        from engine.history.store import Arrival

        rows = [Arrival(draw.value, draw.time, draw.session) for draw in history.draws]
        return [replace(row, id=f"{name}#{number}") for number, row in enumerate(rows)]

    def _quiet_for(self, name: str) -> float:
        """Return for how long the file has not changed."""
        now, signature = self._clock(), self._signature(name)
        seen = self._quiet.get(name)
        if seen is None or seen[0] != signature:
            seen = self._quiet[name] = (signature, now)
        return now - seen[1]

    def _signature(self, name: str) -> tuple[int, int, int]:
        try:
            info = (self._folder / name).lstat()
        except OSError:
            return (0, 0, 0)
        return info.st_ino, info.st_size, info.st_mtime_ns

    def _names(self) -> list[str]:
        try:
            with os.scandir(self._folder) as entries:
                names = sorted(
                    entry.name
                    for entry in entries
                    if not entry.name.startswith(".")
                    and Path(entry.name).suffix.lower() in SUFFIXES
                    and stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
                )
        except OSError as error:
            raise SourceFault(f"{self._folder}: {error.strerror}; draws are taken once it is there") from None
        for name in names:
            if not name.isprintable():  # it becomes part of the draws' ids and of messages
                raise BadInput(f"{self._folder}: the name {name!a} is no printable text; rename the file")
        return names

    def taken(self, store: Callable[[], DrawStore]) -> None:
        """Do not read these states of the files again."""
        self._done |= self._pending
        self._pending = {}


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
        return await asyncio.to_thread(_parse, *answer, self._file, self.name, self._settings, store)

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
            if len(body) > LARGEST_ANSWER:
                raise SourceFault(f"more than {LARGEST_ANSWER >> 20} MiB; a history takes far less")
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


class CommandSource:
    """A program that prints draws and ends; it is killed with its children when its time is over."""

    kind, backs_off = "command", True

    def __init__(self, command: tuple[str, ...], settings: HistorySettings, state: Path) -> None:
        self.name, self._command, self._settings = " ".join(command)[:200], command, settings
        self._state, self._file = state, state / "sources" / "answer"

    async def fetch(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        """Run the program once."""
        body = await self._run()
        return await asyncio.to_thread(_parse, body, None, self._file, self.name, self._settings, store)

    async def _run(self) -> bytes:
        try:
            child = await started(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._state,
                env=for_children(os.environ),
            )
        except OSError as error:
            raise SourceFault(f"cannot be started: {error.strerror}") from None
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                body, complaint, code = await asyncio.gather(
                    _limited(child.stdout, LARGEST_ANSWER), _tail(child.stderr), ended(child)
                )
        except TimeoutError:
            raise SourceFault(f"did not end within {self._settings.timeout_s:g} s and was killed") from None
        finally:
            kill(child)  # also where it has ended this moment: what it started there
            await end(child)
        if code != 0:
            last = complaint.decode(errors="replace").strip().splitlines()[-1:] or [
                "no word on standard error"
            ]
            raise SourceFault(f"ended with {code}: {last[0][:200]}")
        return body

    def taken(self, store: Callable[[], DrawStore]) -> None:
        """Keep nothing: the next answer is compared with the store."""


async def _limited(stream: asyncio.StreamReader | None, limit: int) -> bytes:
    assert stream is not None
    body = bytearray()
    while chunk := await stream.read(1 << 16):
        body += chunk
        if len(body) > limit:
            raise SourceFault(f"printed more than {limit >> 20} MiB; a history takes far less")
    return bytes(body)


async def _tail(stream: asyncio.StreamReader | None) -> bytes:
    assert stream is not None
    kept = b""
    while chunk := await stream.read(1 << 16):
        kept = (kept + chunk)[-LONGEST_COMPLAINT:]
    return kept


def _parse(
    body: bytes,
    format: str | None,
    file: Path,
    name: str,
    settings: HistorySettings,
    store: Callable[[], DrawStore],
) -> list[Arrival]:
    """Return the new draws of an answer; it goes through a file, as the importers stream from one."""
    from engine.history.feed import new_draws, read_part

    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)
    try:
        return new_draws(read_part(file, name, settings, format=format), store())
    finally:
        file.unlink(missing_ok=True)


def public(url: str) -> str:
    """Return an address that may be shown: without a user, a password or a query, which may hold keys."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" + ("?…" if parts.query else "")


def _retry_after(answer: ClientResponse) -> float:
    """Return the seconds that the server asked for; a date or nonsense counts as none."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), LONGEST_WAIT) if text.isdigit() and len(text) < 9 else 0.0
