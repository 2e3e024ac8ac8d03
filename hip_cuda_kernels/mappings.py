"""Mappings by name: which function made a draw from raw words. lowering.py turns a name and a range into numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase

from hip_cuda_kernels.errors import IncompatibleMapping, UnknownName
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.formula import Formula, parse_formula


@dataclass(frozen=True)
class Mapping:
    """One mapping: canonical id, its view, name and parameter, the words of so many bits that a call reads at least.

    A composed one (composed.py) makes a draw from several calls of `inner`, or by a formula.
    """

    id: str
    name: str
    parameter: int | None
    words: int
    word_bits: int
    view: str = ""
    inner: Mapping | None = None
    options: tuple[str, ...] = ()
    formula: Formula | None = None


# name -> what a call computes from a word x of w bits, for M = hi - lo + 1; the draw is lo plus it. "again" reads another word.
FORMULAS: dict[str, str] = {
    "mod": "x % M",
    "shift": "(x >> k) % M",
    "mulshift": "(x * M) >> w",
    "float": "floor(u * M), u the runtime's double of so many bits",
    "round_float": "u * (M - 1) rounded half up, u the runtime's double of so many bits (JavaScript's Math.round, C's round)",
    "decimal": "u rounded to d decimals, as the integer u * 10^d, halves up: the range is 0..10^d",
    "low_float": "floor(u * M), u = (x mod 2^b) / 2^b (PyTorch)",
    "java_bounded": "java.util.Random.nextInt(M): y % M of the top 31 bits, again from their last multiple of M on; a power of two takes the top bits",
    "php_range": "PHP >= 7.1 mt_rand(lo, hi): x % M, again from the last multiple of M on",
    "mod_reject": "y % M of the top k bits, again from their last multiple of M on (Go's Int31n: 31)",
    "lemire": "(x * M) >> w, again while x * M mod 2^w < 2^w mod M (Lemire 2019; NumPy, libstdc++, Swift)",
    "rust_range": "(x * M) >> w, again while x * M mod 2^w reaches M shifted to the top bit (rand 0.8 gen_range)",
    "rust_uniform": "(x * M) >> w, again while x * M mod 2^w reaches the last multiple of M (rand 0.8 Uniform)",
    "mask_reject": "the low bit_length(M - 1) bits, again until below M (Ruby, Lua 5.4)",
    "top_reject": "the top bit_length(M) bits, again until below M (CPython's randrange)",
    "r_reject": "the low bit_length(M - 1) bits of R's 16-bit pieces floor(u * 65536), again until below M (R >= 3.6 sample)",
}
# name -> what a draw is made of: exact scalar code, behind a filter in lanes where a draw pins single calls down (pins.py)
COMPOSED: dict[str, str] = {
    "digits": "digits(n,MAPPING): n calls below b, most significant first; the range holds b^n values",
    "sample": "sample(k,WAY,ORDER,MAPPING): k of N numbers as their rank; WAY: pool, forward, shuffle, inside_out, reject, select; "
    "ORDER: sorted, ordered; the range holds as many values as there are samples. "
    "Slow, on every seed, but for pool and forward over calls that draw no word again",
    "formula": "formula(EXPRESSION): the floor of a formula of u, x, w, M, lo, hi, as formula(floor(100/(1.0001-u)))",
}
WAYS = ("pool", "forward", "shuffle", "inside_out", "reject", "select")
ORDERS = ("sorted", "ordered")
# other names of the same call
SPELLINGS = {"php_legacy": "float(31)", "r_round": "float"}
# prefix -> which words the mapping sees
VIEWS = {
    "hi32": "the upper 32 bits of each word",
    "lo32": "the lower 32 bits of each word",
    "halves": "both halves of each 64-bit word, the low one first",
    "pairs": "two 32-bit words as one of 64 bits, the first one low",
}
NATIVE_WORDS = ("r_reject",)  # mappings of one runtime, whose words are no part of longer ones
_TEXT = re.compile(r"\s*(?:([a-z0-9]+)\s*:)?\s*([a-z_0-9]+)\s*(?:\(\s*(\d+)\s*\))?\s*\Z")


def parse_mapping(text: str, family: Family) -> Mapping:
    """Return the mapping that `text` names for `family`; `float` alone means the runtime's own double."""
    composed = _COMPOSED_TEXT.match(text)
    if composed is not None:
        view, name, inside = composed[1] or "", composed[2].casefold(), composed[3]
        return _COMPOSERS[name](f"{view.casefold()}:" if view else "", inside, text, family)
    match = _TEXT.match(text.casefold())
    if match is None or (match[2] not in FORMULAS and match[2] not in SPELLINGS):
        raise UnknownName(f"mapping {text!r} is not known; nearest: {', '.join(_nearest(text))}")
    view, name, parameter = match[1] or "", match[2], int(match[3]) if match[3] else None
    seen = _look(view, text, family)
    if name in SPELLINGS and parameter is None:
        return parse_mapping(f"{view}:{SPELLINGS[name]}" if view else SPELLINGS[name], family)
    words, parameter = _RULES.get(name, _plain)(name, parameter, seen)
    identity = name if parameter is None else f"{name}({parameter})"
    return Mapping(f"{view}:{identity}" if view else identity, name, parameter, words, seen.word_bits, view)


def is_composed(mapping: Mapping) -> bool:
    """Return whether a draw is more than one call."""
    return mapping.name in COMPOSED


def _digits(view: str, inside: str, text: str, family: Family) -> Mapping:
    count, inner = (*_arguments(inside), "")[:2]
    if not count.isdecimal() or not 1 <= int(count) <= 18:
        raise IncompatibleMapping(f"mapping {text!r}: give 1 to 18 digits; write digits(3) or digits(3,mod)")
    return _compose("digits", int(count), (), _inner(view + inner if inner else "", text, family))


def _sample(view: str, inside: str, text: str, family: Family) -> Mapping:
    given = _arguments(inside)
    options = [each.casefold() for each in given[1:] if each.casefold() in (*WAYS, *ORDERS)]
    inner = [each for each in given[1:] if each.casefold() not in (*WAYS, *ORDERS)]
    way, order = (next((each for each in options if each in kind), kind[0]) for kind in (WAYS, ORDERS))
    if not given or not given[0].isdecimal() or int(given[0]) < 1 or len(options) > 2 or len(inner) > 1:
        raise IncompatibleMapping(
            f"mapping {text!r}: write sample(k,WAY,ORDER,INNER); WAY: {', '.join(WAYS)}; ORDER: {', '.join(ORDERS)}"
        )
    made = _inner(view + inner[0] if inner else "", text, family)
    return _compose("sample", int(given[0]), (way, order), made)


def _formula(view: str, inside: str, text: str, family: Family) -> Mapping:
    formula, inner = parse_formula(inside), parse_mapping(f"{view}float", family)
    made = _compose("formula", None, (formula.text,), inner)
    return replace(made, id=f"{view}formula({formula.text})", formula=formula)


def _compose(name: str, count: int | None, options: tuple[str, ...], inner: Mapping) -> Mapping:
    parts = [*([] if count is None else [str(count)]), *options, inner.id]
    return Mapping(
        f"{name}({','.join(parts)})", name, count, inner.words, inner.word_bits, inner.view, inner, options
    )


def _inner(asked: str, text: str, family: Family) -> Mapping:
    inner = parse_mapping(asked or family.mappings[0], family)
    if is_composed(inner):
        raise IncompatibleMapping(f"mapping {text!r}: {inner.name} is itself composed; name a single call")
    return inner


def _arguments(inside: str) -> list[str]:
    """Split at the commas outside brackets."""
    parts, depth = [""], 0
    for character in inside:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


_COMPOSED_TEXT = re.compile(
    r"\s*(?:(\w+)\s*:)?\s*(digits|sample|formula)\s*\((.*)\)\s*\Z", re.IGNORECASE | re.DOTALL
)
_COMPOSERS: dict[str, Callable[[str, str, str, Family], Mapping]] = {
    "digits": _digits,
    "sample": _sample,
    "formula": _formula,
}


def _nearest(text: str) -> list[str]:
    name = text.casefold().partition("(")[0].rpartition(":")[2]
    return get_close_matches(name, [*FORMULAS, *SPELLINGS, *COMPOSED], n=3, cutoff=0.0)


def _look(view: str, text: str, family: Family) -> Family:
    """Return the family as it looks through a view."""
    if not view:
        return family
    if view not in VIEWS:
        raise UnknownName(f"mapping {text!r}: view {view!r} is not known; views: {', '.join(VIEWS)}")
    fits = {"halves": family.word_bits == 64, "pairs": family.word_bits == 32}.get(
        view, family.word_bits > 32
    )
    if not fits or text.casefold().rpartition(":")[2].strip().startswith(NATIVE_WORDS):
        raise IncompatibleMapping(
            f"mapping {text!r}: {view} is {VIEWS[view]}, {family.id} has {family.word_bits}-bit words; {_offer(family)}"
        )
    bits = 64 if view == "pairs" else 32
    return replace(family, word_bits=bits, float_bits=min(bits, 53), float_split=None, float_unit=None)


Rule = Callable[[str, int | None, Family], tuple[int, int | None]]


def _plain(name: str, parameter: int | None, family: Family) -> tuple[int, int | None]:
    if parameter is not None:
        raise IncompatibleMapping(f"mapping {name}({parameter}): {name} takes no parameter; write {name!r}")
    return 1, None


def _on(*widths: int) -> Rule:
    def rule(name: str, parameter: int | None, family: Family) -> tuple[int, int | None]:
        if family.word_bits not in widths:
            raise IncompatibleMapping(
                f"mapping {name} needs words of {' or '.join(map(str, widths))} bits, {family.id} has {family.word_bits}; {_offer(family)}"
            )
        return _plain(name, parameter, family)

    return rule


def _shift(name: str, bits: int | None, family: Family) -> tuple[int, int | None]:
    if bits is None or not 0 < bits < family.word_bits:
        raise IncompatibleMapping(
            f"shift needs 0 < k < {family.word_bits} on {family.id}, got {bits}; write shift(1)"
        )
    return 1, bits


def _top_bits(name: str, bits: int | None, family: Family) -> tuple[int, int | None]:
    if bits is None or not 0 < bits <= family.word_bits:
        raise IncompatibleMapping(
            f"{name} needs 0 < k <= {family.word_bits} on {family.id}, got {bits}; write {name}(31)"
        )
    return 1, bits


def _float(name: str, asked: int | None, family: Family) -> tuple[int, int | None]:
    bits = family.float_bits if asked is None else asked
    if family.float_unit is not None and bits != family.float_bits:
        raise IncompatibleMapping(
            f"{name}({bits}): {family.id} divides its whole word; write {name}({family.float_bits})"
        )
    if 0 < bits <= min(family.word_bits, 53):
        return 1, bits
    if family.float_split is not None and bits == sum(family.float_split):
        return 2, bits
    raise _unfed(name, bits, family)


def _decimal(name: str, decimals: int | None, family: Family) -> tuple[int, int | None]:
    if decimals is None or not 1 <= decimals <= 9:
        raise IncompatibleMapping(f"{name}({decimals}): give 1 to 9 decimals; write decimal(4)")
    return _float(name, None, family)[0], decimals


def _low_float(name: str, bits: int | None, family: Family) -> tuple[int, int | None]:
    if bits is not None and 0 < bits <= min(family.word_bits, 53):
        return 1, bits
    if bits is not None and family.word_bits == 32 and 32 < bits <= 53:
        return 2, bits
    raise _unfed(name, bits, family)


def _r_reject(name: str, parameter: int | None, family: Family) -> tuple[int, int | None]:
    if not 16 <= family.word_bits <= 32 or family.float_unit is not None:
        raise IncompatibleMapping(
            f"mapping {name} needs a double of one word of 16 to 32 bits; {_offer(family)}"
        )
    return _plain(name, parameter, family)


_RULES: dict[str, Rule] = {
    "shift": _shift,
    "float": _float,
    "round_float": _float,
    "decimal": _decimal,
    "low_float": _low_float,
    "mod_reject": _top_bits,
    "java_bounded": _on(32),
    "php_range": _on(32),
    "rust_range": _on(32, 64),
    "rust_uniform": _on(32, 64),
    "r_reject": _r_reject,
}


def _unfed(name: str, bits: int | None, family: Family) -> IncompatibleMapping:
    return IncompatibleMapping(
        f"{name}({bits}) cannot be fed by {family.id} ({family.word_bits}-bit words); {_offer(family)}"
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
    if not any(c in pattern for c in "*?[") or _COMPOSED_TEXT.match(pattern):
        return [parse_mapping(pattern, family)]
    found = [m for m in family.mappings if fnmatchcase(m, pattern.strip().casefold())]
    if not found:
        raise UnknownName(f"no native mapping of {family.id} matches {pattern!r}; {_offer(family)}")
    return [parse_mapping(m, family) for m in found]
