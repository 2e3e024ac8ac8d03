"""What one draw gives away: the bits of raw words that it fixes, and the numbers y that lead to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from hip_cuda_kernels.composed import lower_composed
from hip_cuda_kernels.errors import IncompatibleMapping
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.lowering import (
    HALVES,
    ITSELF,
    LONG,
    MULTIPLIED,
    PAIRS,
    RESIDUE,
    SCALED,
    TOPS,
    WHOLE,
    WINDOW,
    WORD,
    Call,
    lower_call,
)
from hip_cuda_kernels.mappings import Mapping, is_composed

SAMPLED = 1 << 12  # values that an average is taken over, where there are more
ROUNDED = 4  # an end of an interval lies within so many y of the one in exact arithmetic
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0  # its multiples modulo 1 lie evenly and on no power of two


@dataclass(frozen=True)
class Known:
    """What is known of one raw word: the bits under `mask`, as they stand in the word."""

    mask: int
    bits: int


@dataclass(frozen=True)
class Leak:
    """What a value says of the call that made it.

    y is the number that a call takes from its words; first, first + modulus, .., last are all the y that give the value.
    `words` are the raw words of the call in order (of a call that reads again: the accepted ones) with the bits in which first
    and last agree from the top, and the bits below the lowest one of the modulus. `rejected` is the chance that a word is read again.
    """

    first: int
    last: int
    modulus: int
    words: tuple[Known, ...]
    rejected: float

    @property
    def certain(self) -> bool:
        """Return whether every call reads as many words, so that the place of each draw's words is known."""
        return self.rejected == 0.0

    @property
    def exact_bits(self) -> int:
        """Return how many bits are known."""
        return sum(word.mask.bit_count() for word in self.words)


def leak(call: Call, value: int, *, half: int = 0) -> Leak | None:
    """Return what `value` (the draw minus lo) says of its call, exactly as the runtime computes; None where no word makes it.

    `half` is 1 where a call on the halves of words begins in a high half.
    """
    numbers = _numbers(call, value)
    if not numbers:
        return None
    mask = _agreed(numbers, y_bits(call))
    placed = zip(raw_words(call, mask, half=half), raw_words(call, mask & numbers[0], half=half), strict=True)
    known = tuple(Known(*word) for word in placed)
    return Leak(numbers[0], numbers[-1], numbers.step, known, rejected(call))


def leaks(mapping: Mapping, family: Family, lo: int, hi: int, value: int) -> tuple[Leak | None, ...]:
    """Return the leaks of the consecutive calls that make one draw over lo..hi; `value` is the draw minus lo.

    IncompatibleMapping where a draw fixes no bit of a single call: samples and formulas.
    """
    if not is_composed(mapping):
        return (leak(lower_call(mapping, family, lo, hi), value),)
    if mapping.name in _OPAQUE:
        raise IncompatibleMapping(
            f"mapping {mapping.id} fixes no bit of a word: {_OPAQUE[mapping.name]}; search it by seed"
        )
    recipe = lower_composed(mapping, family, lo, hi)
    call, digits = recipe.steps[0], _digits(value, recipe.size, recipe.count)
    high = 1 if call.view == HALVES else 0
    return tuple(leak(call, digit, half=number % 2 * high) for number, digit in enumerate(digits))


_OPAQUE = {
    "sample": "many rows of calls take the same numbers",
    "formula": "a formula need not rise with its word",
}


def _digits(value: int, base: int, count: int) -> list[int]:
    return [value // base**place % base for place in reversed(range(count))]


@lru_cache(maxsize=1024)
def bits_per_draw(call: Call) -> float:
    """Return how many bits of raw words a draw fixes, the average over its values: 8.04 of floor(u * 1000), 3 of x % 1000.

    Of more than SAMPLED values so many are taken, evenly spread.
    """
    spread = (int(number * GOLDEN % 1.0 * call.size) for number in range(SAMPLED))
    values = range(call.size) if call.size <= SAMPLED else spread
    found = [
        _agreed(numbers, y_bits(call)).bit_count() for value in values if (numbers := _numbers(call, value))
    ]
    return sum(found) / len(found)


def lane_masks(call: Call) -> tuple[int, ...]:
    """Return for each raw word of the call the bits that every draw fixes: the top 3 of floor(u * 1000), the low 3 of x % 1000."""
    width, zeros = y_bits(call), (call.size & -call.size).bit_length() - 1
    if call.kind == ITSELF:
        return raw_words(call, (1 << width) - 1)
    if call.kind == RESIDUE:
        return raw_words(call, (1 << zeros) - 1)
    if call.kind == SCALED and call.unit < 2.0**call.bits - 1.0:  # the ends are no powers of two
        return raw_words(call, 0)
    exact = min(
        zeros, 1 if call.rounds else width
    )  # rounding keeps the half alone: ends lie at odd multiples of 1 / (2 M - 2)
    return raw_words(call, ((1 << exact) - 1) << (width - exact))


def entropy_bits(call: Call) -> float:
    """Return the most bits of information that a draw holds: log2 of its values, or the bits of y where these are fewer."""
    return min(math.log2(call.size), float(y_bits(call)))


def rejected(call: Call) -> float:
    """Return the chance that a call reads its word again."""
    return 1.0 - (call.accept_max + 1) / LONG


def y_bits(call: Call) -> int:
    """Return how many bits the number y has."""
    return call.field + call.join


def raw_words(call: Call, y: int, *, half: int = 0) -> tuple[int, ...]:
    """Return the raw words of one call with the bits of y (or of a mask of them) in their places and zeros elsewhere."""
    seen = [y >> call.join << call.shift]
    if call.words == 2:
        seen.append((y & ((1 << call.join) - 1)) << call.second_shift)
    if call.view == HALVES:
        return _halves(seen, half)
    return tuple(word for x in seen for word in _RAW[call.view](x, call.at))


def _halves(seen: list[int], half: int) -> tuple[int, ...]:
    words = [0] * ((half + len(seen) + 1) // 2)
    for place, x in enumerate(seen, start=half):
        words[place // 2] |= x << place % 2 * 32
    return tuple(words)


# view -> the raw words that a word x of the view was made of
_RAW: dict[int, Callable[[int, int], tuple[int, ...]]] = {
    WHOLE: lambda x, _: (x,),
    WINDOW: lambda x, at: (x << at,),
    PAIRS: lambda x, _: (x % WORD, x >> 32),
    TOPS: lambda x, at: (x >> 16 << at, x % (1 << 16) << at),
}


def _agreed(numbers: range, width: int) -> int:
    """Return the mask of the bits that all numbers share: their common prefix and the zeros of the step."""
    differing = (1 << (numbers[0] ^ numbers[-1]).bit_length()) - 1
    zeros = (numbers.step & -numbers.step) - 1
    return ((1 << width) - 1) & (~differing | zeros)


def _numbers(call: Call, value: int) -> range:
    """Return all y that give a value, in a row; none for a value that no word makes."""
    return _ORIGINS[call.kind](call, value) if 0 <= value < call.size else range(0)


def _itself(call: Call, value: int) -> range:
    return range(value, min(value + 1, 1 << call.field))


def _residues(call: Call, value: int) -> range:
    return range(value, (call.accept_max + 1) >> (64 - call.field), call.size)


def _multiplied(call: Call, value: int) -> range:
    """The product's low half lies where the call accepts it: anywhere, or from the negative of the addend on."""
    up = 64 - call.bits
    least = (value << call.bits) + (-call.addend % LONG >> up)
    most = least + (call.accept_max >> up)
    return range(-(-least // call.size), most // call.size + 1)


def _scaled(call: Call, value: int) -> range:
    return range(_reaching(call, value), _reaching(call, value + 1))


def _reaching(call: Call, value: int) -> int:
    """Return the least y that gives `value` or more, by bisection: in double arithmetic too no y gives less than one below it.

    A generator whose words are divided by less than 2^bits gives none beyond the divisor.
    """
    near, most = (
        (2 * value - call.rounds) * int(call.unit) // (2 * call.range),
        min(1 << call.bits, int(call.unit) + 1),
    )
    low, high = (max(0, min(near + slack, most)) for slack in (-ROUNDED, ROUNDED))
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _rounded(call, middle) >= value else (middle + 1, high)
    return low


def _rounded(call: Call, y: int) -> int:
    z = y / call.unit * call.range
    return int(z) + (call.rounds and z % 1.0 >= 0.5)


_ORIGINS: dict[int, Callable[[Call, int], range]] = {
    ITSELF: _itself,
    RESIDUE: _residues,
    SCALED: _scaled,
    MULTIPLIED: _multiplied,
}
