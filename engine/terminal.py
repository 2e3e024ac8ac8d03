"""Text from outside on a terminal: what would steer the terminal is shown as a mark, so that no file, rig or server writes on it. Pure."""

from __future__ import annotations

import re

MARK = "\ufffd"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# An escaped backslash is taken as a pair, so that the one behind it is never read as the beginning of an escape.
_IN_JSON = re.compile(rb"(\\\\)|\\u00(?:[01][0-9a-fA-F]|7[fF]|[89][0-9a-fA-F])|\\[bfr]|\x7f|\xc2[\x80-\x9f]")
_SIGNS = (rb"\u00", rb"\b", rb"\f", rb"\r", b"\x7f")
_HIGH = re.compile(rb"\xc2[\x80-\x9f]")
_MARK = MARK.encode()


def plain(text: str) -> str:
    """Return the text with every control character but line feed and tab replaced by MARK."""
    return _CONTROL.sub(MARK, text)


def plain_json(line: bytes) -> bytes:
    """Return a line of JSON whose texts steer no terminal; it stays JSON of the same shape."""
    if not any(sign in line for sign in _SIGNS) and _HIGH.search(line) is None:
        return line  # nearly always, and found in no time
    return _IN_JSON.sub(lambda found: found[1] or _MARK, line)
