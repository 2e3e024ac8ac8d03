"""Mappings by name: which function made a draw from raw words. lowering.py turns a name and a range into numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from hip_cuda_kernels.errors import IncompatibleMapping, UnknownName
from hip_cuda_kernels.family import Family


@dataclass(frozen=True)
class Mapping:
    """One mapping: canonical id, its name and parameter, and the raw words that a call reads at least."""

    id: str
    name: str
    parameter: int | None
    words: int


# name -> what a call computes from a raw word x of w bits, for M = hi - lo + 1; the draw is lo plus it
FORMULAS: dict[str, str] = {
    "mod": "x % M",
    "shift": "(x >> k) % M",
    "mulshift": "(x * M) >> w",
    "float": "floor(u * M), u the runtime's double of so many bits",
    "java_bounded": "java.util.Random.nextInt(M), rejection and power-of-two path included",
    "php_range": "PHP >= 7.1 mt_rand(lo, hi), rejection included",
    "top_reject": "the top bit_length(M) bits, drawn again until below M (CPython's randrange)",
}
_TEXT = re.compile(r"\s*([a-z_]+)\s*(?:\(\s*(\d+)\s*\))?\s*\Z")


def parse_mapping(text: str, family: Family) -> Mapping:
    """Return the mapping that `text` names for `family`; `float` alone means the runtime's own double."""
    match = _TEXT.match(text.casefold())
    if match is None or match[1] not in FORMULAS:
        nearest = get_close_matches(text.casefold().split("(")[0], FORMULAS, n=3, cutoff=0.0)
        raise UnknownName(f"mapping {text!r} is not known; nearest: {', '.join(nearest)}")
    name, parameter = match[1], int(match[2]) if match[2] else None
    if name == "float":
        return _float(family, family.float_bits if parameter is None else parameter)
    if name == "shift":
        return _shift(family, parameter)
    if parameter is not None:
        raise IncompatibleMapping(f"mapping {text!r}: {name} takes no parameter; write {name!r}")
    if name in ("java_bounded", "php_range", "top_reject") and family.word_bits != 32:
        raise IncompatibleMapping(
            f"mapping {name} needs 32-bit words, {family.id} has {family.word_bits}; {_offer(family)}"
        )
    return Mapping(name, name, None, 1)


def _shift(family: Family, bits: int | None) -> Mapping:
    if bits is None or not 0 < bits < family.word_bits:
        raise IncompatibleMapping(
            f"shift needs 0 < k < {family.word_bits} on {family.id}, got {bits}; write shift(1)"
        )
    return Mapping(f"shift({bits})", "shift", bits, 1)


def _float(family: Family, bits: int) -> Mapping:
    if family.float_unit is not None and bits != family.float_bits:
        raise IncompatibleMapping(
            f"float({bits}): {family.id} divides its whole word; write float({family.float_bits})"
        )
    if 0 < bits <= min(family.word_bits, 53):
        return Mapping(f"float({bits})", "float", bits, 1)
    if family.float_split is not None and bits == sum(family.float_split):
        return Mapping(f"float({bits})", "float", bits, 2)
    raise IncompatibleMapping(
        f"float({bits}) cannot be fed by {family.id} ({family.word_bits}-bit words); {_offer(family)}"
    )


def _offer(family: Family) -> str:
    return f"native there: {', '.join(family.mappings)}"


def resolve_mappings(patterns: Sequence[str] | None, family: Family) -> list[Mapping]:
    """Return the mappings that ids and globs name for `family`, each once, in order; None means the native ones.

    A glob chooses among the native mappings; an id may also be one that only fits.
    """
    if patterns is None:
        return [parse_mapping(m, family) for m in family.mappings]
    chosen: dict[str, Mapping] = {}
    for pattern in patterns:
        chosen.update((m.id, m) for m in _named(pattern, family))
    return list(chosen.values())


def _named(pattern: str, family: Family) -> list[Mapping]:
    if pattern.strip().casefold() == "all":
        return resolve_mappings(None, family)
    if not any(c in pattern for c in "*?["):
        return [parse_mapping(pattern, family)]
    found = [m for m in family.mappings if fnmatchcase(m, pattern.strip().casefold())]
    if not found:
        raise UnknownName(f"no native mapping of {family.id} matches {pattern!r}; {_offer(family)}")
    return [parse_mapping(m, family) for m in found]
