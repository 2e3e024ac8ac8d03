"""Which layout serves which law, of integers and of words as seeds: how the draws of a chunk lie in the streams of its seeds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.search.clock import Clocked
from engine.search.layouts import ConstantGaps, Layout, Reseeding, VariableGaps
from engine.search.periodic import PeriodicGaps
from engine.search.streamed import (
    Streamed,
    StreamedRange,
    StreamedTurns,
    led_back_from,
    of_words,
    of_words_back,
)

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "constant": ConstantGaps(),
        "range": VariableGaps(),
        "reseed": Reseeding(),
        "periodic": PeriodicGaps(),
        "clock": Clocked(),
        "inverse": Streamed(led_back_from),
        "words constant": Streamed(of_words),
        "words range": StreamedRange(of_words),
        "words periodic": StreamedTurns(of_words),
        "words inverse": Streamed(of_words_back),
    }
)
