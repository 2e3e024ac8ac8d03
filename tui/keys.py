"""The one table of keys: bindings, footer, help screen, palette and README text are generated from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Key:
    """One action: lower case looks, UPPER CASE acts on the engine."""

    id: str
    """Action name in the application, and the id a keymap would use."""
    key: str
    """What the toolkit calls the key; several are separated by commas."""
    shown: str
    """What a person reads."""
    word: str
    help: str
    does: Literal["looks", "acts"] = "looks"
    footer: int = 0
    """Place in the footer, from 1; 0 = not there. The last ones go first when the terminal is narrow."""
    palette: bool = True


KEYS: tuple[Key, ...] = (
    Key(
        "halt",
        "H",
        "H",
        "halt",
        "halt the engine: now, at a checkpoint, or when the step is finished (dialog)",
        "acts",
        1,
    ),
    Key(
        "resume",
        "R",
        "R",
        "resume",
        "resume after a halt (dialog; asks for a typed word after a safety halt)",
        "acts",
        2,
    ),
    Key(
        "detach",
        "q",
        "q",
        "detach",
        "leave the console; the engine goes on, and how to come back is printed",
        footer=3,
    ),
    Key("help", "question_mark", "?", "help", "this page", footer=4),
    Key(
        "palette",
        "colon",
        ":",
        "command",
        "find an action, a theme or a refresh rate by name (also ctrl+p)",
        footer=5,
        palette=False,
    ),
    Key(
        "freeze",
        "z",
        "z",
        "freeze",
        "hold the view still, press again for live; the engine is not touched",
        footer=6,
    ),
    Key("open", "enter", "Enter", "open", "show the focused panel alone, Esc goes back", footer=7),
    Key("alerts", "exclamation_mark", "!", "alerts", "list all alerts", footer=8),
    Key(
        "copy",
        "y",
        "y",
        "copy",
        "copy this screen to the clipboard (OSC 52) and to exports/last.txt",
        footer=9,
    ),
    Key("slower", "minus", "-", "slower", "paint less often, up to every 10 s", footer=10),
    Key("faster", "plus", "+", "faster", "paint more often, down to every 0.5 s", footer=11),
    Key("next", "tab", "Tab", "next panel", "move the focus to the next panel"),
    Key("previous", "shift+tab", "shift+Tab", "previous panel", "move the focus to the previous panel"),
    Key("down", "j,down", "j ↓", "down", "scroll the focused panel down", palette=False),
    Key("up", "k,up", "k ↑", "up", "scroll the focused panel up", palette=False),
    Key("page_down", "pagedown", "PgDn", "page down", "scroll a page down", palette=False),
    Key("page_up", "pageup", "PgUp", "page up", "scroll a page up", palette=False),
    Key("top", "home", "Home", "top", "scroll to the first row", palette=False),
    Key("bottom", "end", "End", "bottom", "scroll to the last row", palette=False),
    Key("back", "escape", "Esc", "back", "close what is open; in a dialog nothing is sent", palette=False),
    Key("suspend", "ctrl+z", "ctrl+z", "suspend", "stop the console and return to the shell (fg comes back)"),
)


def acting(readonly: bool) -> tuple[Key, ...]:
    """Return the keys that work: a read-only console has none that acts."""
    return tuple(key for key in KEYS if not (readonly and key.does == "acts"))


def footer_keys() -> tuple[Key, ...]:
    """Return the keys of the footer, most important first."""
    return tuple(sorted((key for key in KEYS if key.footer), key=lambda key: key.footer))


def table() -> str:
    """Return the key table as text, for `python -m tui --keys` and the README."""
    rows = [f"{key.shown:<10} {key.does:<6} {key.word:<15} {key.help}" for key in KEYS]
    return "\n".join([f"{'key':<10} {'':<6} {'word':<15} what it does", *rows])
