"""Bytes of a history, with a limit: refuse what is too big, binary or not UTF-8, and never read it whole."""

from __future__ import annotations

import contextlib
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from engine.errors import BadInput

MAX_BYTES = 1 << 30
JSON_BYTES = 1 << 28
"""A JSON document is held in memory whole, about ten times its size; the other formats are streamed."""
CHUNK = 1 << 18
LONGEST_LINE = 1 << 20
BOM = b"\xef\xbb\xbf"


class Source:
    """One open history: its name for messages, its first bytes for sniffing, its lines."""

    def __init__(self, stream: BinaryIO, name: str, max_bytes: int = MAX_BYTES) -> None:
        self.name, self._stream, self._max_bytes = name, stream, max_bytes
        first = stream.read(CHUNK)
        self._taken = len(first)
        self._head = first.removeprefix(BOM)

    def sample(self) -> str:
        """Return the start of the text, for sniffing; a broken end of it does no harm."""
        return self._head.decode("utf-8", errors="ignore")

    def lines(self, *, split_long: bool = False) -> Iterator[tuple[int, str]]:
        """Yield (line number, text without its end); `split_long` cuts an endless line at white space."""
        number, rest = 0, b""
        for chunk in self._chunks():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                number += 1
                yield number, self._text(line.removesuffix(b"\r"), number)
            if len(rest) > LONGEST_LINE:
                piece, rest = self._cut(rest, number + 1, split_long)
                yield number + 1, self._text(piece, number + 1)
        if rest:
            yield number + 1, self._text(rest.removesuffix(b"\r"), number + 1)

    def whole(self) -> str:
        """Return all the text of a document that cannot be streamed."""
        self._max_bytes = min(self._max_bytes, JSON_BYTES)
        return "\n".join(
            self._text(line, number) for number, line in enumerate(self._joined().split(b"\n"), 1)
        )

    def _joined(self) -> bytes:
        return b"".join(self._chunks())

    def _chunks(self) -> Iterator[bytes]:
        newlines, chunk = 0, self._head
        while chunk:
            if (at := chunk.find(b"\0")) >= 0:
                line = newlines + chunk.count(b"\n", 0, at) + 1
                raise BadInput(
                    f"{self.name}, line {line}: a NUL byte; a history is UTF-8 text: decompress or convert it first"
                )
            newlines += chunk.count(b"\n")
            yield chunk
            chunk = self._stream.read(CHUNK)
            self._taken += len(chunk)
            if self._taken > self._max_bytes:
                raise too_big(self.name, self._max_bytes, None)

    def _cut(self, rest: bytes, number: int, split_long: bool) -> tuple[bytes, bytes]:
        at = max(rest.rfind(b" "), rest.rfind(b"\t")) if split_long else -1
        if at < 0:
            raise BadInput(
                f"{self.name}, line {number}: longer than {LONGEST_LINE:,} bytes; write one draw on each line"
            )
        return rest[:at], rest[at:]

    def _text(self, line: bytes, number: int) -> str:
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadInput(
                f"{self.name}, line {number}: byte {line[error.start]:#04x} is not valid UTF-8; "
                "convert the file, for example with `iconv -f LATIN1 -t UTF-8`"
            ) from None


@contextlib.contextmanager
def open_source(path: Path | str) -> Iterator[Source]:
    """Open a file, or standard input for `-`; refuse at once what is missing, no file, or too big."""
    if str(path) == "-":
        if sys.stdin is None:
            raise BadInput("standard input: is closed; give the path of a history, or send one with `<`")
        yield Source(sys.stdin.buffer, "standard input")
        return
    try:
        with Path(path).open("rb") as stream:
            status = Path(path).stat()
            if stat.S_ISREG(status.st_mode) and status.st_size > MAX_BYTES:
                raise too_big(str(path), MAX_BYTES, status.st_size)
            yield Source(stream, str(path))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; give the path of a history, or - for standard input") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: is a directory; give one file of draws in it") from None
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be read ({error.strerror}); check the file and its permissions"
        ) from None


def too_big(name: str, limit: int, size: int | None) -> BadInput:
    """Build the refusal of a file beyond the limit, with what to do."""
    has = f"{size / 2**30:.1f} GiB" if size is not None else "it goes on"
    return BadInput(
        f"{name}: more than {limit / 2**30:g} GiB ({has}); a verdict needs far less: take a part first, "
        f"for example with `head -n 1000000`, as CSV, JSONL or one number on each line"
    )
