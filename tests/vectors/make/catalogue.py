"""Everything that is stored: the vectors and the oracles of all groups."""

from groups import (
    applications,
    c_libraries,
    compiled,
    cpp,
    java,
    javascript,
    published,
    python,
    scripting,
    words,
)
from oracle import Oracle
from vector import Mapped, Raw

GROUPS = (c_libraries, python, java, javascript, scripting, compiled, cpp, applications, published, words)
RAW: tuple[Raw, ...] = tuple(one for group in GROUPS for one in group.RAW)
MAPPED: tuple[Mapped, ...] = tuple(one for group in GROUPS for one in group.MAPPED)
ORACLES: dict[str, Oracle] = {name: one for group in GROUPS for name, one in group.ORACLES.items()}
