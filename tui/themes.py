"""The colours, once: six palettes for the same role names, taken from the 256-colour cube so that SSH shows them as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.theme import Theme

ROLES = ("ok", "warn", "fail", "idle", "held", "stale", "bar", "key", "faint", "frame", "focus", "test")
DEFAULT = "dark"

# Values of each palette in the order of ROLES, after background, foreground and surface.
PALETTES: dict[str, tuple[str, ...]] = {
    "dark": (
        "#121212", "#d0d0d0", "#262626",
        "#5faf5f", "#d7af00", "#ff5f5f", "#8a8a8a", "#5fafff", "#af87d7", "#5f87af", "#87afd7", "#8a8a8a", "#585858", "#87afd7", "#ff8700",
    ),
    "light": (
        "#ffffff", "#262626", "#eeeeee",
        "#005f00", "#875f00", "#af0000", "#626262", "#005faf", "#5f00af", "#5f87af", "#005f87", "#626262", "#9e9e9e", "#005faf", "#af5f00",
    ),
    "high-contrast": (
        "#000000", "#ffffff", "#1c1c1c",
        "#00ff00", "#ffff00", "#ff5f5f", "#d0d0d0", "#00d7ff", "#ff87ff", "#afd7ff", "#ffffff", "#d0d0d0", "#b2b2b2", "#ffffff", "#ffaf00",
    ),
    # Blue, orange, sky, vermillion: told apart with any common colour blindness (Okabe and Ito).
    "okabe": (
        "#121212", "#d0d0d0", "#262626",
        "#5fafd7", "#d7af00", "#d75f00", "#8a8a8a", "#0087d7", "#d787af", "#5f87af", "#5fafd7", "#8a8a8a", "#585858", "#5fafd7", "#ffaf00",
    ),
    "mono": ("ansi_default",) * 15,
    "ansi": (
        "ansi_default", "ansi_default", "ansi_default",
        "ansi_green", "ansi_yellow", "ansi_red", "ansi_default", "ansi_blue", "ansi_magenta", "ansi_cyan", "ansi_cyan", "ansi_default", "ansi_default", "ansi_cyan", "ansi_yellow",
    ),
}  # fmt: skip


def internal(name: str) -> str:
    """Return the name under which a palette is registered with the toolkit."""
    return f"control-{name}"


def variables(palette: Sequence[str]) -> dict[str, str]:
    """Return the role variables of a palette, for the stylesheet."""
    return {f"role-{role}": value for role, value in zip(ROLES, palette[3:], strict=True)}


def themes(own: Mapping[str, Sequence[str]]) -> list[Theme]:
    """Build every theme for registration, those of the operator's file too."""
    return [_theme(name, palette) for name, palette in {**own, **PALETTES}.items()]


def _theme(name: str, palette: Sequence[str]) -> Theme:
    from textual.theme import BUILTIN_THEMES, Theme

    background, foreground, surface, *roles = palette
    by_role = dict(zip(ROLES, roles, strict=True))
    ansi = background.startswith("ansi_")
    return Theme(
        name=internal(name),
        primary=by_role["bar"],
        secondary=by_role["held"],
        warning=by_role["warn"],
        error=by_role["fail"],
        success=by_role["ok"],
        accent=by_role["key"],
        foreground=foreground,
        background=background,
        surface=surface,
        panel=surface,
        boost=surface,
        dark=ansi or _light(background) < 0.5,
        ansi=ansi,
        # The toolkit needs variables of its own for terminal colours: they come from its theme.
        variables={**(BUILTIN_THEMES["ansi-dark"].variables if ansi else {}), **variables(palette)},
    )


def _light(colour: str) -> float:
    """Return how bright a `#rrggbb` is, from 0 to 1."""
    return sum(int(colour[at : at + 2], 16) for at in (1, 3, 5)) / 765
