"""Applications: the oracles, and what is stored of their families."""

from oracle import Oracle
from vector import Mapped, Raw

ORACLES: dict[str, Oracle] = {}

RAW: tuple[Raw, ...] = ()


MAPPED: tuple[Mapped, ...] = ()
