"""The kinds of work that exist: one table from a name to the function that does it, resolved where it runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy.typing as npt

from engine.compute.stop import Stop
from engine.errors import UsageError

Arrays = dict[str, npt.NDArray[Any]]
Kind = Callable[[dict[str, Any], Arrays, Stop], tuple[dict[str, Any], Arrays]]
"""`run(params, arrays, stop) -> (meta, arrays)`: pure but for progress, polls `stop`, raises Halted when it obeyed."""

# Text, not imports: the coordinator must not load what only workers need, and compute stays below those wings.
TABLE: Mapping[str, str] = {
    "sieve": "engine.search.chunk:run",
    "sieves": "engine.search.chunks:run",
    "states": "engine.recovery.task:run",
    "features": "engine.pipeline.feature_task:run_task",
    "train": "engine.pipeline.models:run_task",
    "reacquire": "engine.pipeline.reacquire:run_task",
    "episode": "engine.selfplay.episode:run_task",
}

LIMITS: Mapping[str, float] = {"sieve": 600.0, "sieves": 600.0, "features": 1800.0, "episode": 7200.0}
"""Seconds that one task of a kind may take at least before it counts as hung."""
AFAR = frozenset({"sieve", "sieves", "states", "features", "reacquire"})
"""Kinds that a rig may run: its base install has kernels and statistics, not the libraries that training needs."""
LONGEST = 24 * 3600.0
"""The same for every other kind: fits and systems of equations take as long as they take."""
SHORT = frozenset({"sieve", "sieves", "features"})
"""Kinds whose tasks may be so short that more than a few must be out to keep a worker in work."""


def at_home(kind: str) -> bool:
    """Tell whether only the coordinator's own machine has what a kind needs."""
    return kind in TABLE and kind not in AFAR


def address_of(kind: str, extra: Mapping[str, str] | None = None) -> str:
    """Return the `module:function` of `kind`; UsageError for a kind that no table knows."""
    known = {**(extra or {}), **TABLE}
    if kind not in known:
        raise UsageError(f"unknown kind of task {kind!r}; known are {', '.join(sorted(known))}")
    return known[kind]


def resolve(kind: str, extra: Mapping[str, str] | None = None) -> Kind:
    """Import and return the function of `kind`; `extra` adds kinds for tests but never replaces one of the table."""
    module, _, name = address_of(kind, extra).partition(":")
    function: Kind = getattr(importlib.import_module(module), name)
    return function
