"""`themes.toml` under the state directory: colours of one's own. A fault is told with its line, and the default is used.

theme = "mine"              # used where --theme names none

[themes.mine]
base = "dark"               # what it does not name comes from there
ok = "#00ff87"
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tui.themes import DEFAULT, PALETTES, ROLES

NAME = "themes.toml"
PARTS = ("background", "foreground", "surface", *ROLES)
_COLOUR = re.compile(
    r"#[0-9a-fA-F]{6}|ansi_(bright_)?(black|red|green|yellow|blue|magenta|cyan|white)|ansi_default"
)
_THEME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class Themes(NamedTuple):
    """Palettes by name, the one that the file chooses, and what was wrong with it."""

    palettes: Mapping[str, tuple[str, ...]]
    chosen: str = ""
    faults: tuple[str, ...] = ()


def load(folder: Path) -> Themes:
    """Read the file; without one there are no further themes. Of a theme with a fault nothing is used."""
    try:
        text = (folder / NAME).read_text(encoding="utf-8")
    except FileNotFoundError:
        return Themes({})
    except (OSError, UnicodeDecodeError) as error:
        return Themes({}, "", (f"{NAME}: cannot be read ({error}); theme {DEFAULT} is used",))
    import tomllib  # most have no such file, and its patterns take a hundredth of the start

    try:
        told = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Themes({}, "", (f"{NAME}: {error}; theme {DEFAULT} is used",))
    return _checked(told, text)


def _checked(told: Mapping[str, Any], text: str) -> Themes:
    faults = [
        f"{NAME} line {_line(text, name)}: {name!r} is unknown; there are theme and [themes.NAME]"
        for name in sorted(set(told) - {"theme", "themes"})
    ]
    asked = told.get("themes", {})
    if not isinstance(asked, dict):
        faults.append(
            f"{NAME} line {_line(text, 'themes')}: themes are sections: [themes.NAME]; {DEFAULT} is used"
        )
    made: dict[str, tuple[str, ...]] = {}
    for name, parts in asked.items() if isinstance(asked, dict) else ():
        fault = _fault(name, parts)
        if fault:
            where = _line(text, fault[0], after=f"[themes.{name}]")
            faults.append(f"{NAME} line {where}: {fault[1]}; theme {DEFAULT} is used")
        else:
            base = dict(zip(PARTS, PALETTES[parts.get("base", DEFAULT)], strict=True))
            made[name] = tuple(parts.get(part, base[part]) for part in PARTS)
    chosen = told.get("theme", "")
    if chosen and (not isinstance(chosen, str) or chosen not in {*PALETTES, *made}):
        faults.append(f"{NAME} line {_line(text, 'theme')}: {unknown(chosen, made)}; {DEFAULT} is used")
        chosen = ""
    return Themes(made, str(chosen), tuple(faults))


def unknown(name: object, made: Mapping[str, Any]) -> str:
    """Return the words for a theme that is not there."""
    near = difflib.get_close_matches(str(name), [*PALETTES, *made], n=1, cutoff=0.0)[0]
    return f"no theme {name!r}; the nearest is {near!r}"


def _fault(name: str, parts: Any) -> tuple[str, str] | None:
    """Return which word of a theme is wrong and why, None where none is."""
    if _THEME.fullmatch(name) is None or name in PALETTES:
        return (
            f"[themes.{name}",
            f"{name!r} is no name for a theme: lower case, and not one of the console's own",
        )
    if not isinstance(parts, dict):
        return name, f"{name} is a section: [themes.{name}]"
    for part, value in parts.items():
        if part == "base":
            if not isinstance(value, str) or value not in PALETTES:
                return part, unknown(value, {})
        elif part not in PARTS:
            near = difflib.get_close_matches(part, PARTS, n=1, cutoff=0.0)[0]
            return part, f"no part {part!r}; the nearest is {near!r}"
        elif not isinstance(value, str) or _COLOUR.fullmatch(value) is None:
            return part, f'{part} = {value!r}: a colour is "#rrggbb" or "ansi_red"'
    return None


def _line(text: str, word: str, *, after: str = "") -> int:
    begun = not after
    for number, row in enumerate(text.splitlines(), 1):
        begun = begun or row.strip().startswith(after)
        if begun and row.strip().startswith(word):
            return number
    return 1
