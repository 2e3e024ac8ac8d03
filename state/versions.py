"""What the version in a file says to its reader. Every record carries `name/number`; a reader takes one and says why it refuses others."""

from __future__ import annotations

AGAIN = "run the step that writes it again"


def refusal(found: object, taken: str, *, older: str = AGAIN) -> str | None:
    """Return why a file of schema `found` is not read where `taken` is, with what to do; None where it is the same."""
    if found == taken:
        return None
    name, number = parts(taken)
    other, version = parts(found)
    if other != name or number is None or version is None:
        return f"has schema {' '.join(str(found).split())[:80]}, this reader takes {taken}; {older}"
    if version > number:
        return f"was written by a newer mimicry ({found}; this one reads {taken}): upgrade mimicry; nothing was changed"
    return f"was written by an older mimicry ({found}; this one reads {taken}): {older}"


def parts(schema: object) -> tuple[str, int | None]:
    """Return name and number of `name/number`."""
    name, _, number = str(schema).rpartition("/")
    return name, int(number) if number.isdecimal() and number.isascii() and len(number) < 10 else None
