"""Which layout serves which law: how the draws of a chunk lie in the streams of its seeds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.search.clock import Clocked
from engine.search.layouts import ConstantGaps, Layout, PeriodicGaps, Reseeding, VariableGaps
from engine.search.streamed import Inverse, Worded

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "constant": ConstantGaps(),
        "range": VariableGaps(),
        "reseed": Reseeding(),
        "periodic": PeriodicGaps(),
        "clock": Clocked(),
        "inverse": Inverse(),
        "words": Worded(),
    }
)
