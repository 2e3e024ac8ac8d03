"""`keymap.toml` under the state directory: other keys for the actions of the table. A fault is told, and the default is used."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tui.keys import KEYS, Key

NAME = "keymap.toml"
_BY_ID = {key.id: key for key in KEYS}


class Keymap(NamedTuple):
    """Keys by action, and what was wrong with the file."""

    moved: Mapping[str, str]
    faults: tuple[str, ...] = ()


def load(folder: Path) -> Keymap:
    """Read the file; without one nothing is moved. Nothing of a file with a fault is used but what is right."""
    path = folder / NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Keymap({})
    except (OSError, UnicodeDecodeError) as error:
        return Keymap({}, (f"{NAME}: cannot be read ({error}); the default keys are used",))
    import tomllib  # most have no such file, and its patterns take a hundredth of the start

    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Keymap({}, (f"{NAME}: {error}; the default keys are used",))
    keys = table.get("keys", {})
    if not isinstance(keys, dict):
        return Keymap(
            {}, (f"{NAME} line {_line(text, 'keys')}: keys is a section: [keys]; the default keys are used",)
        )
    return _checked(keys, set(table) - {"keys"}, text)


def _checked(asked: Mapping[str, Any], others: set[str], text: str) -> Keymap:
    faults = [
        f"{NAME} line {_line(text, name)}: {name!r} is no section; there is [keys]" for name in sorted(others)
    ]
    moved: dict[str, str] = {}
    for name, value in asked.items():
        fault = _fault(name, value, moved, set(asked))
        if fault:
            faults.append(f"{NAME} line {_line(text, name)}: {fault}; the default key is used")
        else:
            moved[name] = value
    return Keymap(moved, tuple(faults))


def _fault(name: str, value: Any, moved: Mapping[str, str], asked: set[str]) -> str:
    """Return why a key cannot be given to an action, empty where it can."""
    key = _BY_ID.get(name)
    if key is None:
        near = difflib.get_close_matches(name, _BY_ID, n=1, cutoff=0.0)[0]
        return f"no action {name!r}; the nearest is {near!r}"
    if not isinstance(value, str) or not value:
        return f'{name} = {value!r}: a key is text, as in "f5"'
    if (rule := _broken(key, value)) != "":
        return rule
    taken = {part: other.id for other in KEYS if other.id not in asked for part in other.key.split(",")}
    taken |= {value: name for name, value in moved.items()}
    return f"{value!r} is the key of {taken[value]}" if value in taken else ""


def _broken(key: Key, value: str) -> str:
    upper = len(value) == 1 and value.isupper()
    if key.does == "acts" and len(value) == 1 and not upper:
        return f"{key.id} acts: its key is UPPER CASE or a named key, not {value!r}"
    return (
        f"{key.id} only looks: its key is not UPPER CASE, as {value!r} is"
        if key.does == "looks" and upper
        else ""
    )


def _line(text: str, name: str) -> int:
    for number, row in enumerate(text.splitlines(), 1):
        if row.strip().lstrip("[").startswith(name):
            return number
    return 1
