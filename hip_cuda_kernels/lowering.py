"""From a mapping, a range and draws to the numbers the kernels run on: the exact call, and a filter that never misses.

mappings.h says what the numbers mean. Everything here is integer arithmetic on the host, done once a search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hip_cuda_kernels.errors import IncompatibleMapping
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.mappings import Mapping, is_composed

ITSELF, RESIDUE, SCALED, MULTIPLIED = range(4)
WHOLE, WINDOW, HALVES, PAIRS, TOPS = range(5)
NEVER_REJECTS = (1 << 64) - 1
WORD, LONG = 1 << 32, 1 << 64


@dataclass(frozen=True)
class Call:
    """One mapping call in numbers (struct Call of mappings.h), with `size` values on words of `width` bits."""

    kind: int
    size: int
    width: int
    view: int = WHOLE
    at: int = 0
    words: int = 1
    shift: int = 0
    join: int = 0
    second_shift: int = 0
    bits: int = 0
    rounds: int = 0
    mask: int = NEVER_REJECTS
    multiplier: int = 0
    addend: int = 0
    accept_max: int = NEVER_REJECTS
    unit: float = 1.0

    @property
    def range(self) -> int:
        """Return M as the kernel takes it: rounding spreads over one value less."""
        return self.size - self.rounds

    @property
    def field(self) -> int:
        """Return how many bits y takes from the first word."""
        return min(self.width - self.shift, self.mask.bit_length())

    @property
    def top(self) -> int:
        """Return the place above y's highest bit in x."""
        return self.shift + self.field

    @property
    def raw_words(self) -> int:
        """Return how many raw words a call reads at most, rejections aside."""
        return self.words * (2 if self.view in (PAIRS, TOPS) else 1)


@dataclass(frozen=True)
class Filter:
    """The test on one 32-bit word (struct Filter of mappings.h), without the constants of each draw."""

    reduce: int = 0
    at: int = 0
    shift: int = 0
    zeros: int = 0
    multiplier: int = 1


def lower_call(mapping: Mapping, family: Family, lo: int, hi: int) -> Call:
    """Return the call of `mapping` over lo..hi; IncompatibleMapping when the runtime could not make it."""
    if is_composed(mapping):
        raise IncompatibleMapping(
            f"mapping {mapping.id} is composed of several calls: only host.sieve searches it"
        )
    size, width = hi - lo + 1, mapping.word_bits
    least, most = _LIMITS.get(mapping.name, _any_size)(mapping, width)
    if not least <= size <= most:
        raise IncompatibleMapping(
            f"range {lo}:{hi} holds {size} values, {mapping.id} takes {least} to {most}"
        )
    return _seen(_CALLS[mapping.name](mapping, family, size), mapping, family)


def _any_size(_mapping: Mapping, _width: int) -> tuple[int, int]:
    return 1, WORD


# the sizes that a call takes, where it is not 1 to 2^32
_LIMITS: dict[str, Callable[[Mapping, int], tuple[int, int]]] = {
    "java_bounded": lambda _, __: (1, (1 << 31) - 1),
    "mod_reject": lambda m, _: (1, min(WORD, 1 << (m.parameter or 0))),
    "lemire": lambda _, w: (1, min(WORD, 1 << w)),
    "rust_range": lambda _, w: (1, min(WORD, (1 << w) - 1)),
    "rust_uniform": lambda _, w: (1, min(WORD, (1 << w) - 1)),
    "mask_reject": lambda _, w: (1, min(WORD, 1 << w)),
    "top_reject": lambda _, w: (1, min(WORD, 1 << w) - 1),
    "r_reject": lambda _, __: (1, 1 << 31),
    "round_float": lambda _, __: (2, WORD),
    "decimal": lambda m, _: (10 ** (m.parameter or 0) + 1,) * 2,
}


def _seen(call: Call, mapping: Mapping, family: Family) -> Call:
    """Place the call's view in the raw word. A test on 32 bits of a wide word is one on those bits alone."""
    beyond = family.word_bits - 32
    if mapping.view == "halves":
        return replace(call, view=HALVES)
    if mapping.view == "pairs":
        return replace(call, view=PAIRS)
    if mapping.view:
        return replace(call, view=WINDOW, at=beyond if mapping.view == "hi32" else 0)
    if call.width > 32 and call.accept_max != NEVER_REJECTS and call.kind != MULTIPLIED:
        for at in (0, beyond):
            if at <= call.shift and call.top <= at + 32:
                return replace(
                    call,
                    view=WINDOW,
                    at=at,
                    width=32,
                    shift=call.shift - at,
                    multiplier=call.multiplier << at,
                )
    return call


def _mod(m: Mapping, _f: Family, size: int) -> Call:
    return _residue(m.word_bits, m.parameter or 0, size)


def _residue(width: int, shift: int, size: int) -> Call:
    if size & (size - 1) == 0:
        return Call(ITSELF, size, width, shift=shift, mask=size - 1)
    return Call(RESIDUE, size, width, shift=shift)


def _mulshift(m: Mapping, _f: Family, size: int) -> Call:
    return Call(MULTIPLIED, size, m.word_bits, bits=m.word_bits)


def _float(m: Mapping, f: Family, size: int) -> Call:
    bits, width = m.parameter or 0, m.word_bits
    if m.words == 2 and f.float_split is not None:
        first, second = (width - b for b in f.float_split)
        return Call(SCALED, size, width, words=2, shift=first, join=f.float_split[1], second_shift=second,
                    bits=bits, unit=2.0**bits)  # fmt: skip
    unit = f.float_unit if f.float_unit is not None and not m.view else 2.0**bits
    return Call(SCALED, size, width, shift=width - bits, bits=bits, unit=unit)


def _round_float(m: Mapping, f: Family, size: int) -> Call:
    return replace(_float(m, f, size), rounds=1)


def _decimal(m: Mapping, f: Family, size: int) -> Call:
    own = min(m.word_bits, 53) if m.view else f.float_bits
    return _round_float(replace(m, parameter=own), f, size)


def _low_float(m: Mapping, _f: Family, size: int) -> Call:
    bits, width = m.parameter or 0, m.word_bits
    join = 32 if m.words == 2 else 0
    return Call(SCALED, size, width, words=m.words, join=join, bits=bits, mask=(1 << (bits - join)) - 1,
                unit=2.0**bits)  # fmt: skip


def _java_bounded(m: Mapping, f: Family, size: int) -> Call:
    if size & (size - 1) == 0:
        return Call(MULTIPLIED, size, m.word_bits, shift=1, bits=31)
    return _multiples(m, size, 31)


def _php_range(m: Mapping, _f: Family, size: int) -> Call:
    return _multiples(m, size, 32)


def _mod_reject(m: Mapping, _f: Family, size: int) -> Call:
    return _multiples(m, size, m.parameter or 0)


def _multiples(m: Mapping, size: int, bits: int) -> Call:
    """The residue of the top `bits` bits, below the last full multiple of the size."""
    call = _residue(m.word_bits, m.word_bits - bits, size)
    return call if call.kind == ITSELF else _below((1 << bits) // size * size, call)


def _mask_reject(m: Mapping, _f: Family, size: int) -> Call:
    return _below(size, _bits(m.word_bits, 0, (size - 1).bit_length(), size))


def _top_reject(m: Mapping, _f: Family, size: int) -> Call:
    return _below(size, _bits(m.word_bits, m.word_bits - size.bit_length(), size.bit_length(), size))


def _r_reject(m: Mapping, _f: Family, size: int) -> Call:
    bits, tops = (size - 1).bit_length(), m.word_bits - 16
    if bits < 16:
        return _below(size, _bits(m.word_bits, tops, bits, size))
    return replace(_below(size, _bits(32, 0, bits, size)), view=TOPS, at=tops)


def _bits(width: int, shift: int, bits: int, size: int) -> Call:
    return Call(ITSELF, size, width, shift=shift, mask=(1 << bits) - 1)


def _below(limit: int, call: Call) -> Call:
    """Reject y >= limit: with y's highest bit pushed to the top, what lies below y does not count."""
    if limit == 1 << call.field:
        return call
    return replace(call, multiplier=1 << (64 - call.top), accept_max=(limit << (64 - call.field)) - 1)


def _lemire(m: Mapping, _f: Family, size: int) -> Call:
    over = (1 << m.word_bits) % size
    return _low_half(m, size, -over, (1 << m.word_bits) - over)


def _rust_range(m: Mapping, _f: Family, size: int) -> Call:
    return _low_half(m, size, 0, size << (m.word_bits - size.bit_length()))


def _rust_uniform(m: Mapping, _f: Family, size: int) -> Call:
    return _low_half(m, size, 0, (1 << m.word_bits) // size * size)


def _low_half(m: Mapping, size: int, addend: int, limit: int) -> Call:
    """The high half of x * size; rejected where the low half plus the addend reaches the limit."""
    call, up = Call(MULTIPLIED, size, m.word_bits, bits=m.word_bits), 64 - m.word_bits
    if limit == 1 << m.word_bits:
        return call
    test = {"multiplier": size << up, "addend": (addend << up) % LONG, "accept_max": (limit << up) - 1}
    return replace(call, **test)


_CALLS: dict[str, Callable[[Mapping, Family, int], Call]] = {
    "mod": _mod,
    "shift": _mod,
    "mulshift": _mulshift,
    "float": _float,
    "round_float": _round_float,
    "decimal": _decimal,
    "low_float": _low_float,
    "java_bounded": _java_bounded,
    "php_range": _php_range,
    "mod_reject": _mod_reject,
    "lemire": _lemire,
    "rust_range": _rust_range,
    "rust_uniform": _rust_uniform,
    "mask_reject": _mask_reject,
    "top_reject": _top_reject,
    "r_reject": _r_reject,
}


def lower_filter(call: Call) -> Filter:
    """Return the filter of a call; its constants per draw come from `lower_draw`."""
    if call.kind != RESIDUE:
        at = max(call.top - 32, 0)
        return Filter(at=at, multiplier=(1 << (32 - call.top + at)) % WORD)
    if call.field > 32:
        return Filter(reduce=1, multiplier=max(1, WORD // call.size))
    at, zeros = max(call.width - 32, 0), (call.size & -call.size).bit_length() - 1
    return Filter(at=at, shift=call.shift - at, zeros=zeros, multiplier=pow(call.size >> zeros, -1, WORD))


def lower_draw(call: Call, word_filter: Filter, value: int) -> tuple[int, int] | None:
    """Return (offset, lim) of the filter for one draw (relative to lo), or None when no word can make it."""
    if not 0 <= value < call.size:
        return None
    if call.kind == RESIDUE:
        return _residue_draw(call, word_filter, value)
    lowest, highest = (y >> call.join for y in _y_interval(call, value))
    return lower_fields(call, lowest, min(highest, (1 << call.field) - 1))


def lower_fields(call: Call, lowest: int, highest: int) -> tuple[int, int] | None:
    """Return (offset, lim) of the filter for the words whose field lies in lowest..highest, or None where that is empty."""
    if lowest > highest:
        return None
    up = 32 - call.field
    if up < 0:
        lowest, highest = lowest >> -up, highest >> -up
    else:
        lowest, highest = lowest << up, ((highest + 1) << up) - 1
    return -lowest % WORD, highest - lowest


def _residue_draw(call: Call, word_filter: Filter, value: int) -> tuple[int, int] | None:
    largest = (1 << call.field) - 1
    if value > largest:
        return None
    if word_filter.reduce:
        return -value * word_filter.multiplier % WORD, 0
    rotated = value >> word_filter.zeros | value << (32 - word_filter.zeros)
    return -rotated * word_filter.multiplier % WORD, (largest - value) // call.size


def _y_interval(call: Call, value: int) -> tuple[int, int]:
    """Return the y between which every call that yields `value` lies; none where the first is the larger."""
    if call.kind == ITSELF:
        return value, value
    total = int(call.unit) if call.kind == SCALED else 1 << call.bits
    twice = 2 * value - call.rounds
    lowest, highest = (-(-v * total // (2 * call.range)) for v in (twice, twice + 2))
    highest -= 1
    if call.kind == SCALED and not _exact_product(call):
        lowest, highest = lowest - 1, highest + 1  # rounding may move a value by one unit
    return max(lowest, 0), min(highest, (1 << call.bits) - 1)


def _exact_product(call: Call) -> bool:
    return call.unit == 2.0**call.bits and call.bits + call.range.bit_length() <= 53
