"""What a draw says of a congruential state: a constant plus unknowns in boxes, read off the mapping call."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from engine.recovery.congruences import MODELS, Congruence
from hip_cuda_kernels.lowering import (
    RESIDUE,
    SCALED,
    WHOLE,
    WINDOW,
    WORD,
    Call,
    Filter,
    lower_call,
    lower_draw,
    lower_filter,
)
from hip_cuda_kernels.mappings import is_composed, parse_mapping
from hip_cuda_kernels.registry import family as family_of

MOST_SWEPT = 20
"""Low bits that may be tried one by one."""
MOST_LEFT = 3
"""Log2 of the low parts of a state that trying may leave."""


@dataclass(frozen=True)
class Cut:
    """state = constant(draw) + sum of coefficient * unknown, where each unknown lies in 0 .. its width - 1.

    A scaled draw leaves an interval of the state: one unknown. A residue x % M leaves the bits below the word and the
    quotient: two unknowns, or the quotient alone where no bit lies below or all low bits were tried (`swept`).
    """

    model: Congruence
    call: Call
    coefficients: tuple[int, ...]
    swept: bool = False

    @property
    def words(self) -> int:
        """Return the raw words of a call that rejects none."""
        return self.call.raw_words

    @property
    def rejected(self) -> float:
        """Return the chance that a word is drawn again."""
        return 1.0 - (self.call.accept_max + 1) / (1 << 64)

    @property
    def state_bits(self) -> float:
        """Return log2 of the number of states."""
        return math.log2(self.model.modulus)

    def says(self, draws: int) -> float:
        """Return the bits that so many draws say at most: of the low part mod 2^k, no more than it holds."""
        if self.coefficients == (1,) or not self.model.binary:
            return draws * math.log2(self.call.size)
        low = min(draws * self.shown, self.below + self.shown)
        return draws * math.log2(residues(self.call) >> self.shown) + low

    def known(self, value: int) -> tuple[int, tuple[int, ...]] | None:
        """Return (constant, widths) of a draw relative to lo, or None where no word makes it."""
        return self._interval(value) if self.coefficients == (1,) else self._residue(value)

    def _interval(self, value: int) -> tuple[int, tuple[int, ...]] | None:
        lowered = lower_draw(self.call, self._filter, value)
        if lowered is None:
            return None
        scale = 1 << self.model.shift + self.call.at + self.call.top
        lowest = -lowered[0] % WORD
        first, end = (edge * scale >> 32 for edge in (lowest, lowest + lowered[1] + 1))
        return first, (max(end - first, 1),)

    def _residue(self, value: int) -> tuple[int, tuple[int, ...]] | None:
        below = 1 << self.below
        quotients = ((self.model.modulus - 1) // below - value) // residues(self.call) + 1
        if quotients < 1 or value >= self.call.size:
            return None
        return below * value, (below, quotients)[-len(self.coefficients) :]

    @property
    def below(self) -> int:
        """Return how many bits of the state lie below what a draw shows."""
        return self.model.shift + self.call.at + self.call.shift

    @property
    def shown(self) -> int:
        """Return how many bits from `below` on a residue shows whole."""
        return (residues(self.call) & -residues(self.call)).bit_length() - 1

    def sweeping(self, draws: int) -> Cut:
        """Return the cut with its low bits tried first, where so many draws leave few of them and they are few."""
        worth = self.shown * (draws - 1) >= self.below - MOST_LEFT and self.below <= MOST_SWEPT
        if len(self.coefficients) == 1 or not self.model.binary or not worth:
            return self
        return replace(self, coefficients=self.coefficients[1:], swept=True)

    @property
    def _filter(self) -> Filter:
        return lower_filter(self.call)


def residues(call: Call) -> int:
    """Return M of a call that shows x % M; one that shows low bits whole shows them modulo a power of two."""
    return call.range if call.kind == RESIDUE else call.mask + 1


def cut_of(family: str, mapping: str, lo: int, hi: int) -> Cut | None:
    """Return how draws on lo..hi cut the family's state, or None where they show no interval or residue of one."""
    found = family_of(family)
    named = parse_mapping(mapping, found)
    if family not in MODELS or is_composed(named):
        return None
    call = lower_call(named, found, lo, hi)
    top = MODELS[family].shift + call.at + call.top
    model = MODELS[family].low(top) if MODELS[family].binary else MODELS[family]
    whole = model.modulus <= 1 << top
    if call.view not in (WHOLE, WINDOW) or not (whole or call.kind != SCALED):
        return None
    if call.kind != RESIDUE and whole:
        return Cut(model, call, (1,))
    below, quotient = Cut(model, call, ()).below, residues(call)
    return Cut(model, call, (1, quotient << below) if below else (quotient,))
