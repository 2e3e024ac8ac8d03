"""What must not leave, or not be stored: secrets are masked everywhere, and only aggregates go to a cloud. Pure."""

from __future__ import annotations

import re

MASK = "[masked]"
_SECRETS = (
    re.compile(r"sk-[A-Za-z0-9_-]{8,}"),
    re.compile(r"(?i)\bbearer\s+[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|\Z)", re.DOTALL),
    re.compile(r"\b(?:AKIA|ghp_|gho_|xox[bap]-)[A-Za-z0-9-]{8,}"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s:@]+(?=@)"),
)
_NAMED = re.compile(
    r"""(?i)((?:api[_-]?key|secret|token|passw(?:or)?d|credential)["']?\s*[:=]\s*["']?)(?!\[masked)[^\s"',;}]{4,}"""
)
# An origin is written in hex; a run of draws is a run of numbers. A few numbers in a row are an interval or a law.
_HEX = re.compile(r"\b0x[0-9a-fA-F]{4,}\b")
_RUN = re.compile(r"(?<!\d)(?:-?\d+(?:\.\d+)?[,;\s]+){11}-?\d")


def masked(text: str, *secrets: str) -> str:
    """Return the text without anything that looks like a secret, and without the given ones."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, MASK)
    for pattern in _SECRETS:
        text = pattern.sub(MASK, text)
    return _NAMED.sub(rf"\1{MASK}", text)


def raw_data(text: str) -> str | None:
    """Return what in a prompt looks like raw data (an origin, a run of draws), or None if it holds aggregates only."""
    for what, pattern in (("an origin", _HEX), ("a run of numbers", _RUN)):
        found = pattern.search(text)
        if found is not None:
            return f"{what} ({found[0][:24]}…)"
    return None
