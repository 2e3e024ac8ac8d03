"""What leaves the screen: its text, to a file that is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App


def screen_text(app: App[Any]) -> str:
    """Return the screen as plain text, one line a row; the one place that reads the toolkit's compositor."""
    from textual._context import visible_screen_stack

    visible_screen_stack.set(app._background_screens)  # what shines through a dialog
    strips = app.screen._compositor.render_strips(app.screen.size)
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def save(state: Path, text: str, name: str = "last.txt") -> Path:
    """Write `text` to `exports/<name>` under the state directory, readable by the operator alone."""
    folder = state / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name
    part = folder / f".{name}.{os.urandom(4).hex()}"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(part, target)
    return target
