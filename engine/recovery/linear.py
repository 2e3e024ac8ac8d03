"""The gap-agnostic detector: does a bit that draws leak exactly follow a linear recurrence? Finds structure, not a family."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from engine.recovery.berlekamp_massey import Recurrence, shortest_recurrence, surprise_bits
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.registry import FAMILIES

LONGEST = 45_000  # draws examined: enough for MT19937 (39,936) with a margin; the cost grows with the square
TOLD = 20.0  # bits of evidence from which on families are named and the next bits told
NEXT = 10  # bits told
NAMED = 4  # families in a line of text

# Linear complexities of the two lowest bits of a family's words, where the size of its state is not what shows: measured at strides of
# 1, 2, 4, 8 and 16 words (tests/recovery). The sum of two bits is linear, the bit above it takes a carry, which is a product.
_SHOWN: dict[str, tuple[int, ...]] = {
    "busybox_random/ash": (98, 96, 2243, 2146, 2144),
    "bsd_random/weak_seed": (527, 496),
    "erlang_exs/exsp": (116, 6786),
    "glibc_random/type1": (35, 28, 168, 105, 98, 91),
    "glibc_random/type2": (135, 120, 2495, 1955, 1940),
    "glibc_random/type3": (527, 496),
    "glibc_random/type4": (2079, 2016),
    "go_alfg/new_source": (607,),
    "jsc_weak_random/seed32": (128, 8256),
    "mt19937_php/mt_srand": (19938, 19935, 19932),
    "musl_random/srandom": (527, 496),
    "pure_rand/xoroshiro128plus": (128, 8256),
    "pure_rand/xorshift128plus": (128, 8256),
    "r250/gsl": (250,),
    "r_mersenne/set_seed": (19937,),
    "r_super_duper/set_seed": (33, 32),
    "ran3/gsl": (55, 1595, 1540),
    "ranmar/gsl": (475, 474),  # for some thousand words
    "rocrand_xorwow/seed": (162, 161, 160, 323),
    # blocks of 64 (62) are given in reverse, so every 64th draw follows the recurrence, and more where the stride shares a factor
    "v8_math_random/state52": tuple(8192 >> shared for shared in range(7)),
    "v8_math_random/state53": tuple(8192 >> shared for shared in range(7)),
    "v8_math_random/sum52": (7936, 3968, 256, 128),
    "xoroshiro128/plus": (128, 8256),
    "xoroshiro128/randomgen": (128, 8256),
    "xorshift1024/randomgen": (1024,),
    "xorwow/marsaglia": (162, 160, 323, 161),
    "xoshiro128pp/splitmix64": (),
    "zsh_random/srand": (527, 496),
}
# a congruential state's highest bit that shows: each factor 2 of the stride halves its period of 2^(bit + 1)
HIGHEST = 16
# the bit of the state that is a word's lowest, where the words are not the state's top
_LOWEST = {"pure_rand/congruential32": 16, "glibc_rand_r/rand_r": 16}


@cache
def complexities(family: Family) -> tuple[int, ...]:
    """Return the linear complexities that low bits of the family's words are known to have at a constant gap.

    The first is the lowest bit's where every word is drawn.
    """
    if family.structure == "lcg2k":
        bits = [2**bit + 1 for bit in _state_bits(family)]
        return (*bits, 0, 1) if bits else ()
    plain = (family.state_bits,) if family.structure == "f2" else ()
    return _SHOWN.get(family.id, plain)


def lane_complexity(family: Family, mask: int) -> int | None:
    """Return the linear complexity of the simplest bit under `mask` of each word, None where none is known."""
    known = complexities(family)
    lowest = (mask & -mask).bit_length() - 1
    if not mask or not known:
        return None
    if family.structure == "lcg2k":
        return next((2**bit + 1 for bit in _state_bits(family)[lowest:]), None)
    return known[0] if lowest == 0 or family.structure == "f2" else None


def _state_bits(family: Family) -> range:
    """Return the bits of a linear congruential state that the lowest bits of its words are, up to HIGHEST."""
    if "low_bits" not in family.routes and family.id not in _LOWEST:
        return range(0)
    return range(_LOWEST.get(family.id, family.state_bits - family.word_bits), HIGHEST + 1)


@dataclass(frozen=True)
class Structure:
    """The most surprising lane: `bits` is evidence after all lanes are paid, on `count` draws.

    Where that is TOLD or more: `families` have such a complexity, and `next_bits` are the lane's after the last draw of the history.
    Those are empty where a later draw contradicts the recurrence or too many are missing before the end.
    """

    lane: str
    complexity: int
    count: int
    bits: float
    families: tuple[str, ...] = ()
    next_bits: tuple[int, ...] = ()

    def line(self) -> str:
        """Return the finding as one line."""
        return (
            f"the {self.lane} of the draws follows a linear recurrence of length {self.complexity} over GF(2) "
            f"({self.count} draws, {self.bits:.0f} bits)" + self._named() + self._next()
        )

    def _named(self) -> str:
        if not self.families:
            return ""
        more = len(self.families) - NAMED
        return f", as in {', '.join(self.families[:NAMED])}" + (f" and {more} more" if more > 0 else "")

    def _next(self) -> str:
        return f"; its next bits: {''.join(map(str, self.next_bits))}" if self.next_bits else ""


def lanes(values: np.ndarray, lo: int, hi: int) -> dict[str, np.ndarray]:
    """Return the bits that int64 (n,) draws on lo..hi leak exactly, each once: for M = 2^z m, the z low ones and the z first places.

    Bit j of the draw is the word's under `x % M`, whatever was shifted out; place t of (draw - lo) / M in binary is that of u under
    `floor(u * M)`, `(x * M) >> w` and for t = 1 under rounding. A missing draw's bits mean nothing.
    """
    shifted, size = values - lo, hi - lo + 1
    exact = _exact(size)
    low = {_low(bit): shifted >> bit & 1 for bit in range(exact)}
    places = {_place(place): shifted // (size >> place) & 1 for place in range(1, exact + 1)}
    if size == 1 << exact:  # they are the same bits
        return low
    return low | places


def lane_count(size: int) -> int:
    """Return how many lanes draws of so many values have."""
    return _exact(size) * (1 if size == 1 << _exact(size) else 2)


def _exact(size: int) -> int:
    return (size & -size).bit_length() - 1


def _low(bit: int) -> str:
    return f"bit {bit}" if bit else "low bit"


def _place(place: int) -> str:
    return f"binary place {place} (of draw / range)" if place > 1 else "upper half"


def detect(values: np.ndarray, lo: int, hi: int) -> Structure | None:
    """Return the most surprising lane of int64 (n,) draws, -1 for a missing one; None where no lane is exact.

    The longest stretch without a missing draw is examined, of that the last LONGEST draws. One wrong draw hides a recurrence.
    """
    stretch = longest_stretch(values)
    first = max(stretch.start, stretch.stop - LONGEST)
    examined = lanes(values[first : stretch.stop], lo, hi)
    if not examined:
        return None
    made = {name: shortest_recurrence(bits.tolist()) for name, bits in examined.items()}
    best = min(made, key=lambda name: made[name].length)
    count = stretch.stop - first
    bits = max(0.0, surprise_bits(made[best].length, count) - math.log2(len(made)))
    found = Structure(best, made[best].length, count, bits)
    return found if bits < TOLD else _told(found, made[best], values[first:], lo, hi)


def _told(found: Structure, recurrence: Recurrence, values: np.ndarray, lo: int, hi: int) -> Structure:
    """Add the families of such a complexity and the next bits; `values` start with the draws examined."""
    families = tuple(one.id for one in FAMILIES if found.complexity in complexities(one))
    return replace(found, families=families, next_bits=_next_bits(found, recurrence, values, lo, hi))


def _next_bits(
    found: Structure, recurrence: Recurrence, values: np.ndarray, lo: int, hi: int
) -> tuple[int, ...]:
    later = values[found.count :]
    if len(later) > LONGEST:
        return ()
    lane = lanes(values, lo, hi)[found.lane]
    made = recurrence.extend(lane[: found.count].tolist(), len(later) + NEXT)
    agree = (later < 0) | (lane[found.count :] == np.array(made[: len(later)]))
    return tuple(made[len(later) :]) if agree.all() else ()


def longest_stretch(values: np.ndarray) -> slice:
    """Return the longest stretch of int64 (n,) draws without a missing one (-1), the latest of equal ones."""
    holes = np.concatenate(([-1], np.flatnonzero(values < 0), [len(values)]))
    lengths = np.diff(holes) - 1
    longest = len(lengths) - 1 - int(np.argmax(lengths[::-1]))
    return slice(int(holes[longest]) + 1, int(holes[longest + 1]))
