"""From a mapping, a range and draws to the numbers the kernels run on: the exact call, and a filter that never misses.

mappings.h says what the numbers mean. Everything here is integer arithmetic on the host, done once a search.
"""

from __future__ import annotations

from dataclasses import dataclass

from hip_cuda_kernels.errors import IncompatibleMapping
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.mappings import Mapping

RESIDUE, SCALED, MULTIPLIED = 0, 1, 2
NEVER_REJECTS = (1 << 64) - 1
WORD = 1 << 32


@dataclass(frozen=True)
class Call:
    """One mapping call in numbers (struct Call of mappings.h)."""

    kind: int
    range: int
    words: int = 1
    shift: int = 0
    join: int = 0
    second_shift: int = 0
    bits: int = 0
    accept_max: int = NEVER_REJECTS
    unit: float = 1.0


@dataclass(frozen=True)
class Filter:
    """The test on one 32-bit word (struct Filter of mappings.h), without the constants of each draw."""

    reduce: int = 0
    shift: int = 0
    zeros: int = 0
    multiplier: int = 1


def lower_call(mapping: Mapping, family: Family, lo: int, hi: int) -> Call:
    """Return the call of `mapping` over lo..hi; IncompatibleMapping when the runtime could not make it."""
    size = hi - lo + 1
    most = (
        (1 << 31) - 1
        if mapping.name == "java_bounded"
        else WORD - 1
        if mapping.name == "top_reject"
        else WORD
    )
    if not 1 <= size <= most:
        raise IncompatibleMapping(f"range {lo}:{hi} holds {size} values, {mapping.id} takes 1 to {most}")
    if mapping.name in ("mod", "shift"):
        return Call(RESIDUE, size, shift=mapping.parameter or 0)
    if mapping.name == "mulshift":
        return Call(MULTIPLIED, size, bits=family.word_bits)
    if mapping.name == "float":
        return _float_call(mapping, family, size)
    return _rejecting_call(mapping.name, size)


def _float_call(mapping: Mapping, family: Family, size: int) -> Call:
    bits = mapping.parameter or 0
    if mapping.words == 2 and family.float_split is not None:
        first, second = (family.word_bits - b for b in family.float_split)
        return Call(SCALED, size, 2, first, family.float_split[1], second, bits, unit=2.0**bits)
    unit = 2.0**bits if family.float_unit is None else family.float_unit
    return Call(SCALED, size, shift=family.word_bits - bits, bits=bits, unit=unit)


def _rejecting_call(name: str, size: int) -> Call:
    power = size & (size - 1) == 0
    if name == "java_bounded":
        if power:
            return Call(MULTIPLIED, size, shift=1, bits=31)
        return Call(RESIDUE, size, shift=1, accept_max=2 * ((1 << 31) // size * size) - 1)
    if name == "php_range":
        return Call(RESIDUE, size, accept_max=NEVER_REJECTS if power else (WORD - 1) // size * size - 1)
    shift = 32 - size.bit_length()
    return Call(RESIDUE, size, shift=shift, accept_max=(size << shift) - 1)


def lower_filter(call: Call, word_bits: int) -> Filter:
    """Return the filter of a call on words of `word_bits`; its constants per draw come from `lower_draw`."""
    if call.kind != RESIDUE or _accepts_one_period(call):
        return Filter()
    if word_bits - call.shift > 32:
        return Filter(reduce=1)
    zeros = (call.range & -call.range).bit_length() - 1
    inverse = pow(call.range >> zeros, -1, WORD)
    return Filter(shift=call.shift - max(word_bits - 32, 0), zeros=zeros % 32, multiplier=inverse)


def _accepts_one_period(call: Call) -> bool:
    return call.accept_max + 1 == call.range << call.shift


def lower_draw(call: Call, word_filter: Filter, word_bits: int, value: int) -> tuple[int, int] | None:
    """Return (offset, lim) of the filter for one draw (relative to lo), or None when no word can make it."""
    if not 0 <= value < call.range:
        return None
    if call.kind == RESIDUE and not _accepts_one_period(call):
        return _residue_draw(call, word_filter, word_bits, value)
    lowest, highest = _word_interval(call, word_bits, value)
    if lowest > highest:
        return None
    beyond = max(word_bits - 32, 0)
    lowest, highest = lowest >> beyond, highest >> beyond
    return -lowest % WORD, highest - lowest


def _residue_draw(call: Call, word_filter: Filter, word_bits: int, value: int) -> tuple[int, int] | None:
    largest = (1 << (word_bits - call.shift)) - 1
    if value > largest:
        return None
    if word_filter.reduce:
        return -value % WORD, 0
    rotated = value >> word_filter.zeros | value << (32 - word_filter.zeros)
    return -rotated * word_filter.multiplier % WORD, (largest - value) // call.range


def _word_interval(call: Call, word_bits: int, value: int) -> tuple[int, int]:
    """Return the first words between which every call that yields `value` lies."""
    if call.kind == RESIDUE:
        return value << call.shift, ((value + 1) << call.shift) - 1
    total = int(call.unit) if call.kind == SCALED else 1 << call.bits
    lowest, highest = -(-value * total // call.range), -(-(value + 1) * total // call.range) - 1
    if call.kind == SCALED and not _exact_product(call):
        lowest, highest = max(lowest - 1, 0), highest + 1  # rounding may move a value by one unit
    highest = min(highest, (1 << call.bits) - 1)
    if lowest > highest:
        return 1, 0
    lowest, highest = lowest >> call.join, highest >> call.join
    return lowest << call.shift, ((highest + 1) << call.shift) - 1


def _exact_product(call: Call) -> bool:
    return call.unit == 2.0**call.bits and call.bits + call.range.bit_length() <= 53
