"""The generator families this project can search, by name: read by the build, the kernels, the planner and the pages alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from hip_cuda_kernels.errors import UnknownName
from hip_cuda_kernels.families import (
    applications,
    c_libraries,
    compiled,
    cpp,
    java,
    javascript,
    published,
    python,
    scripting,
)
from hip_cuda_kernels.family import Family

# Each group is compiled as a unit of its own.
GROUPS: dict[str, tuple[Family, ...]] = {
    "c_libraries": c_libraries.FAMILIES,
    "python": python.FAMILIES,
    "java": java.FAMILIES,
    "javascript": javascript.FAMILIES,
    "scripting": scripting.FAMILIES,
    "compiled": compiled.FAMILIES,
    "cpp": cpp.FAMILIES,
    "applications": applications.FAMILIES,
    "published": published.FAMILIES,
}
FAMILIES: tuple[Family, ...] = tuple(one for group in GROUPS.values() for one in group)


def _names(families: Iterable[Family]) -> dict[str, Family]:
    return {name.casefold(): f for f in families for name in (f.id, *f.aliases)}


_BY_NAME = _names(FAMILIES)
VAGUE = ("rand", "random", "new", "free")  # lead names in many languages and name none


def family(name: str) -> Family:
    """Return the family of an id or alias (case does not matter); UnknownName names the three nearest."""
    found = _BY_NAME.get(name.strip().casefold())
    if found is None:
        raise UnknownName(f"family {name!r} is not known; nearest: {', '.join(_nearest(name))}")
    return found


def _nearest(name: str) -> list[str]:
    spelled = {n.casefold(): n for f in FAMILIES for n in (f.id, *f.aliases)}
    return [spelled[n] for n in get_close_matches(name.casefold(), spelled, n=3, cutoff=0.0)]


def resolve_families(patterns: Sequence[str]) -> list[Family]:
    """Return the families that ids, aliases, their first words, globs or "all" name, each once, in registry order."""
    chosen: set[str] = set()
    for pattern in patterns:
        chosen.update(f.id for f in _matching(pattern))
    return [f for f in FAMILIES if f.id in chosen]


def _leading(name: str) -> str:
    """Return the first word of a name, which stands for every name that it leads: `numpy`, `mt19937`."""
    return re.split(r"[^\w+#]", name, maxsplit=1)[0]


def _matching(pattern: str) -> list[Family]:
    wanted = pattern.strip().casefold()
    if wanted == "all":
        return list(FAMILIES)
    if not any(c in wanted for c in "*?["):
        exact = wanted in _BY_NAME or wanted in VAGUE
        led = {} if exact else {f.id: f for name, f in _BY_NAME.items() if _leading(name) == wanted}
        return list(led.values()) or [family(pattern)]
    found = [f for name, f in _BY_NAME.items() if fnmatchcase(name, wanted)]
    if not found:
        raise UnknownName(f"no family matches {pattern!r}; nearest: {', '.join(_nearest(pattern))}")
    return found
