"""Draws of a congruential state as relations between small unknowns, and the lattice of all that keep them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.recovery.cuts import Cut
from engine.recovery.lattice_points import reduced
from engine.recovery.low_bits import low_states


@dataclass(frozen=True)
class Relations:
    """Draw i was made at state a * x + c for powers[i] = (a, c), x being the first draw's; powers[0] is (1, 0).

    With state = constant + sum of G_j u_j (cuts.py): sum G_j u_ij = a_i sum G_j u_0j + residue_i modulo m, for i > 0.
    What m and all G share is divided out; then the first G left is a unit. Unknowns stand draw by draw.
    """

    cut: Cut
    powers: tuple[tuple[int, int], ...]
    widths: tuple[int, ...]

    @cached_property
    def _common(self) -> int:
        return math.gcd(self.cut.model.modulus, *self.cut.coefficients)

    @cached_property
    def _modulus(self) -> int:
        return self.cut.model.modulus // self._common

    @cached_property
    def _unit(self) -> int:
        return pow(self.cut.coefficients[0] // self._common, -1, self._modulus)

    @cached_property
    def basis(self) -> list[list[int]]:
        """Return a reduced basis of the unknowns that keep the relations without their residues."""
        each, most = len(self.cut.coefficients), max(self.widths)
        factors = [g // self._common * self._unit % self._modulus for g in self.cut.coefficients]
        rows = [_row(self._size, {j: 1}) for j in range(each)]
        for i, (a, _) in enumerate(self.powers[1:], start=1):
            for j, factor in enumerate(factors):
                rows[j][i * each] = a * factor % self._modulus
            rows.append(_row(self._size, {i * each: self._modulus}))
            rows += [_row(self._size, {i * each + j: 1, i * each: -factors[j]}) for j in range(1, each)]
        return reduced(rows, [most // width for width in self.widths] * len(self.powers))

    def constants(self, values: Sequence[int]) -> Iterator[list[int]]:
        """Yield the constants of the draws (relative to lo): once, or for each low part that fits where they are swept."""
        fixed = [known[0] for value in values if (known := self.cut.known(value))]
        if not self.cut.swept:
            yield fixed
            return
        mask = (1 << self.cut.below) - 1
        for low in low_states(self.powers, values, self.cut.below, self.cut.shown).tolist():
            yield [at + (a * low + c & mask) for at, (a, c) in zip(fixed, self.powers, strict=True)]

    def particular(self, constants: Sequence[int]) -> list[int] | None:
        """Return unknowns that keep the relations, those of the first draw 0; None where nothing keeps them."""
        unknowns = [0] * self._size
        for i, (a, c) in enumerate(self.powers[1:], start=1):
            residue, rest = divmod(
                (a * constants[0] + c - constants[i]) % self.cut.model.modulus, self._common
            )
            if rest:
                return None
            unknowns[i * len(self.widths)] = residue * self._unit % self._modulus
        return unknowns

    def state(self, constants: Sequence[int], combination: Sequence[int]) -> int:
        """Return the first draw's state for a combination of basis vectors added to the particular unknowns."""
        total = constants[0]
        for j, coefficient in enumerate(self.cut.coefficients):
            total += coefficient * sum(x * row[j] for x, row in zip(combination, self.basis, strict=True))
        return total % self.cut.model.modulus

    @property
    def _size(self) -> int:
        return len(self.powers) * len(self.cut.coefficients)


def _row(size: int, entries: dict[int, int]) -> list[int]:
    return [entries.get(column, 0) for column in range(size)]
