"""A line to type in."""

from __future__ import annotations

from textual.widgets import Input


def typing_line(name: str, hint: str, most: int = 200) -> Input:
    """Return a line for at most `most` letters; the hint stands in it until something is typed."""
    field = Input(id=name, placeholder=hint, compact=True, max_length=most)
    field.cursor_blink = False  # a blinking cursor costs bytes for nothing over SSH
    return field
