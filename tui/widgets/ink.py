"""From a role to a terminal style: one table over the theme's variables, instead of hundreds of stylesheet nodes."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color

_PLAIN: Mapping[str, Style] = {
    "": Style(),
    "head": Style(bold=True),
    "chosen": Style(reverse=True),
}
_COLOURLESS = "ansi_default"


def ink(role: str, variables: Mapping[str, str], *, faded: bool = False) -> Style:
    """Return the style of a role; `faded` takes every colour that says "now" away."""
    if role in _PLAIN:
        return _PLAIN[role]
    name, _, strong = role.partition("-")
    if name == "test":
        return Style(reverse=True, bold=True) + _colour(variables["role-test"])
    faint = name == "dim" or (faded and name != "key")
    value = variables["role-faint" if faint else f"role-{name}"]
    # Without colours faint is dim, and what needs a look is bold.
    mono = value == _COLOURLESS
    bold = bool(strong) or name == "key" or (mono and name in ("fail", "warn"))
    return _colour(value) + Style(bold=bold or None, dim=(mono and faint) or None)


def _colour(value: str) -> Style:
    return Style() if value == _COLOURLESS else Style(color=Color.parse(value).rich_color)
