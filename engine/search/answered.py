"""What a worker's answer to a chunk must look like before anything of it is believed: a rig that was taken over can say anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from hip_cuda_kernels.host import HIT

LARGEST = 1 << 64
_COUNTS = ("hypotheses", "planted", "found")
_FLAGS = ("stopped", "overflow")
_SIEVE = {*_COUNTS, *_FLAGS, "seeds_done", "canary"}
_STATES = {*_COUNTS, *_FLAGS, "states", "reason", "canary"}
_HEX = re.compile(r"0x[0-9a-f]{1,10000}")
TWINS = 3  # real, shuffled, uniform


def fault(
    meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray], seeds: tuple[int, int], *, states: bool
) -> str | None:
    """Return what is out of form in the answer to a chunk of `seeds` (both ends included), None where all is in form.

    A sieve reports hits inside its own seeds; algebra (`states`) reports states and no hits.
    """
    wanted = _STATES if states else _SIEVE
    if set(meta) != wanted:
        return f"it has the fields {sorted(map(str, meta))[:12]}, {sorted(wanted)} are the rule"
    for name in _COUNTS:
        if type(meta[name]) is not int or not 0 <= meta[name] < LARGEST**2:
            return f"{name} is {meta[name]!r:.40}, a count is the rule"
    for name in _FLAGS:
        if type(meta[name]) is not bool:
            return f"{name} is {meta[name]!r:.40}, true or false is the rule"
    if meta["found"] > meta["planted"]:
        return f"{meta['found']} found of {meta['planted']} planted"
    return _states_fault(meta, arrays) if states else _sieve_fault(meta, arrays, seeds)


def _sieve_fault(
    meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray], seeds: tuple[int, int]
) -> str | None:
    first, last = seeds
    done, canary = meta["seeds_done"], meta["canary"]
    whole = not (meta["stopped"] or meta["overflow"])
    if type(done) is not int or not 0 <= done <= last - first + 1 or (whole and done != last - first + 1):
        return f"it says that {done!r:.40} of {last - first + 1} seeds are done"
    if not _is_canary(canary, first, last):
        return f"its canary is {canary!r:.80}"
    if set(arrays) != {"hits"}:
        return f"it has the arrays {sorted(arrays)[:12]}, hits are the rule"
    hits = arrays["hits"]
    if hits.dtype != HIT or hits.ndim != 1:
        return f"its hits are {hits.dtype} of {hits.ndim} dimensions"
    outside = (hits["seed"] < np.uint64(first)) | (hits["seed"] > np.uint64(last)) | (hits["vector"] >= TWINS)
    return f"{int(outside.sum())} hits lie outside of its seeds or draws" if outside.any() else None


def _is_canary(canary: Any, first: int, last: int) -> bool:
    """Say whether it is [seed, start, gap, found] with a seed of the chunk."""
    return (
        isinstance(canary, list) and len(canary) == 4
        and all(type(number) is int and 0 <= number < LARGEST for number in canary[:3])
        and type(canary[3]) is bool and first <= canary[0] <= last
    )  # fmt: skip


def _states_fault(meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str | None:
    if arrays:
        return f"it has the arrays {sorted(arrays)[:12]}, none is the rule"
    if not isinstance(meta["reason"], str) or meta["canary"] != [meta["planted"], meta["found"]]:
        return "its reason is no text, or its canary is not what it planted and found"
    if not isinstance(meta["states"], list) or not all(map(_is_state, meta["states"])):
        return "a solution is not [row, state, gap, seed, start]"
    return None


def _is_state(one: Any) -> bool:
    if not isinstance(one, list) or len(one) != 5:
        return False
    row, state, gap, seed, start = one
    numbers = all(type(number) is int and 0 <= number < LARGEST for number in (row, gap)) and row < TWINS
    seeded = seed is None or _is_hex(seed)
    return numbers and _is_hex(state) and seeded and (start is None or type(start) is int)


def _is_hex(value: Any) -> bool:
    return isinstance(value, str) and _HEX.fullmatch(value) is not None
