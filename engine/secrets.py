"""Which literal texts are secrets of this room: what its settings and this process's environment name as such. Pure but for both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any
from urllib.parse import quote, urlsplit

from engine.masks import MASK, masked

_NAME = re.compile(r"(?i)key|token|secret|passw|credential|auth")
_FLAG = re.compile(r"(?i)^--?[\w-]*(key|token|secret|passw\w*|credential|auth\w*)[\w-]*(=(?P<value>.+))?$")
OWN_KEYS = ("ANTHROPIC_API_KEY",)
"""Variables that this process alone needs: no worker, no model server and no program that gives draws inherits them."""
SHORTEST = 6
"""A shorter value is not replaced wherever it stands: it would mask half the text and hide nothing."""
NOT_SECRET = ("ssh_auth_sock",)
KEY_FILES = ("key", "known_hosts", "host_keys")
"""Settings that name a file or a public key; the private key itself is never read."""


def for_children(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the keys that are ours alone."""
    return {name: value for name, value in environ.items() if name not in OWN_KEYS}


def secrets_of(settings: Iterable[tuple[str, Any]], environ: Mapping[str, str]) -> list[str]:
    """Return every secret value, longest first; `settings` are dotted keys with plain values."""
    found: set[str] = set()
    for key, value in settings:
        found.update(_of_setting(key, value))
    found.update(
        value
        for name, value in environ.items()
        if _NAME.search(name) and name.lower() not in NOT_SECRET and not value.startswith("/")
    )
    return sorted({text for text in found if len(text) >= SHORTEST}, key=len, reverse=True)


def _of_setting(key: str, value: Any) -> Iterator[str]:
    leaf = key.rpartition(".")[2]
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _of_setting(f"{key}.{name}", inner)
    elif isinstance(value, list | tuple):
        yield from _of_words([word for word in value if isinstance(word, str)])
        for inner in value:
            if not isinstance(inner, str):
                yield from _of_setting(key, inner)
    elif isinstance(value, str):
        if _NAME.search(leaf) and leaf not in KEY_FILES:
            yield value
        elif value.startswith(("http://", "https://")):
            yield from _of_url(value)


def _of_words(words: list[str]) -> Iterator[str]:
    """Yield what a command's words give to an option that is called like a secret."""
    for word, after in zip_longest(words, words[1:], fillvalue=""):
        found = _FLAG.match(word)
        if found is not None:
            yield found["value"] or after
        if word.startswith(("http://", "https://")):
            yield from _of_url(word)


def _of_url(url: str) -> Iterator[str]:
    """Yield what of an address may be a key: its user, its query, and every long part of its path (a webhook's is its secret)."""
    parts = urlsplit(url)
    yield from (text for text in (parts.password, parts.username, parts.query) if text)
    for pair in parts.query.split("&"):
        yield pair.partition("=")[2]
    yield from (
        part for part in parts.path.split("/") if len(part) >= 16 or re.search(r"\d.*[A-Z]|[A-Z].*\d", part)
    )


def cleaned(text: str, secrets: Iterable[str]) -> str:
    """Return the text without the secrets, as they stand and as JSON and addresses write them, and without what looks like one."""
    for secret in secrets:
        for form in {
            secret,
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            quote(secret, safe=""),
        }:
            text = text.replace(form, MASK)
    return masked(text)
